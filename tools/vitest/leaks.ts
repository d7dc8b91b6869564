import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { watchOutput } from './output.ts';
import { livingProcesses, listeningSockets, type LivingProcess } from './proc.ts';

/** Sockets close in later turns of the event loop, and processes need time to end. Leaks count after this time. */
const GRACE_MS = 5000;
const POLL_MS = 20;

export interface LeakWatch {
  /** Waits for closing sockets and ending processes, kills the rest, and returns a line per leak. */
  end(graceMs?: number): Promise<string[]>;
}

/** Watches for processes and listening sockets that begin from now on and do not end, and for output. */
export function watchLeaks(): LeakWatch {
  const output = watchOutput();
  const socketsBefore = new Set(listeningSockets().keys());
  const processesBefore = new Set(livingProcesses().map((one) => one.identity));
  const started = new Set<ChildProcess>();
  const onSpawn = (message: unknown) => started.add((message as { process: ChildProcess }).process);
  subscribe('child_process', onSpawn);

  const leftProcesses = () => {
    const groups = new Set([...started].flatMap(({ pid }) => pid ?? []));
    return descendants(groups).filter((one) => !processesBefore.has(one.identity));
  };
  const leftSockets = () => [...listeningSockets()].filter(([inode]) => !socketsBefore.has(inode));

  return {
    async end(graceMs = GRACE_MS) {
      const until = performance.now() + graceMs;
      while (performance.now() < until && leftProcesses().length + leftSockets().length > 0) await pause(POLL_MS);
      unsubscribe('child_process', onSpawn);
      const processes = leftProcesses();
      for (const { pid } of processes) kill(pid);
      return [
        ...processes.map(({ pid, command }) => `a living process: ${pid} ${command}`),
        ...leftSockets().map(([, address]) => `a listening socket: ${address}`),
        ...output.end().map((text) => `output: ${text}`),
      ];
    },
  };
}

/** Processes that this process started, directly or not, and the rest of process groups whose leader has ended. */
function descendants(groups: ReadonlySet<number>): LivingProcess[] {
  const all = livingProcesses();
  const own = new Set([process.pid]);
  // Again until nothing is added: after ids have wrapped around, a child may be listed before its parent.
  for (let size = 0; size !== own.size;) {
    size = own.size;
    for (const { pid, parent, group } of all) if (own.has(parent) || groups.has(group)) own.add(pid);
  }
  return all.filter(({ pid }) => pid !== process.pid && own.has(pid));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
