import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface LivingProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Tells a process from a later one with the same id. */
  readonly identity: string;
  readonly command: string;
}

/** All processes of the machine; zombies are dead. */
export function livingProcesses(): LivingProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // proc_pid_stat(5): pid (name) state ppid pgrp … starttime; the name may hold spaces and brackets.
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (fields[0] === 'Z' || fields[0] === 'X') return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 200);
        const pid = Number(name);
        return [
          { pid, parent: Number(fields[1]), group: Number(fields[2]), identity: `${pid}@${fields[19]}`, command },
        ];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

/** The sockets on which this process listens: inode → address. */
export function listeningSockets(): Map<string, string> {
  const own = new Set(readdirSync('/proc/self/fd').flatMap(inodeOf));
  return new Map(
    [...tcpListeners('tcp'), ...tcpListeners('tcp6'), ...unixListeners()].filter(([inode]) => own.has(inode)),
  );
}

function inodeOf(fd: string): string[] {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
    return inode ? [inode] : [];
  } catch {
    return []; // the descriptor of the listing itself
  }
}

/** proc_pid_net(5): sl local_address rem_address st … inode; state 0A is TCP_LISTEN. */
function tcpListeners(family: 'tcp' | 'tcp6'): [string, string][] {
  return rowsOf(family)
    .filter((row) => row[3] === '0A')
    .map((row) => [row[9] ?? '', `${family} port ${parseInt(row[1]?.split(':')[1] ?? '', 16)}`]);
}

/** unix(7): Num RefCount Protocol Flags Type St Inode Path; the flag 00010000 is __SO_ACCEPTCON. */
function unixListeners(): [string, string][] {
  return rowsOf('unix')
    .filter((row) => row[3] === '00010000')
    .map((row) => [row[6] ?? '', `unix ${row[7] ?? '(unnamed)'}`]);
}

function rowsOf(table: string): string[][] {
  try {
    const [, ...lines] = readFileSync(`/proc/self/net/${table}`, 'utf8').trim().split('\n');
    return lines.map((line) => line.trim().split(/\s+/));
  } catch {
    return []; // a machine without IPv6 has no tcp6
  }
}
