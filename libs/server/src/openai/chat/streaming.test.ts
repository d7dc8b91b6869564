import { once } from 'node:events';
import { connect } from 'node:net';
import { EngineDeadError } from '@xim/engine';
import { ChatCompletionChunk } from '@xim/openai-schema';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { exchange, framesOf, startChat, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterEach(() => vi.useRealTimers());
afterAll(() => service.close());

const path = '/v1/chat/completions';
const text = 'Zwölf Boxkämpfer jagen 東京 mit 👩‍👩‍👧 und 🙂\nüber den Deich';
const base = {
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: text }] as OpenAI.ChatCompletionMessageParam[],
};

async function stream(fields: object = {}) {
  const response = await service.post(path, { ...base, stream: true, ...fields });
  const frames = framesOf(await response.text());
  const chunks = frames.filter((frame) => frame !== '[DONE]').map((frame) => JSON.parse(frame) as ChatCompletionChunk);
  for (const chunk of chunks) expect(ChatCompletionChunk.parse(chunk)).toEqual(chunk);
  return { response, frames, chunks };
}

describe('a stream', () => {
  it('is chunked server-sent events, neither cached nor buffered nor compressed, with a request id', async () => {
    const accept = { 'content-type': 'application/json', 'accept-encoding': 'gzip, deflate, br, zstd' };
    const { status, headers, body } = await exchange(
      service.origin,
      'POST',
      path,
      accept,
      JSON.stringify({ ...base, stream: true }),
    );
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(headers.get('transfer-encoding')).toBe('chunked');
    expect(headers.get('content-length')).toBeNull();
    expect(headers.get('content-encoding')).toBeNull();
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(headers.get('x-accel-buffering')).toBe('no');
    expect(headers.get('x-request-id')).toMatch(/^req_/);
    expect(body).toContain('data: [DONE]\n\n');
  });

  it('ends with one [DONE] and nothing after it', async () => {
    const { frames } = await stream();
    expect(frames.filter((frame) => frame === '[DONE]')).toHaveLength(1);
    expect(frames.at(-1)).toBe('[DONE]');
  });

  it('has one id, time and model, integer seconds and the right type', async () => {
    const { chunks } = await stream();
    const heads = chunks.map(({ choices: _, ...head }) => head);
    expect(new Set(heads.map((head) => JSON.stringify(head))).size).toBe(1);
    expect(heads[0]).toMatchObject({ object: 'chat.completion.chunk', model: 'xim/echo-generate' });
    expect(Number.isInteger(heads[0]!.created)).toBe(true);
  });

  it('names the role first and never again, and one reason to finish, last', async () => {
    const choices = (await stream()).chunks.map((chunk) => chunk.choices[0]!);
    expect(choices[0]!.delta).toEqual({ role: 'assistant', content: '', refusal: null });
    expect(choices.slice(1).some((choice) => 'role' in choice.delta)).toBe(false);
    expect(choices.map((choice) => choice.finish_reason).filter(Boolean)).toEqual(['stop']);
    expect(choices.at(-1)).toMatchObject({ delta: {}, finish_reason: 'stop' });
    const cut = (await stream({ max_tokens: 1 })).chunks.at(-1)!;
    expect(cut.choices[0]!.finish_reason).toBe('length');
  });

  it('never cuts a character', async () => {
    const deltas = (await stream()).chunks.map((chunk) => chunk.choices[0]!.delta.content ?? '');
    expect(deltas.length).toBeGreaterThan(10);
    expect(deltas.join('')).toBe(text);
    for (const delta of deltas) expect(delta).not.toMatch(/\uFFFD|\p{Surrogate}/u);
  });

  it.each([{ temperature: 0 }, { seed: 7 }, { stop: 'mit' }, { max_tokens: 9 }])(
    'says what the answer without says: %j',
    async (fields) => {
      const { chunks } = await stream({ ...fields, stream_options: { include_usage: true } });
      const whole = await service.client.chat.completions.create({ ...base, ...fields });
      expect(chunks.flatMap((chunk) => chunk.choices[0]?.delta.content ?? []).join('')).toBe(
        whole.choices[0]!.message.content,
      );
      expect(chunks.at(-1)!.usage).toEqual(whole.usage);
      expect(chunks.at(-1)!.system_fingerprint).toBe(whole.system_fingerprint);
    },
  );

  it('tells the usage once, in a chunk without choices before [DONE], only where asked', async () => {
    const asked = (await stream({ stream_options: { include_usage: true } })).chunks;
    expect(asked.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) as number } });
    expect(asked.slice(0, -1).every((chunk) => chunk.usage === null && chunk.choices.length === 1)).toBe(true);
    const { prompt_tokens, completion_tokens, total_tokens } = asked.at(-1)!.usage!;
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);

    for (const fields of [{}, { stream_options: null }, { stream_options: {} }]) {
      const { chunks } = await stream(fields);
      expect(chunks.some((chunk) => chunk.usage != null || chunk.choices.length === 0)).toBe(false);
    }
  });

  it('is a plain answer when something is wrong before it begins', async () => {
    const long = { messages: [{ role: 'user', content: 'word '.repeat(600) }] };
    for (const [fields, status] of [
      [long, 400],
      [{ temperature: 9 }, 400],
      [{ model: 'gpt-9' }, 404],
    ] as const) {
      const response = await service.post(path, { ...base, ...fields, stream: true });
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
      expect(await response.json()).toMatchObject({ error: { message: expect.any(String) as string } });
    }
  });
});

