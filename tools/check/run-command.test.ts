import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runCommand } from './run-command.mjs';

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

it('leaves no listener behind', async () => {
  const before = process.listenerCount('SIGTERM');
  await runCommand(shell('exit 0'), defaults);
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
