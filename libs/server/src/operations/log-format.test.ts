import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { until } from '../__fixtures__/until.ts';
import { createTextLog, formatLine } from './log-format.ts';

const time = '2026-11-20T10:00:00.000Z';
const clock = new Date(time).toTimeString().slice(0, 8);
const info = { level: 'info', time, service: 'chat' };

describe('formatLine', () => {
  it.each([
    [
      {
        ...info,
        msg: 'request',
        method: 'POST',
        route: '/v1/x',
        status: 200,
        durationMs: 12.5,
        inputTokens: 3,
        outputTokens: 4,
      },
      'POST /v1/x 200 in 12.5 ms, 3 tokens in, 4 out',
    ],
    [
      { ...info, msg: 'request', method: 'GET', route: 'unknown', status: 404, error: 'XIM_NOT_FOUND' },
      'GET unknown 404, XIM_NOT_FOUND',
    ],
    [
      { ...info, msg: 'the engine is chosen', engine: 'oneapi', reason: 'first', profile: { a: 1 }, refusals: [] },
      'the engine is chosen engine=oneapi reason=first',
    ],
    [
      { ...info, level: 'error', msg: 'the engine ended', reason: 'killed', lastWords: ['a', 'b'] },
      'error: the engine ended reason=killed\n    a\n    b',
    ],
    [{ ...info, msg: 'progress', step: 'reading weights' }, 'reading weights …'],
    [
      { ...info, msg: 'progress', step: 'fetching a', percent: 50 },
      `[${'#'.repeat(12)}${'-'.repeat(12)}]  50 %  fetching a`,
    ],
  ])('%j', (fields, expected) => {
    expect(formatLine(fields)).toBe(`${clock} ${expected}`);
  });
});

describe('createTextLog', () => {
  const record = (isTTY: boolean) => {
    const written: string[] = [];
    const log = createTextLog({ isTTY, columns: 200, write: (text) => written.push(text) });
    const progress = (percent: number) => log.write(JSON.stringify({ ...info, msg: 'progress', step: 'a', percent }));
    return { written, log, progress };
  };

  it('draws one bar over the last one on a terminal, and takes it away for the next line', () => {
    const { written, log, progress } = record(true);
    progress(0);
    progress(100);
    log.write(JSON.stringify({ ...info, msg: 'done' }));
    expect(written.slice(0, 2).every((text) => text.startsWith('\r\u001b[K[') && !text.includes('\n'))).toBe(true);
    expect(written.slice(2)).toEqual(['\r\u001b[K', `${clock} done\n`]);
  });

  it('writes a line per step elsewhere', () => {
    const { written, progress } = record(false);
    progress(0);
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/ 0 % {2}a\n$/);
  });
});

describe('a service', () => {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const main = new URL('../__fixtures__/fake-main.ts', import.meta.url).pathname;
  const service = [process.execPath, '--conditions=@xim/source', '--import', tsx, main, '{}'];
  /** Runs a command in a terminal of its own, whose output it copies to its own; signals go to the command. */
  const TERMINAL = `import os, pty, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

  /** What a service shows from its start to its end. */
  async function show(command: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const [program, ...args] = command as [string, ...string[]];
    const child = spawn(program, args, {
      env: { ...process.env, XIM_PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let shown = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (shown += data.toString()));
    const closed = once(child, 'close');
    try {
      await until(() => /^http:\S+\/v1\r?$/m.test(shown) || child.exitCode !== null, 'the URL', 120_000);
    } finally {
      child.kill('SIGTERM');
      await closed;
    }
    return shown;
  }

  it('shows lines and a bar on a terminal', { timeout: 180_000 }, async () => {
    const shown = await show(['python3', '-c', TERMINAL, ...service]);
    expect(shown).toMatch(/^\d\d:\d\d:\d\d the engine is chosen engine=fake/m);
    expect(shown).toContain(`\r\u001b[K[${'#'.repeat(12)}${'-'.repeat(12)}]  50 %  pretending`);
    expect(shown).not.toContain('{"level"');
  });

  it('writes JSON on a terminal where that is asked for', { timeout: 180_000 }, async () => {
    const shown = await show(['python3', '-c', TERMINAL, ...service], { XIM_LOG_FORMAT: 'json' });
    expect(shown).toMatch(/^\{"level":"info".*"msg":"the engine is chosen"\}/m);
    expect(shown).not.toContain('\u001b[K');
  });

  it('writes lines for people into a pipe where that is asked for', { timeout: 180_000 }, async () => {
    const shown = await show(service, { XIM_LOG_FORMAT: 'text' });
    expect(shown).toMatch(/^\d\d:\d\d:\d\d the engine is chosen engine=fake/m);
    expect(shown).not.toMatch(/\u001b|^\{/m);
  });
});
