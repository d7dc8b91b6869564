import { type HostFiles, hostFiles } from './host-files.ts';

/** Clock ticks per second of /proc/<pid>/stat, USER_HZ: 100 on x86-64 (proc(5)). */
const TICKS = 100;

/**
 * CPU seconds of a process, of its children that ended, and of all that descend from it now; a child that ends between
 * two readings moves from one sum to the other.
 */
export function readProcessSeconds(pid: number, files: HostFiles = hostFiles('/')): number {
  const stat = files.text(`/proc/${pid}/stat`);
  if (stat === undefined) return 0;
  // The name of the program, in parentheses, may hold blanks: utime, stime, cutime and cstime are fields 14 to 17.
  const fields = stat.replace(/^.*\) /s, '').split(' ');
  const own = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / TICKS;
  const tasks = files.names(`/proc/${pid}/task`);
  const children = tasks.flatMap((task) => files.text(`/proc/${pid}/task/${task}/children`)?.split(' ') ?? []);
  return children.filter(Boolean).reduce((sum, child) => sum + readProcessSeconds(Number(child), files), own);
}