describe('a stream of an engine that', () => {
  const head = { type: 'start', inputTokens: 1 } as const;
  const word = { type: 'text-delta', choice: 0, text: 'a', tokens: 1 } as const;

  it('has begun and says nothing yet: the head and the role are there', async () => {
    let go!: () => void;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const slow = await startScripted(async function* () {
      yield head;
      await gate;
      yield { type: 'choice-end', choice: 0, reason: 'stop' };
      yield { type: 'end', usage: { inputTokens: 1, outputTokens: 0 } };
    });
    const chunks = await slow.client.chat.completions.create({ ...base, stream: true });
    const iterator = chunks[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ choices: [{ delta: { role: 'assistant' } }] });
    go();
    while (!(await iterator.next()).done);
    await slow.close();
  });

  it.each([
    ['dies', new EngineDeadError('SIGSEGV in /opt/x'), { code: 'engine_dead', type: 'server_error' }],
    ['has a bug', new TypeError('secret is not a function'), { code: 'internal_error', type: 'server_error' }],
  ])('%s: the last frame is the error, without [DONE]; the client throws it', async (_, error, expected) => {
    const failing = await startScripted(async function* () {
      yield head;
      yield word;
      throw error;
    });
    const response = await failing.post(path, { ...base, stream: true });
    const frames = framesOf(await response.text());
    expect(frames).not.toContain('[DONE]');
    const last = JSON.parse(frames.at(-1)!) as { error: object };
    expect(last).toEqual({ error: { ...expected, param: null, message: expect.any(String) as string } });
    expect(JSON.stringify(last)).not.toMatch(/SIGSEGV|secret/);

    const seen: unknown[] = [];
    const read = async () => {
      for await (const chunk of await failing.client.chat.completions.create({ ...base, stream: true }))
        seen.push(chunk);
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
    expect(seen).toHaveLength(2);
    await failing.close();
  });

  it('ends without saying so: an error, not a whole answer', async () => {
    const cut = await startScripted(async function* () {
      yield head;
      yield word;
    });
    const frames = framesOf(await (await cut.post(path, { ...base, stream: true })).text());
    expect(JSON.parse(frames.at(-1)!)).toMatchObject({ error: { code: 'engine_request_failed' } });
    expect((await cut.post(path, base)).status).toBe(500);
    await cut.close();
  });

  it.each([true, false])('works for a client that goes away is told so (stream: %s)', async (asStream) => {
    let cancelled!: (value: string) => void;
    const end = new Promise<string>((resolve) => (cancelled = resolve));
    let begun!: () => void;
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const endless = await startScripted(async function* (_input, { signal }) {
      try {
        yield head;
        begun();
        for (let sent = 0; sent < 1e5 && !signal.aborted; sent++) {
          yield word;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        cancelled('cancelled');
      }
    });
    const controller = new AbortController();
    const request = endless.client.chat.completions.create(
      { ...base, stream: asStream },
      { signal: controller.signal },
    );
    const reading = (async () => {
      const answer = await request;
      if (asStream) for await (const _ of answer as AsyncIterable<unknown>);
    })();
    reading.catch(() => undefined); // an abort before the head is an error, after it the end
    await beginning;
    controller.abort();
    expect(await end).toBe('cancelled');
    await reading.catch((error: unknown) => expect(error).toBeInstanceOf(OpenAI.APIUserAbortError));
    await endless.close();
  });

  it('has more to say than the client reads: it stops, and the connection is closed', async () => {
    let stopped!: (sent: number) => void;
    const end = new Promise<number>((resolve) => (stopped = resolve));
    const long = { ...word, text: 'a'.repeat(1 << 18) };
    const talkative = await startScripted(
      async function* () {
        let sent = 0;
        try {
          yield head;
          for (; sent < 4000; sent++) yield long;
        } finally {
          stopped(sent);
        }
      },
      { XIM_READ_TIMEOUT_SECONDS: '1' },
    );
    const { port } = new URL(talkative.origin);
    const body = JSON.stringify({ ...base, stream: true });
    const socket = connect(Number(port), '127.0.0.1').pause();
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    expect(await end).toBeLessThan(4000);
    socket.resume();
    await once(
      socket.on('error', () => undefined),
      'close',
    );
    await talkative.close();
  });

  it('is too slow for the client’s patience: the client times out and the engine stops', async () => {
    let cancelled!: (value: string) => void;
    const end = new Promise<string>((resolve) => (cancelled = resolve));
    let begun!: () => void;
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const slow = await startScripted(async function* (_input, { signal }) {
      try {
        yield head;
        begun();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      } finally {
        cancelled('cancelled');
      }
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const answer = slow.client.chat.completions.create(base, { timeout: 200 });
    const refused = expect(answer).rejects.toThrow(OpenAI.APIConnectionTimeoutError);
    await beginning;
    vi.advanceTimersByTime(200);
    vi.useRealTimers();
    await refused;
    expect(await end).toBe('cancelled');
    await slow.close();
  });
});

describe('the official client', () => {
  it('reads chunks, and its helper makes them one message', async () => {
    let joined = '';
    for await (const chunk of await service.client.chat.completions.create({ ...base, stream: true })) {
      joined += chunk.choices[0]?.delta.content ?? '';
    }
    expect(joined).toBe(text);
    const helper = service.client.chat.completions.stream({ ...base, stream_options: { include_usage: true } });
    expect(await helper.finalContent()).toBe(text);
    expect((await helper.totalUsage()).total_tokens).toBeGreaterThan(0);
  });
});
