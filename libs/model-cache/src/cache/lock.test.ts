import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError } from '@xim/engine';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.ts';

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xim-lock-'));
  lock = join(folder, 'deep', 'x.lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Leaves a lock file as this process would, changed by `change`. */
async function leave(change: (holder: Record<string, unknown>) => void): Promise<void> {
  const holder = await withLock(lock, undefined, async () => JSON.parse(readFileSync(lock, 'utf8')));
  change(holder);
  writeFileSync(lock, JSON.stringify(holder));
}

const taken = (signal?: AbortSignal): Promise<boolean> => withLock(lock, signal, async () => true);

test('lets one in at a time and leaves nothing', async () => {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, (inside += 1));
    await delay(5);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 5 }, () => withLock(lock, undefined, work)));
  expect(most).toBe(1);
  expect(readdirSync(join(folder, 'deep'))).toEqual([]);
});

test('gives the lock back after a failure', async () => {
  const failing = withLock(lock, undefined, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(existsSync(lock)).toBe(false);
});

test('takes over from a process that is gone', async () => {
  await leave((holder) => (holder['pid'] = 2 ** 22 + 1));
  expect(await taken()).toBe(true);
});

test('takes over when another process has got the number', async () => {
  await leave((holder) => (holder['started'] = '1'));
  expect(await taken()).toBe(true);
});

test('waits for a living holder until it is told not to', async () => {
  await leave(() => undefined);
  await expect(taken(AbortSignal.timeout(700))).rejects.toSatisfy(CancelledError.isInstance);
  expect(readdirSync(join(folder, 'deep'))).toEqual(['x.lock']);
});

test('believes a holder on another machine as long as it shows signs of life', async () => {
  await leave((holder) => (holder['machine'] = 'elsewhere'));
  await expect(taken(AbortSignal.timeout(700))).rejects.toSatisfy(CancelledError.isInstance);
  const before = Date.now() / 1000 - 61;
  utimesSync(lock, before, before);
  expect(await taken()).toBe(true);
});
