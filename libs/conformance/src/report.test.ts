import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Tamper } from './__fixtures__/fake-exchange.ts';
import { type FakeServer, startFakeServer } from './__fixtures__/fake-server.ts';
import { status, whole } from './__fixtures__/spoil.ts';
import { formatReport } from './report.ts';
import { runConformance } from './run.ts';

let fake: FakeServer;
beforeAll(async () => {
  fake = await startFakeServer();
});
afterEach(() => {
  fake.tamper = undefined;
});
afterAll(() => fake.close());

const run = (...only: string[]) => runConformance({ baseUrl: fake.url, only, timeoutSeconds: 20, concurrency: 4 });

const numericCode: Tamper = ({ body }) => {
  if (typeof body?.error === 'object') body.error.code = 400;
};

describe('the kinds of faults', () => {
  it('count one fault of all errors once', async () => {
    fake.tamper = numericCode;
    const { faults, score, scores, results } = await run('chat.range', 'chat.invalid', 'completions.invalid');
    const failed = results.filter(({ outcome }) => outcome === 'failed');
    expect(failed.length).toBeGreaterThan(20);
    expect(faults).toEqual([
      {
        ...{ name: 'error.code:number', sentence: 'error.code is a number', checks: failed.length },
        example: { id: failed[0]!.id, expected: 'the error.error.code: string', found: '400' },
      },
    ]);
    expect([score.kinds, scores.chat!.kinds, scores.completions!.kinds]).toEqual([1, 1, 1]);
  });

  it('count a missing field once, wherever it is read', async () => {
    fake.tamper = whole((body) => void delete body.usage);
    const { faults } = await run('chat.usage', 'chat.n', 'chat.max-tokens', 'chat.role', 'completions.fields');
    expect(faults.map(({ name, sentence, checks }) => [name, sentence, checks])).toEqual([
      ['usage:missing', 'usage is missing', 6],
    ]);
  });

  it.each([
    ['another status', status(400, 422), 'status:422-for-400', 'an answer has status 422 instead of 400'],
    ['no connection', (exchange) => void (exchange.broken = true), 'connection:broken', 'the connection breaks before the end of an answer'], // prettier-ignore
    ['no JSON', (exchange) => void (exchange.body = 'hello'), 'body:json', 'a body is not JSON'],
    ['a stack', ({ body }) => void (body.error.message += 'Traceback (most recent call last):'), 'error:internals', 'an error shows a stack trace'], // prettier-ignore
    ['no name', ({ body }) => void Object.assign(body.error, { message: 'bad', param: null }), 'error:param', 'an error does not name the parameter'], // prettier-ignore
  ] satisfies [string, Tamper, string, string][])('share %s', async (_, spoil, name, sentence) => {
    fake.tamper = (exchange) => {
      if (exchange.status === 400 && JSON.stringify(exchange.request) !== '{}') spoil(exchange);
    };
    const { faults } = await run('chat.range.n', 'chat.range.top-p');
    expect(faults).toMatchObject([{ name, sentence, checks: 2 }]);
  });

  it('keep requests that are accepted by mistake apart, under the ids of their checks', async () => {
    fake.tamper = (exchange) => {
      if (exchange.request?.n === 0 || exchange.request?.top_p === -0.1) exchange.status = 200;
    };
    const { faults } = await run('chat.range.n', 'chat.range.top-p');
    expect(faults.map(({ name, sentence }) => [name, sentence])).toEqual([
      ['chat.range.top-p', 'expected status 400'],
      ['chat.range.n', 'expected status 400'],
    ]);
  });

  it('are in the text, those of most checks first', async () => {
    fake.tamper = (exchange) => {
      numericCode(exchange);
      if (exchange.body?.object === 'list') delete exchange.body.object;
    };
    const text = formatReport(await run('chat.range.n', 'chat.range.top-p', 'models.list'));
    expect(text).toContain(
      [
        'kinds of faults (2)',
        '  2 checks  error.code:number    error.code is a number',
        '            example  chat.range.top-p: expected the error.error.code: string; found 400',
        '  1 check   list.object:missing  list.object is missing',
        '            example  models.list: expected the list.object: "list"; found nothing',
      ].join('\n'),
    );
    expect(text).toMatch(/^all +0 +0 +3 +0 +0 % +2$/m);
  });
});
