import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { refuseWhen } from './__fixtures__/spoil.ts';
import { type FakeServer, startFakeServer } from './__fixtures__/fake-server.ts';
import { TASK_NAMES } from './check.ts';
import { UnreachableError } from './errors.ts';
import { formatReport } from './report.ts';
import { chooseChecks, runConformance, type RunOptions } from './run.ts';
import { taskOf, tasks } from './tasks.ts';

let fake: FakeServer;
beforeAll(async () => {
  fake = await startFakeServer();
});
afterEach(async () => {
  Object.assign(fake, { tamper: undefined, absent: [], apiKey: undefined });
  // Every run closes its connections.
  await expect.poll(() => fake.connections()).toBe(0);
});
afterAll(() => fake.close());

const run = (more: Partial<RunOptions> = {}) =>
  runConformance({ baseUrl: fake.url, timeoutSeconds: 20, concurrency: 4, ...more });

/** Runs one check and returns its result. */
async function judge(id: string, more: Partial<RunOptions> = {}) {
  const { results } = await run({ only: [id], ...more });
  return results.find((one) => one.id === id)!;
}

describe('a server that behaves', () => {
  it('passes everything, with a key and without', async () => {
    fake.apiKey = 'secret';
    const keyed = await run({ apiKey: 'secret', tasks: TASK_NAMES });
    expect(keyed.results.filter(({ outcome }) => outcome !== 'passed').map(({ id }) => id)).toEqual([
      'http.key.unused',
    ]);
    fake.apiKey = undefined;
    const open = await run({ baseUrl: `${fake.url}/v1/` });
    expect(open.results.filter(({ outcome }) => outcome !== 'passed').map(({ id }) => id)).toEqual([
      'http.key.missing',
      'http.key.wrong',
      'http.key.health-open',
    ]);
    expect(open.score).toMatchObject({ failed: 0, refused: 0, skipped: 3, percent: 100 });
    expect(open.model).toBe('org/fake-model');
  }, 120_000);

  it('gets the same score one check at a time', async () => {
    const before = fake.requests;
    const { score } = await run({ concurrency: 1 });
    expect(score).toMatchObject({ failed: 0, refused: 0 });
    // A limit for the cost of a run on a paid service.
    expect(fake.requests - before).toBeLessThan(500);
  }, 120_000);
});

describe('what a check comes to', () => {
  it('is refused where an optional feature is openly refused by name', async () => {
    fake.tamper = refuseWhen(({ logprobs }) => logprobs != null, 'logprobs');
    expect(await judge('chat.logprobs.fields')).toMatchObject({ outcome: 'refused', reason: 'not here' });
    const { score } = await run({ tasks: ['chat'] });
    expect(score).toMatchObject({ failed: 0, refused: 4, percent: 100 });
  });

  it.each([
    ['for another parameter', 'temperature', 'chat.logprobs.fields'],
    ['without a name', null, 'chat.logprobs.fields'],
    ['though it is not optional', 'n', 'chat.n'],
  ])('is a failure where it is refused %s', async (_, param, id) => {
    fake.tamper = refuseWhen(({ logprobs, n }) => logprobs != null || n > 1, param);
    expect(await judge(id)).toMatchObject({ outcome: 'failed', expected: 'status 200' });
  });

  it('is a failure with the time where no answer comes, and the run goes on', async () => {
    // The time of a check is over when the server is silent, so no check depends on the speed of this machine.
    const timers: AbortController[] = [];
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
      timers.push(new AbortController());
      return timers.at(-1)!.signal;
    });
    fake.tamper = (exchange) => {
      if (!(exchange.silent = exchange.request?.messages !== undefined)) return;
      for (const timer of timers) timer.abort(new DOMException('late', 'TimeoutError'));
    };
    const only = ['chat.fields', 'chat.usage', 'models'];
    const { results } = await run({ only, timeoutSeconds: 0.3, concurrency: 1 });
    expect(new Set(timeout.mock.calls.flat())).toEqual(new Set([300]));
    timeout.mockRestore();
    const [first, second] = results.filter(({ task }) => task === 'chat');
    for (const one of [first, second])
      expect(one).toMatchObject({ outcome: 'failed', expected: 'an answer within 0.3 s', found: 'none' });
    expect(results.filter(({ task }) => task === 'models').every(({ outcome }) => outcome === 'passed')).toBe(true);
  });

  it('is a failure where the connection breaks', async () => {
    fake.tamper = (exchange) => (exchange.broken = exchange.request?.messages !== undefined);
    expect(await judge('chat.fields')).toMatchObject({ found: expect.stringMatching(/^ECONNRESET/) });
  });

  it('is a failure where the server sends it elsewhere: nothing but the base URL is talked to', async () => {
    fake.tamper = (exchange) => {
      if (exchange.request?.messages)
        Object.assign(exchange, { status: 307, headers: { location: 'http://127.0.0.1:9/' } });
    };
    expect(await judge('chat.fields')).toMatchObject({ outcome: 'failed', found: expect.stringMatching(/^307/) });
  });

  it('does not depend on how busy the server is: it comes again when it is told', async () => {
    let turnedAway = 0;
    fake.tamper = (exchange) => {
      if (!exchange.request?.messages || turnedAway++ > 1) return;
      Object.assign(exchange, { status: 429, headers: { 'retry-after': '0' } });
    };
    expect(await judge('chat.fields')).toMatchObject({ outcome: 'passed' });
    expect(turnedAway).toBe(3);
  });

  it('sees through a compression, which is fine outside of streams', async () => {
    fake.tamper = (exchange) => {
      if (exchange.frames) return;
      exchange.body = gzipSync(JSON.stringify(exchange.body));
      exchange.headers['content-encoding'] = 'gzip';
    };
    expect(await judge('chat.fields')).toMatchObject({ outcome: 'passed' });
  });

  it.each([
    ['is no compression', (exchange) => void (exchange.headers['content-encoding'] = 'gzip'), 'content-encoding, gzip'],
    ['is not UTF-8', (exchange) => void (exchange.body = Buffer.from([0x22, 0xff, 0x22])), 'a body in UTF-8'],
  ] satisfies [string, NonNullable<FakeServer['tamper']>, string][])(
    'tells a body that %s',
    async (_, spoil, expected) => {
      fake.tamper = (exchange) => void (exchange.request?.messages && spoil(exchange));
      expect(await judge('chat.fields')).toMatchObject({
        outcome: 'failed',
        expected: expect.stringContaining(expected),
      });
    },
  );
});

