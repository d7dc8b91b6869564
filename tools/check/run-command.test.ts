import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runCommand, runTogether } from './run-command.mjs';

const defaults = { cwd: '/', env: { PATH: process.env['PATH'], NAME: 'default' } };
const shell = (script: string) => ({ program: 'sh', args: ['-c', script] });

beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  vi.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

it('tells the code and all that was printed, and shows it', async () => {
  const { code, output } = await runCommand(shell('echo out; echo err >&2; exit 3'), defaults);
  expect(code).toBe(3);
  expect(output.split('\n').sort()).toEqual(['', 'err', 'out']);
  expect(process.stdout.write).toHaveBeenCalledWith(Buffer.from('out\n'));
  expect(process.stderr.write).toHaveBeenCalledWith(Buffer.from('err\n'));
});

it.each([
  ['the defaults', {}, '/ default'],
  ['its own', { cwd: '/tmp', env: { NAME: 'own' } }, '/tmp own'],
])('has the folder and the environment of %s', async (_, own, printed) => {
  const { output } = await runCommand({ ...shell('echo $(pwd) $NAME'), ...own }, defaults);
  expect(output.trim()).toBe(printed);
});

it.each([
  ['cannot be started', { program: '/nowhere/program', args: [] }, 127],
  ['is killed', shell('kill -9 $$'), 1],
])('a command that %s has failed', async (_, command, code) => {
  expect((await runCommand(command, defaults)).code).toBe(code);
});

it('runs commands together, each shown whole, with results in their order', async () => {
  // Each of the first two waits for the other, so both must run at once.
  const folder = mkdtempSync(join(tmpdir(), 'xim-together-'));
  const meet = (own: string, other: string) =>
    shell(
      `cd ${folder}; echo ${own}; touch ${own}; for i in $(seq 1000); do [ -e ${other} ] && break; sleep 0.01; done; ls ${other}`,
    );
  try {
    const results = await runTogether([meet('a', 'b'), meet('b', 'a'), shell('echo c; exit 3')], {
      ...defaults,
      atOnce: 2,
    });
    expect(results).toEqual([
      { code: 0, output: 'a\nb\n' },
      { code: 0, output: 'b\na\n' },
      { code: 3, output: 'c\n' },
    ]);
    for (const { output } of results) expect(process.stdout.write).toHaveBeenCalledWith(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('leaves no listener behind', async () => {
  const before = process.listenerCount('SIGTERM');
  await runCommand(shell('exit 0'), defaults);
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
