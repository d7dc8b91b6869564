import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readlink, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError } from '@xim/engine';
import { createOnce } from './links.ts';

const POLL_MS = 250;
/** Interval of the signs of life of a holder, for processes that cannot see the holder. */
const SIGN_MS = 10_000;
/** A holder without a sign of life for this time counts as dead. */
const SILENCE_MS = 60_000;

/** The holder of the lock, with the fields that tell it from a later process with the same number. */
interface Holder {
  readonly pid: number;
  /** Start of that process, in the kernel's ticks since boot. */
  readonly started: string;
  /** Boot and process namespace, in which `pid` is valid. */
  readonly machine: string;
}

/**
 * Does `work` while no other process does, on this machine or, on a shared disk, on another. A process takes over the
 * lock of a killed process. The lock saves work and does not protect content: two holders at once, which a disk without
 * atomic links permits, only transfer twice. Throws a `CancelledError` when `signal` aborts during the wait.
 */
export async function withLock<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const self: Holder = {
    pid: process.pid,
    started: (await startOf(process.pid)) ?? '',
    machine: await machine(),
  };
  // A link appears together with its content, and fails where the path exists. Without links the lock file is empty for
  // a moment, and an empty lock file counts as a lock of another machine.
  const own = `${path}.${randomUUID()}`;
  await writeFile(own, JSON.stringify(self));
  try {
    while (!(await createOnce(own, path))) {
      if (await isAbandoned(path, self.machine)) await takeAway(path, self.machine);
      else await pause(signal);
    }
  } finally {
    await rm(own, { force: true });
  }

  const sign = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, SIGN_MS).unref();
  try {
    return await work();
  } finally {
    clearInterval(sign);
    await rm(path, { force: true });
  }
}

async function isAbandoned(path: string, here: string): Promise<boolean> {
  const holder = await readHolder(path);
  if (holder?.machine === here) return (await startOf(holder.pid)) !== holder.started;
  const sign = await stat(path).catch(() => undefined);
  return sign !== undefined && Date.now() - sign.mtimeMs > SILENCE_MS;
}

/** Of several processes that saw the same dead holder, one gets its file. The file of a living holder is put back. */
async function takeAway(path: string, here: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (!(await isAbandoned(aside, here))) await createOnce(aside, path);
  await rm(aside, { force: true });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/** Field 22 of /proc/<pid>/stat (proc(5)); undefined when the process is gone or a zombie. */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is the name of the program and may hold any character, so fields are counted from its bracket.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields?.[19];
}

async function machine(): Promise<string> {
  // A sandbox may hide these files; then only the signs of life tell holders apart.
  const unknown = (): string => randomUUID();
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(unknown);
  return `${boot.trim()} ${await readlink('/proc/self/ns/pid').catch(unknown)}`;
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  await delay(POLL_MS, undefined, { signal }).catch(() => {
    throw new CancelledError('The fetch was cancelled.');
  });
}
