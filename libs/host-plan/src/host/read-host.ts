import type { Host } from '@xim/engine';
import { readCpuQuota } from './cgroup.ts';
import { parseCpuInfo } from './cpuinfo.ts';
import { readCpus } from './cpus.ts';
import { UnsupportedPlatformError } from '../errors.ts';
import { hostFiles } from './host-files.ts';
import { readMemory } from './memory.ts';

/**
 * Reads what this process may really use, or what a recorded tree says of another machine (`root`, a folder that holds
 * `proc` and `sys`). Files that are missing, as on old kernels and in restricted containers, have fallbacks: without
 * an affinity mask every CPU counts, without a topology every CPU is a core, without a cgroup nothing is limited.
 *
 * Throws `UnsupportedPlatformError` when `root` is `/` and this is not Linux on x86-64; nothing else.
 */
export function readHost(root = '/'): Host {
  if (root === '/' && (process.platform !== 'linux' || process.arch !== 'x64')) {
    throw new UnsupportedPlatformError(process.platform, process.arch);
  }
  const files = hostFiles(root);
  const info = parseCpuInfo(files.lines('/proc/cpuinfo'));
  const cpuQuota = readCpuQuota(files);
  return {
    vendor: info.vendor,
    cpuModel: info.model,
    isa: info.flags,
    cpus: readCpus(files, info.processors),
    ...(cpuQuota === undefined ? {} : { cpuQuota }),
    ...readMemory(files),
  };
}
