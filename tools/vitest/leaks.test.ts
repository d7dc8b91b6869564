import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchLeaks } from './leaks.ts';
import { livingProcesses } from './proc.ts';

const SOON_MS = 100;

const lives = (pid: number | undefined) => livingProcesses().some((one) => one.pid === pid);

afterEach(() => {
  vi.restoreAllMocks();
});

describe('processes', () => {
  it('one that lives is found, named and killed', async () => {
    const leaks = watchLeaks();
    const child = spawn('sleep', ['1000']);
    expect(await leaks.end(SOON_MS)).toEqual([`a living process: ${child.pid} sleep 1000`]);
    await expect.poll(() => lives(child.pid)).toBe(false);
  });

  it('one whose parent has gone is found by its process group', async () => {
    const leaks = watchLeaks();
    const leader = spawn('sh', ['-c', 'sleep 1000 & echo started'], { detached: true });
    await once(leader.stdout, 'data');
    await expect.poll(() => lives(leader.pid)).toBe(false);
    expect(await leaks.end(SOON_MS)).toEqual([expect.stringMatching(/^a living process: \d+ sleep 1000$/)]);
  });

  it('one that was there before is none of ours', async () => {
    const child = spawn('sleep', ['1000']);
    await once(child, 'spawn');
    const leaks = watchLeaks();
    expect(await leaks.end(SOON_MS)).toEqual([]);
    child.kill();
  });

  it('one that ends within the time of grace is none', async () => {
    const leaks = watchLeaks();
    spawn('sleep', ['0.2']);
    expect(await leaks.end(20_000)).toEqual([]);
  });
});

describe('listening sockets', () => {
  it.each([
    ['of the network', { port: 0, host: '127.0.0.1' }, /^a listening socket: tcp port \d+$/],
    ['in a file', { path: join(tmpdir(), `xim-leaks-${process.pid}`) }, /^a listening socket: unix .*xim-leaks-\d+$/],
  ])('one %s is found, and is none once it is closed', async (_, address, line) => {
    const leaks = watchLeaks();
    const again = watchLeaks();
    const server = createServer().listen(address);
    await once(server, 'listening');
    expect(await leaks.end(SOON_MS)).toEqual([expect.stringMatching(line)]);
    server.close();
    expect(await again.end()).toEqual([]);
  });
});

describe('output', () => {
  it.each([
    ['console', () => vi.spyOn(console, 'warn').mockImplementation(() => {}), () => console.warn('a', 1), 'a 1'],
    [
      'a standard stream',
      () => vi.spyOn(process.stderr, 'write').mockImplementation(() => true),
      () => process.stderr.write('words\n'),
      'words',
    ],
    [
      'a file descriptor, as loggers do',
      () => vi.spyOn(fs, 'writeSync').mockImplementation(() => 0),
      () => fs.writeSync(1, 'bytes\n'),
      'bytes',
    ],
  ])('by %s is noted once', async (_, silence, print, text) => {
    silence();
    const leaks = watchLeaks();
    print();
    expect(await leaks.end(SOON_MS)).toEqual([`output: ${text}`]);
  });

  it('that a test takes for itself is not', async () => {
    const leaks = watchLeaks();
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    console.warn('expected');
    expect(warn).toHaveBeenCalledOnce();
    expect(await leaks.end(SOON_MS)).toEqual([]);
  });
});
