/**
 * The resources that this process may use. Read once by `host-plan`; everything that decides (an engine's `check`, the plan)
 * takes this value and nothing else, so that a decision can be repeated from a recorded host.
 */
export interface Host {
  /** The vendor string of CPUID, such as `GenuineIntel` or `AuthenticAMD`. */
  readonly vendor: string;
  /** Marketing name of the CPU, for people. */
  readonly cpuModel: string;
  /** Instruction sets as Linux names them in /proc/cpuinfo: `avx2`, `avx512f`, `avx512_vnni`, `avx512_bf16`, `amx_int8` … */
  readonly isa: readonly string[];
  /** The logical CPUs in this process's affinity mask (a container's cpuset included), ascending by id. */
  readonly cpus: readonly HostCpu[];
  /** CPU time limit of the cgroup in CPUs (1.5 = one and a half), absent when unlimited. */
  readonly cpuQuota?: number;
  /** Bytes that this process and its children may use: the cgroup's limit, or physical memory. */
  readonly memoryBytes: number;
  /** Bytes that are free to take now, never more than `memoryBytes`. */
  readonly availableMemoryBytes: number;
  /** The NUMA nodes that hold CPUs or memory of this process, ascending by id; absent where the kernel shows none. */
  readonly nodes?: readonly HostNode[] | undefined;
  /** Absent where the kernel has none. */
  readonly hugePages?: HugePages | undefined;
  /** Governor of the CPU frequency, such as `performance`; absent where a hypervisor hides it. */
  readonly governor?: string | undefined;
  /** `kubernetes`, `docker`, `podman`, `containerd`, `lxc`; absent outside of a container. */
  readonly container?: string | undefined;
}

/** A NUMA node: CPUs and the memory that is near to them. */
export interface HostNode {
  readonly id: number;
  /** Bytes of memory on the node; 0 for a node of CPUs alone. */
  readonly memoryBytes: number;
  /** Relative cost of memory on each of `Host.nodes`, in their order; 10 is local (ACPI System Locality table). */
  readonly distances: readonly number[];
}

export interface HugePages {
  /** Transparent huge pages: `always`, `madvise` or `never`. */
  readonly transparent?: string | undefined;
  /** Reserved pages, by size. */
  readonly pools: readonly { readonly pageBytes: number; readonly total: number; readonly free: number }[];
}

export interface HostCpu {
  readonly id: number;
  /** Physical core, unique within its socket; two CPUs with one core and one socket are SMT siblings. */
  readonly core: number;
  readonly socket: number;
  /** NUMA node. */
  readonly node: number;
  /** Kind of the core on a CPU that has two kinds (Intel hybrid); absent on all others. */
  readonly kind?: 'performance' | 'efficiency' | undefined;
}

/** The memory and speed of a model on a host, as its engine measured them. The plan computes with these numbers and knows no engine. */
export interface MemoryNeeds {
  /** Bytes of weights in memory, repacked as the engine keeps them; 0 for an engine without weights. */
  readonly weightBytes: number;
  /** Bytes that a token takes in the key-value cache; absent where the model does not say, or has no such cache. */
  readonly kvBytesPerToken?: number | undefined;
  /** Bytes of the programs: Node, Python, the runtime and its scratch. */
  readonly reserveBytes: number;
  /**
   * Tokens of a prompt that one thread computes in a second on the slowest host that the engine takes; absent where
   * steps are short. The plan derives from it how long an engine may show no progress.
   */
  readonly tokensPerThreadSecond?: number | undefined;
  /**
   * Tokens of cache that the engine reserves for every sequence, however short it stays: the longest that one may have.
   * Such an engine computes a prompt in one step. Absent where a sequence takes what it needs, in steps of the plan.
   */
  readonly reservedTokens?: number | undefined;
  /** The work of one unit of output, for an estimate of speed before anything is loaded; absent where the engine cannot tell. */
  readonly work?: Work | undefined;
}

/**
 * The work of one unit of a task's output: a token of one sequence (`generate`), a text of 55 tokens (`embed`, `rerank`), a second of
 * audio (`transcribe`, `speak`), a picture (`generateImage`). With a memory bandwidth B and a peak P of the host, a unit takes
 * `bytes / (B × bandwidthShare) + operations / (P × peakShare) + serialCycles / clock` seconds; the shares are those that
 * the engine reached where it was measured (roofline model: Williams, Waterman, Patterson, CACM 52(4), 2009, with its terms
 * added).
 */
export interface Work {
  /** Bytes that a unit reads from memory: weights, where no other sequence shares the reading. */
  readonly bytes: number;
  /** Arithmetic operations; a multiply-add is two. */
  readonly operations: number;
  /** The kernels that compute them, where the host has such: they choose the peak. */
  readonly dtype: 'fp32' | 'bf16' | 'int8';
  /** 0 to 1. */
  readonly bandwidthShare: number;
  /** 0 to 1. */
  readonly peakShare: number;
  /** Threads beyond which a unit gains nothing; absent where all threads of the plan work on one unit. */
  readonly threads?: number | undefined;
  /**
   * Cycles of one thread beside the arithmetic, such as an interpreter's that calls small operators; absent where they are
   * too few to count.
   */
  readonly serialCycles?: number | undefined;
}

/** The share of a service in the host. Made by `host-plan`, obeyed by the engine, printed at start, served at /v1/metadata. */
export interface Plan {
  /** Threads of the engine's computation. */
  readonly threads: number;
  /** Sequences that run at once: chat choices, texts to embed, files, pictures. */
  readonly slots: number;
  /** Sequences that may wait for a slot. Beyond it a call is refused. */
  readonly queue: number;
  /** Bytes for the key-value cache; 0 where the task has none. */
  readonly kvCacheBytes: number;
  /** Tokens that one step of the engine may take: bounds how long a step lasts. */
  readonly batchTokens: number;
  /** Milliseconds without any sign of progress, while work is open, after which the engine counts as hung. */
  readonly stallMs: number;
  /** One line per decision: what was taken and why. */
  readonly reasons: readonly { readonly key: string; readonly value: string; readonly reason: string }[];
}