describe('what is run', () => {
  it('leaves out tasks whose route is not there, unless they are named', async () => {
    fake.absent = ['/v1/completions', '/generate'];
    const auto = await run();
    expect(auto.scores).toMatchObject({ completions: { failed: 0, passed: 0, percent: null }, tgi: { passed: 0 } });
    expect(auto.score.failed).toBe(0);
    expect(formatReport(auto)).toMatch(/completions\n {2}skipped {2}\d+ checks: POST \/v1\/completions is a 404\n/);
    const named = await run({ tasks: ['completions', 'models'] });
    expect(named.scores).toMatchObject({ completions: { passed: 0, percent: 0 }, models: { percent: 100 } });
    expect(named.scores.chat).toBeUndefined();
  });

  it('is what --only says, by id or by the beginning of ids', async () => {
    const { results } = await run({ only: ['chat.stop', 'models.list'] });
    expect(results.map(({ id }) => id.replace(/^chat\.stop\..*/, 'chat.stop.…'))).toEqual([
      'models.list',
      ...Array.from({ length: 5 }, () => 'chat.stop.…'),
    ]);
  });

  it('asks for the model that is named', async () => {
    const { model, score } = await run({ model: 'other', only: ['chat.fields'] });
    expect([model, score.failed]).toEqual(['other', 1]);
  });

  it('is nothing where nothing answers', async () => {
    const gone = await startFakeServer();
    await gone.close();
    await expect(run({ baseUrl: gone.url })).rejects.toThrow(UnreachableError);
    fake.tamper = (exchange) => (exchange.silent = true);
    await expect(run({ timeoutSeconds: 0.2 })).rejects.toThrow('/v1/models was not answered in time');
  });

  it('ends when it is told to', async () => {
    const controller = new AbortController();
    fake.tamper = (exchange) => {
      if (exchange.request?.messages) controller.abort();
      exchange.silent = controller.signal.aborted;
    };
    await expect(run({ signal: controller.signal })).rejects.toThrow('aborted');
  });
});

describe('the list of checks', () => {
  const checks = chooseChecks({});

  it('has each id once, under its task, with a sentence on who needs it', () => {
    expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
    for (const { name, checks: own } of tasks) for (const check of own) expect(taskOf(check)).toBe(name);
    for (const { id, title, why } of checks) {
      expect(id).toMatch(/^[a-z]+(\.[a-z0-9-]+)+$/);
      expect(title).toMatch(/[^.]$/);
      expect(why).toMatch(/^[A-Za-z].*[.!]$/);
    }
  });
});
