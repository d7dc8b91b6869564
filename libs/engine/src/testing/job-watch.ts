import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';

/** The processes and files of an engine outside this process's memory. */
export interface JobWatch {
  /** Processes begun since the watch began, the leader of the job first. Remembered for `expectNothingLeft`. */
  processes(): number[];
  /**
   * Waits until every process, socket, pipe and temporary file that came since the watch began is gone, or fails. Ends
   * the watch.
   */
  expectNothingLeft(): Promise<void>;
}

interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  /** Tells a process from a later one with the same id. */
  readonly startTime: string;
}

/** Begin it before the engine is created, and end it: meanwhile temporary files go to a folder of its own. */
export function watchJob(): JobWatch {
  const before = new Set(ownProcesses().map(identity));
  const filesBefore = openFiles();
  const seen = new Map<string, number>();
  const outerFolder = tmpdir();
  const folder = mkdtempSync(join(outerFolder, 'watch-'));
  vi.stubEnv('TMPDIR', folder);

  const processes = (): number[] => {
    const fresh = ownProcesses().filter((each) => !before.has(identity(each)));
    for (const each of fresh) seen.set(identity(each), each.pid);
    return fresh.map((each) => each.pid);
  };

  const leftovers = (): string[] => {
    processes();
    const living = new Set(allProcesses().filter(isAlive).map(identity));
    return [
      ...[...seen].filter(([id]) => living.has(id)).map(([, pid]) => `process ${pid}`),
      ...readdirSync(folder),
      ...openFiles().filter((file) => !filesBefore.includes(file)),
    ];
  };

  return {
    processes,
    async expectNothingLeft() {
      try {
        // Sockets close in a later turn of the event loop than the one that tells the end. (`expect.poll` works in
        // tests only, this in hooks too.)
        const until = performance.now() + 10_000;
        while (leftovers().length > 0 && performance.now() < until) await delay(20);
        expect(leftovers(), 'left behind').toEqual([]);
      } finally {
        vi.stubEnv('TMPDIR', outerFolder);
        rmSync(folder, { recursive: true });
      }
    },
  };
}

/** Living processes that this process started, directly or not, also those whose parent is gone. */
function ownProcesses(): ProcessStat[] {
  const all = allProcesses().filter(isAlive);
  const own = new Set([process.pid]);
  const mine = (each: ProcessStat): boolean =>
    own.has(each.parent) ||
    own.has(each.group) ||
    environmentOf(each.pid)['XIM_WORKER_HOST_PID'] === String(process.pid);
  // Parents have lower ids than their children but where ids wrapped around: two rounds.
  for (let round = 0; round < 2; round++) {
    for (const each of all) if (each.pid !== process.pid && mine(each)) own.add(each.pid);
  }
  return all.filter((each) => each.pid !== process.pid && own.has(each.pid));
}

function allProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // proc_pid_stat(5); the second field is a name in brackets that may hold spaces.
        const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        const [state = '', parent, group] = fields;
        return [
          { pid: Number(name), state, parent: Number(parent), group: Number(group), startTime: fields[19] ?? '' },
        ];
      } catch {
        return [];
      }
    });
}

/** A zombie does not count: only its parent can remove it. */
function isAlive({ state }: ProcessStat): boolean {
  return state !== 'Z' && state !== 'X';
}

function identity({ pid, startTime }: ProcessStat): string {
  return `${pid}@${startTime}`;
}

function environmentOf(pid: number): Record<string, string> {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    );
  } catch {
    return {};
  }
}

/** This process's sockets, pipes and open files, by what they are: `socket:[4711]`. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith('/proc/') ? [] : [target];
    } catch {
      return [];
    }
  });
}
