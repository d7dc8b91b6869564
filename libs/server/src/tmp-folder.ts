import { statfsSync } from 'node:fs';
import type { Task } from '@xim/engine';

/** `f_type` of file systems that are memory (statfs(2)): tmpfs, ramfs. */
const IN_MEMORY: readonly number[] = [0x01021994, 0x858458f6];

/** Tasks whose requests carry files. */
const UPLOADS: readonly Task[] = ['transcribe', 'generateImage'];

/** What is wrong with the folder for uploads, as a sentence; undefined when nothing is, or the task has none. */
export function tmpFolderProblem(folder: string, task: Task): string | undefined {
  if (!UPLOADS.includes(task)) return undefined;
  try {
    if (!IN_MEMORY.includes(statfsSync(folder).type)) return undefined;
    return `XIM_TMP="${folder}" is memory: uploads count against this service's memory limit. Set it to a folder on a disk.`;
  } catch (error) {
    return `XIM_TMP="${folder}" cannot be used (${(error as NodeJS.ErrnoException).code}). Set it to a writable folder.`;
  }
}
