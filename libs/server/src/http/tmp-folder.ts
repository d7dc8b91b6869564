import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ServiceStartError } from '../errors/errors.ts';

/** `f_type` of file systems that are memory (statfs(2)): tmpfs, ramfs. */
const IN_MEMORY: readonly number[] = [0x01021994, 0x858458f6];

/**
 * Folders of uploads lie in XIM_TMP as `xim-upload-<host>-<process id>-<start time>-<six random characters>`. The host's
 * name keeps containers apart that share a volume, the start time (proc_pid_stat(5), clock ticks) tells a process from
 * a later one with the same id.
 */
const HOST = hostname().replace(/[^A-Za-z0-9.]/g, '_');
const NAME = /^xim-upload-([A-Za-z0-9._]+)-(\d+)-(\d+)-[A-Za-z0-9]{6}$/;

/** Makes a folder for one request that only this user can read (mode 0700) and resolves with its path. */
export function makeUploadFolder(tmp: string): Promise<string> {
  return mkdtemp(join(tmp, prefixOf(process.pid)));
}

/**
 * Prepares XIM_TMP for uploads: deletes what processes of this host left that no longer run, and proves that a folder can be made.
 * Throws ServiceStartError where it cannot. Returns a warning, as a sentence, where the folder is a bad place.
 */
export function prepareTmpFolder(tmp: string): string | undefined {
  try {
    for (const name of readdirSync(tmp)) if (isAbandoned(tmp, name)) rmSync(join(tmp, name), { recursive: true });
    rmdirSync(mkdtempSync(join(tmp, prefixOf(process.pid))));
    if (!IN_MEMORY.includes(statfsSync(tmp).type)) return undefined;
    return `XIM_TMP="${tmp}" is memory: uploads count against this service's memory limit. Set it to a folder on a disk.`;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message = `[server] XIM_TMP="${tmp}" cannot hold uploads (${code}). Set it to a folder that this user may write to.`;
    throw new ServiceStartError(message, { cause });
  }
}

function prefixOf(pid: number): string {
  return `xim-upload-${HOST}-${pid}-${startTimeOf(pid)}-`;
}

/** Whether `name` is a folder of this user, made by a process of this host that no longer runs. */
function isAbandoned(tmp: string, name: string): boolean {
  const [, host, pid, startTime] = NAME.exec(name) ?? [];
  if (host !== HOST || startTimeOf(Number(pid)) === startTime) return false;
  const stats = lstatSync(join(tmp, name), { throwIfNoEntry: false });
  return stats !== undefined && stats.isDirectory() && stats.uid === process.getuid?.();
}

/** Field 22 of /proc/<pid>/stat; undefined where no such process runs. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in brackets and may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
