import type { Host } from '@xim/engine';
import { readCpuQuota } from './cgroup.ts';
import { parseCpuInfo } from './cpuinfo.ts';
import { readCpus } from './cpus.ts';
import { UnsupportedPlatformError } from '../errors.ts';
import { readContainer } from './container.ts';
import { hostFiles, type HostFiles } from './host-files.ts';
import { readHugePages } from './huge-pages.ts';
import { readMemory } from './memory.ts';
import { readNodes } from './nodes.ts';

/**
 * Reads the resources that this process may use, or those of another machine from a recorded tree (`root`, a folder that
 * holds `proc` and `sys`). Files that are missing, as on old kernels and in restricted containers, have fallbacks:
 * without an affinity mask every CPU counts, without a topology every CPU is a core, without a cgroup nothing is limited.
 *
 * Throws `UnsupportedPlatformError` when `root` is `/` and this is not Linux on x86-64; nothing else.
 */
export function readHost(root = '/'): Host {
  if (root === '/' && (process.platform !== 'linux' || process.arch !== 'x64')) {
    throw new UnsupportedPlatformError(process.platform, process.arch);
  }
  return readHostFiles(hostFiles(root));
}

/** The same from any files. */
export function readHostFiles(files: HostFiles): Host {
  const info = parseCpuInfo(files.lines('/proc/cpuinfo'));
  const cpus = readCpus(files, info.processors);
  const cpuQuota = readCpuQuota(files);
  const nodes = readNodes(files, cpus);
  const hugePages = readHugePages(files);
  const governor = files.text(`/sys/devices/system/cpu/cpu${cpus[0]?.id ?? 0}/cpufreq/scaling_governor`);
  const container = readContainer(files);
  return {
    vendor: info.vendor,
    cpuModel: info.model,
    isa: info.flags,
    cpus,
    ...(cpuQuota !== undefined && { cpuQuota }),
    ...readMemory(files),
    ...(nodes.length > 0 && { nodes }),
    ...(hugePages && { hugePages }),
    ...(governor !== undefined && { governor }),
    ...(container !== undefined && { container }),
  };
}
