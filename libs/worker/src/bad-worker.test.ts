import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type CreateOptions,
  type Engine,
  EngineDeadError,
  type EngineInfo,
  EngineStartError,
  type Log,
} from '@xim/engine';
import { type JobWatch, watchJob } from '@xim/engine/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createWorkerEngine, type WorkerOptions } from './worker-engine.ts';

const script = fileURLToPath(new URL('./__fixtures__/bad-worker.mjs', import.meta.url));
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const model: CreateOptions['model'] = {
  id: 'bad',
  task: 'generate',
  licence: 'Apache-2.0',
  created: 0,
  artifacts: {},
  profiles: [],
  shape: {},
};

let watch: JobWatch;
let engine: Engine;
beforeEach(() => {
  watch = watchJob();
});
afterEach(async () => {
  await engine.stop();
  await watch.expectNothingLeft();
});

function create(mode: string, options: Partial<WorkerOptions> = {}, log = silent): Engine {
  const plan = { threads: 1, slots: 1, queue: 1, kvCacheBytes: 0, batchTokens: 1, stallMs: 1000, reasons: [] };
  const profile = { engine: 'bad', isa: [] };
  engine = createWorkerEngine(
    { command: [process.execPath, script, mode], env: {}, ranks: 1, tasks: ['generate', 'embed'] },
    { name: 'bad', create: { profile, plan, model, modelPath: '', python: 'python3', log }, ...options },
  );
  return engine;
}

async function start(mode: string, options?: Partial<WorkerOptions>, log?: Log): Promise<EngineInfo> {
  const info = await create(mode, options, log).start();
  // Known while it lives, so that it can be missed.
  expect(watch.processes().length).toBe(1);
  return info;
}

async function generate(text = 'a word or two', signal = new AbortController().signal): Promise<string[]> {
  const types: string[] = [];
  for await (const event of engine.generate!({ prompt: { text } }, { id: 'test', signal })) types.push(event.type);
  return types;
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    (value) => new Error(`Expected an error, but got ${JSON.stringify(value)}`),
    (error: Error) => error,
  );
  return outcome;
}

describe('a worker in another language, written from the protocol’s page', () => {
  it('works', async () => {
    const info = await start('good');
    expect(info).toMatchObject({
      engine: 'bad',
      runtime: { name: 'node' },
      models: ['bad'],
      slots: 1,
      verified: false,
    });
    expect(await generate()).toEqual(['start', ...Array(4).fill('text-delta'), 'choice-end', 'end']);
    const output = await engine.embed!(
      { items: [{ text: 'a' }, { text: 'b' }] },
      { id: 'test', signal: new AbortController().signal },
    );
    expect(output).toEqual({ vectors: new Float32Array([0.6, 0.8, 0.6, 0.8]), dimensions: 2, inputTokens: 2 });
    expect(await failureOf(generate('refuse this'))).toMatchObject({ code: 'XIM_INVALID_INPUT', param: 'prompt' });
    expect(await failureOf(generate('fail now'))).toMatchObject({
      code: 'XIM_ENGINE_REQUEST',
      message: 'that went wrong',
    });
    await engine.stop();
    expect(await engine.exited).toMatchObject({ expected: true, code: 0 });
  });

  it('may say what this host does not know', async () => {
    await start('says-more-than-asked');
    const expected = ['start', ...Array(4).fill('text-delta'), 'choice-end', 'end'];
    expect(await generate()).toEqual(['weather', ...expected]);
    expect(await generate()).toEqual(['weather', ...expected]);
  });
});

describe('a worker that fails at start', () => {
  it.each<[mode: string, message: RegExp, permanent: boolean, lastWords: RegExp | undefined]>([
    ['dies-at-start', /exited with code 3/, false, /last words/],
    ['dies-loading', /exited with code 4/, false, /last words/],
    ['fails-for-good', /the file is broken/, true, undefined],
    ['fails-this-time', /the port is taken/, false, undefined],
    ['fails-but-is-ready', /the file is broken/, true, undefined],
    ['never-connects', /no sign of life/, false, undefined],
    ['never-says-hello', /no sign of life/, false, undefined],
    ['never-ready', /no sign of life/, false, undefined],
    ['other-protocol', /speaks protocol 2, this host speaks 1/, true, undefined],
    ['other-rank', /hello of rank 5/, false, undefined],
    ['hello-twice', /unexpected hello/, false, undefined],
    ['text-for-hello', /broke the protocol/, false, undefined],
  ])('%s: %s', async (mode, message, permanent, lastWords) => {
    const starting = create(mode, { startTimeoutMs: 3000 }).start();
    const sampling = setInterval(() => watch.processes(), 20);
    const error = await failureOf(starting);
    clearInterval(sampling);
    expect(EngineStartError.isInstance(error), String(error)).toBe(true);
    expect(error).toMatchObject({ permanent, message: expect.stringMatching(message) });
    expect(error.message).toMatch(/^\[engine-bad\] /);
    if (lastWords) expect((error as EngineStartError).lastWords.join('\n')).toMatch(lastWords);
    expect(engine.state).toBe('dead');
    expect(await engine.exited).toMatchObject({ expected: false, reason: expect.stringMatching(/\S/) });
  });

  it('whose program does not exist', async () => {
    engine = createWorkerEngine(
      { command: ['/no/such/program'], env: {}, ranks: 1, tasks: ['generate'] },
      {
        name: 'bad',
        create: {
          profile: { engine: 'bad', isa: [] },
          plan: {} as never,
          model,
          modelPath: '',
          python: '',
          log: silent,
        },
      },
    );
    const error = await failureOf(engine.start());
    expect(EngineStartError.isInstance(error), String(error)).toBe(true);
    expect(error.message).toMatch(/could not be started.*\/no\/such\/program/);
    // Six tries would find it no better.
    expect(error).toMatchObject({ permanent: true });
  });
});

