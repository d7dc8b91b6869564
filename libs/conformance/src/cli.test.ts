import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FakeServer, startFakeServer } from './__fixtures__/fake-server.ts';
import { runCli } from './cli.ts';
import { toRows } from './config.ts';
import type { Report } from './report.ts';

let fake: FakeServer;
let folder: string;
beforeAll(async () => {
  fake = await startFakeServer();
  folder = mkdtempSync(join(tmpdir(), 'xim-conformance-'));
});
afterEach(() => {
  Object.assign(fake, { tamper: undefined, absent: [], apiKey: undefined });
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await fake.close();
});

async function cli(args: readonly string[], env: Record<string, string> = {}, signal = new AbortController().signal) {
  const [out, err]: [string[], string[]] = [[], []];
  const words = args.map((arg) => (arg === 'URL' ? fake.url : arg));
  const code = await runCli(words, { env, signal, out: (line) => out.push(line), err: (line) => err.push(line) });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('exit codes', () => {
  it('0 and a table where nothing failed', async () => {
    const { code, out, err } = await cli(['URL', '--tasks', 'models,embeddings']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`${fake.url}  model org/fake-model`);
    expect(out).toMatch(/^ {2}passed {3}models\.list +the list has id/m);
    expect(out).toMatch(/^embeddings +20 +0 +0 +0 +100 % +0$/m);
    expect(out).not.toContain('completions');
  });

  it('0 where optional features are refused, and they are shown', async () => {
    fake.tamper = (exchange) => {
      if (exchange.request?.dimensions !== 32) return;
      const error = {
        message: '"dimensions" is fixed',
        type: 'invalid_request_error',
        param: 'dimensions',
        code: null,
      };
      Object.assign(exchange, { status: 400, body: { error } });
    };
    const { code, out } = await cli(['URL', '--only', 'embeddings']);
    expect(code).toBe(0);
    expect(out).toMatch(/refused {2}embeddings\.dimensions .*\n +reason +"dimensions" is fixed/);
    expect(out).toMatch(/^all +19 +1 +0 +0 +100 % +0$/m);
  });

  it('1 where something failed, with what was expected, found, and who needs it', async () => {
    fake.tamper = ({ body }) => void delete body?.object;
    const { code, out } = await cli(['URL', '--only', 'embeddings.fields,embeddings.float']);
    expect(code).toBe(1);
    expect(out).toMatch(
      /FAILED {3}embeddings\.fields .*\n +expected +answer\.object: "list"\n +found +nothing\n +why +\S/,
    );
    expect(out).toMatch(/^all +1 +0 +1 +0 +50 % +1$/m);
  });

  it('1 where there was nothing to check', async () => {
    const { code, err } = await cli(['URL', '--only', 'http.key.missing']);
    expect([code, err]).toEqual([1, expect.stringContaining('nothing was checked')]);
  });

  it('1 when it is interrupted', async () => {
    const controller = new AbortController();
    fake.tamper = () => controller.abort();
    const { code, err } = await cli(['URL'], {}, controller.signal);
    expect(code).toBe(1);
    expect(err).toBe('xim-conformance: interrupted');
  });

  it.each([
    [[], 'expected a base URL such as http://127.0.0.1:8000'],
    [['127.0.0.1:8000'], 'expected a base URL such as http://127.0.0.1:8000, found 127.0.0.1:8000'],
    [['URL', 'http://127.0.0.1:2'], 'expected one base URL, found 2'],
    [['URL', '--nonsense'], "Unknown option '--nonsense'"],
    [['URL', '--tasks', 'chat,cooking'], '--tasks: expected some of http,models,chat'],
    [['URL', '--tasks', ''], '--tasks: expected some of'],
    [['URL', '--only', 'chat.nothing'], '--only: no check chat.nothing'],
    [['URL', '--only', 'chat.fields', '--tasks', 'http'], '--only: no check chat.fields'],
    [['URL', '--timeout', '0'], '--timeout: expected seconds above 0'],
    [['URL', '--timeout', 'soon'], '--timeout: expected seconds'],
    [['URL', '--concurrency', '1.5'], '--concurrency: expected a whole number'],
    [['URL', '--only', 'models.list', '--json', '/nowhere/report.json'], '--json: cannot write /nowhere/report.json'],
  ])('2 for %j', async (args, message) => {
    const { code, err } = await cli(args);
    expect(code).toBe(2);
    expect(err).toContain(`xim-conformance: ${message}`);
    expect(err).toMatch(/ Try --help\.$/);
  });

  it('3 where nothing answers', async () => {
    const gone = await startFakeServer();
    await gone.close();
    const { code, out, err } = await cli([gone.url]);
    expect([code, out]).toEqual([3, '']);
    expect(err).toMatch(/^xim-conformance: nothing answers there: .*ECONNREFUSED/);
  });
});

describe('--json', () => {
  it('writes the report to a file, beside the table', async () => {
    const file = join(folder, 'report.json');
    const { out } = await cli(['URL', '--only', 'models', '--json', file]);
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    expect(out).toContain('models.list');
    expect(report).toMatchObject({ version: 1, baseUrl: fake.url, model: 'org/fake-model', score: { passed: 6 } });
    expect(report.results[0]).toEqual({
      id: 'models.list',
      task: 'models',
      title: expect.any(String),
      why: expect.any(String),
      outcome: 'passed',
      ms: expect.any(Number),
    });
  });

  it('- writes nothing but the report to standard output', async () => {
    const { out } = await cli(['URL', '--only', 'models.list', '--json', '-']);
    expect(JSON.parse(out)).toMatchObject({ scores: { models: { passed: 1, percent: 100 } } });
  });
});

describe('the rest of the command line', () => {
  it('takes the key from the environment, and rather from the flag', async () => {
    fake.apiKey = 'secret';
    const args = ['URL', '--only', 'models.list'];
    expect((await cli(args)).code).toBe(1);
    expect((await cli(args, { XIM_CONFORMANCE_API_KEY: 'secret' })).code).toBe(0);
    expect((await cli([...args, '--api-key', 'wrong'], { XIM_CONFORMANCE_API_KEY: 'secret' })).code).toBe(1);
    // The report does not contain the key.
    expect((await cli([...args, '--json', '-', '--api-key', 'secret'])).out).not.toContain('secret');
  });

  it('--model is what is asked for', async () => {
    expect((await cli(['URL', '--only', 'chat.fields', '--model', 'other'])).out).toContain('model other');
  });

  it('--list needs no server and names each check', async () => {
    const { code, out } = await cli(['--list']);
    expect(code).toBe(0);
    expect(out).toMatch(/^chat \(\d+\)$/m);
    expect(out).toMatch(/^ {2}chat\.stream\.done-once +data: \[DONE\] ends the stream, once$/m);
    expect(out).toMatch(/^ {2}chat\.logit-bias .*\(may be refused\)$/m);
  });

  it('--help names each setting', async () => {
    const { code, out } = await cli(['--help']);
    expect(code).toBe(0);
    for (const { flag } of toRows()) expect(out).toContain(`  ${flag}`);
    expect(out).toContain('XIM_CONFORMANCE_API_KEY');
  });

  it('the README has the same table', () => {
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8').replace(/ +\|/g, ' |');
    for (const { flag, value, advice } of toRows()) expect(readme).toContain(`| \`${flag}\` | ${value} | ${advice} |`);
  });

  it('is a program', { timeout: 120_000 }, async () => {
    const program = ['--conditions=@xim/source', '--import', 'tsx', join(import.meta.dirname, 'bin.ts')];
    const { stdout } = await promisify(execFile)(process.execPath, [...program, fake.url, '--only', 'models']);
    expect(stdout).toMatch(/^all +6 +0 +0 +0 +100 % +0$/m);
    const failing = promisify(execFile)(process.execPath, [...program, 'ftp://127.0.0.1']);
    await expect(failing).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('Try --help.') });
  });
});
