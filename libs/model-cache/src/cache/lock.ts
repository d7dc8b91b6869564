import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readlink, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError } from '@xim/engine';
import { createOnce } from './links.ts';

const POLL_MS = 250;
/** How often a holder shows that it lives, for processes that cannot look at it. */
const SIGN_MS = 10_000;
/** A holder that gave no sign for so long is taken for dead. */
const SILENCE_MS = 60_000;

/** Who holds the lock: enough to tell a living process from another one that got its number. */
interface Holder {
  readonly pid: number;
  /** Start of that process, in the kernel's ticks since boot. */
  readonly started: string;
  /** Boot and process namespace: where `pid` means something. */
  readonly machine: string;
}

/**
 * Does `work` while no other process does, on this machine or, on a shared disk, on another. The lock of a process
 * that was killed is taken over. It saves work, it does not guard content: two holders at once, which a disk without
 * atomic links could give, would only transfer twice. Throws a `CancelledError` when `signal` aborts while waiting.
 */
export async function withLock<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const self: Holder = {
    pid: process.pid,
    started: (await startOf(process.pid)) ?? '',
    machine: await machine(),
  };
  // A link appears at once and with its content, and fails where one is. Without links there is a moment with an empty
  // lock file, which counts as one of another machine.
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

/** Of several that saw the same dead holder, one gets its file; who got a living one's by mistake gives it back. */
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
  // The second field is the program's name and may hold anything, so count from its closing bracket.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields?.[19];
}

async function machine(): Promise<string> {
  // A sandbox may hide either; then holders are told apart by their signs of life alone.
  const unknown = (): string => randomUUID();
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(unknown);
  return `${boot.trim()} ${await readlink('/proc/self/ns/pid').catch(unknown)}`;
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  await delay(POLL_MS, undefined, { signal }).catch(() => {
    throw new CancelledError('The fetch was cancelled.');
  });
}