describe('a worker that dies or breaks the protocol in a call', () => {
  it.each<[mode: string, reason: RegExp, exit: object]>([
    ['exits-with-7', /exited with code 7/, { code: 7, lastWords: expect.arrayContaining(['last words']) }],
    ['exits-with-0', /exited with code 0/, { code: 0 }],
    ['is-killed', /SIGSEGV/, { signal: 'SIGSEGV' }],
    ['closes-socket', /closed its connection/, {}],
    ['writes-garbage', /broke the protocol: a frame claims/, {}],
    ['giant-header', /broke the protocol: a frame claims 2147483647 header/, {}],
    ['giant-body', /broke the protocol: a frame claims.*2147483648 body/, {}],
    ['no-json', /broke the protocol: a header is not JSON/, {}],
    ['no-events', /broke the protocol/, {}],
    ['bytes-out-of-body', /broke the protocol: a frame names bytes/, {}],
  ])('%s: every open call ends, and the exit says why', async (mode, reason, exit) => {
    await start(mode);
    const errors = await Promise.all([failureOf(generate()), failureOf(generate())]);
    for (const error of errors) {
      expect(EngineDeadError.isInstance(error), String(error)).toBe(true);
      expect(error.message).toMatch(reason);
    }
    expect(engine.state).toBe('dead');
    expect(await engine.exited).toMatchObject({ ...exit, expected: false, reason: expect.stringMatching(reason) });
    const late = await failureOf(generate());
    expect(EngineDeadError.isInstance(late), String(late)).toBe(true);
  });

  it('takes with it the children that would outlive it', async () => {
    await start('leaves-children');
    expect(EngineDeadError.isInstance(await failureOf(generate()))).toBe(true);
    const { lastWords } = await engine.exited;
    const children = lastWords.join(' ').match(/\d+/g)!.map(Number);
    expect(children.length).toBe(2);
    for (const pid of children) await expect.poll(() => stateOf(pid), { timeout: 10_000 }).toMatch(/^(gone|Z)$/);
  });
});

describe('a worker that does not stop', () => {
  it('when it hangs in native code and ignores SIGTERM, is killed after the grace', async () => {
    const line = vi.fn();
    await start('hangs', { graceMs: 300 }, { debug: line, info: line, warn: line, error: line });
    const call = failureOf(generate());
    await expect.poll(() => JSON.stringify(line.mock.calls), { timeout: 20_000 }).toContain('hanging');
    const kill = vi.spyOn(process, 'kill');
    await engine.stop();
    // The first signals. The end of the process brings another SIGKILL for the rest of its group.
    expect(kill.mock.calls.map(([, signal]) => signal).slice(0, 2)).toEqual(['SIGTERM', 'SIGKILL']);
    kill.mockRestore();
    expect(EngineDeadError.isInstance(await call)).toBe(true);
    expect(await engine.exited).toMatchObject({ expected: true, signal: 'SIGKILL' });
  });

  it('when asked while it loads, is not taken for ready', async () => {
    create('ready-when-stopped', { graceMs: 300 });
    const error = await failureOf(engine.start({ onProgress: () => void engine.stop() }));
    expect(EngineStartError.isInstance(error), String(error)).toBe(true);
    expect(engine.state).toBe('dead');
    expect(await engine.exited).toMatchObject({ expected: true });
  });

  it('when asked, is terminated after one grace', async () => {
    await start('ignores-stop', { graceMs: 300 });
    await engine.stop();
    expect(await engine.exited).toMatchObject({ expected: true, signal: 'SIGTERM' });
  });
});

describe('a worker that floods its log', () => {
  it('costs neither memory nor the call, and its last lines are kept', async () => {
    let lines = 0;
    const count = () => void lines++;
    await start('floods-its-log', {}, { debug: count, info: count, warn: count, error: count });
    const before = process.memoryUsage().rss;
    let most = 0;
    const sampling = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 10);
    expect(await generate()).toEqual(['start', ...Array(4).fill('text-delta'), 'choice-end', 'end']);
    clearInterval(sampling);
    expect(most - before, 'bytes for a flood of 40 MiB').toBeLessThan(32 * 2 ** 20);
    expect(lines, 'lines of 20,021 that reached the log').toBeLessThan(5000);
    await engine.stop();
    const { lastWords } = await engine.exited;
    expect(lastWords.at(-1)).toBe('the very last line');
    expect(lastWords.length).toBeLessThanOrEqual(100);
    expect(lastWords.join('').length).toBeLessThan(1 << 20);
  });
});

/** The state letter of proc_pid_stat(5), or `gone`. */
function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) (.).*$/s, '$1');
  } catch {
    return 'gone';
  }
}
