import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Tamper } from './__fixtures__/fake-exchange.ts';
import { type FakeServer, startFakeServer } from './__fixtures__/fake-server.ts';
import { accept, chunks, header, refuseWhen, status, whole } from './__fixtures__/spoil.ts';
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

  it('keep requests that are accepted by mistake apart', async () => {
    fake.tamper = (exchange) => {
      if (exchange.request?.n === 0 || exchange.request?.top_p === -0.1) exchange.status = 200;
    };
    const { faults } = await run('chat.range.n', 'chat.range.top-p');
    expect(faults.map(({ name, sentence }) => [name, sentence])).toEqual([
      ['accepted:top_p-out-of-range', 'top_p out of range is accepted'],
      ['accepted:n-out-of-range', 'n out of range is accepted'],
    ]);
  });

  it.each([
    ['an unknown model', ['chat.unknown-model', 'completions.unknown-model', 'responses.unknown-model', 'messages.unknown-model']], // prettier-ignore
    ['an unknown role', ['chat.invalid.role-unknown', 'responses.invalid.role', 'messages.invalid.role']],
    ['an empty list of messages', ['chat.invalid.messages-empty', 'messages.invalid.messages']],
    ['temperature out of range', ['chat.range.temperature', 'chat.stream.error-plain', 'completions.range.temperature', 'responses.invalid.temperature', 'responses.stream.error-plain', 'messages.stream.error-plain']], // prettier-ignore
    ['an unknown type of format', ['chat.format.invalid.type', 'responses.format.invalid.type']],
    ['a choice of a tool that is not in the list', ['chat.tools.invalid.unknown', 'responses.tools.invalid', 'messages.invalid.tool-choice']], // prettier-ignore
  ])('count %s once, on all routes that accept it', async (what, ids) => {
    fake.tamper = accept();
    const { faults } = await run(...ids);
    expect(faults).toMatchObject([{ sentence: `${what} is accepted`, checks: ids.length }]);
  });

  it.each([
    [
      'no request id',
      header('x-request-id', undefined),
      ['http.request-id', 'chat.stream.request-id'],
      'x-request-id:missing',
    ],
    [
      'another time in each chunk',
      chunks((chunk, i) => void (chunk.created += i)),
      ['chat.stream.same-head', 'completions.stream.fields'],
      'stream:head',
    ],
    [
      'no usage: null',
      chunks((chunk) => void (chunk.usage ?? delete chunk.usage)),
      ['chat.stream.usage-null', 'completions.stream.usage'],
      'stream:usage-null',
    ],
    [
      'another type of error',
      ({ body }) => void (typeof body?.error === 'object' && (body.error.type = 'BadRequestError')),
      ['messages.invalid', 'messages.unknown-model'],
      'error.type:value',
    ],
  ] satisfies [string, Tamper, string[], string][])('count %s once, on all routes', async (_, spoil, ids, name) => {
    fake.tamper = spoil;
    const { faults } = await run(...ids);
    expect(faults.map((fault) => fault.name)).toEqual([name]);
    expect(faults[0]!.checks).toBeGreaterThan(1);
  });

  it('count a required tool that is not called once, on all routes', async () => {
    fake.tamper = (exchange) => {
      const { body, frames } = exchange;
      for (const one of body?.choices ?? []) delete one.message?.tool_calls;
      if (Array.isArray(body?.output)) body.output = [];
      if (Array.isArray(body?.content)) body.content = [];
      if (!frames) return;
      for (const { delta } of frames.flatMap(({ choices }) => choices ?? [])) delete delta.tool_calls;
      exchange.frames = frames.filter((one) => !/added|content_block/.test(one.type));
    };
    const calls = ['required', 'finish-reason', 'content-null', 'named', 'stream.order', 'stream.finish'];
    const { faults, results } = await run(...calls.map((id) => `chat.tools.${id}`), 'responses.tools.required', 'responses.stream.tools', 'messages.tools.required', 'messages.stream.tools'); // prettier-ignore
    expect(faults).toMatchObject([{ name: 'tools:no-call', checks: results.length }]);
  });

  it('count a field of log probabilities that is missing once', async () => {
    fake.tamper = (exchange) => {
      const chunks = exchange.frames?.flatMap(({ choices }) => choices ?? []) ?? [];
      for (const { logprobs } of [...(exchange.body?.choices ?? []), ...chunks]) delete logprobs?.refusal;
    };
    expect((await run('chat.logprobs')).faults).toMatchObject([{ name: 'logprobs.refusal:missing', checks: 1 }]);
  });

  it('name what is refused, though the error has a wrong code', async () => {
    fake.tamper = (exchange) => {
      refuseWhen(({ top_p: value }) => value === 0, 'body.top_p')(exchange);
      numericCode(exchange);
    };
    const { faults } = await run('chat.range.ends');
    expect(faults.map(({ name }) => name)).toEqual(['refusal:top_p']);
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
