import { EngineDeadError, type GenerateEvent, InvalidInputError } from '@xim/engine';
import { CompletionChunk } from '@xim/openai-schema';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, framesOf, startChat, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

const path = '/v1/completions';
const text = 'Zwölf Boxkämpfer jagen 東京 mit 👩‍👩‍👧 und 🙂\nüber den Deich';
const base = { model: 'gpt-4o-mini', prompt: text, max_tokens: 200 };

async function stream(fields: object = {}) {
  const response = await service.post(path, { ...base, stream: true, ...fields });
  const frames = framesOf(await response.text());
  const chunks = frames.filter((frame) => frame !== '[DONE]').map((frame) => JSON.parse(frame) as CompletionChunk);
  for (const chunk of chunks) expect(CompletionChunk.parse(chunk)).toEqual(chunk);
  return { response, frames, chunks };
}

describe('a stream', () => {
  it('is chunked server-sent events, neither cached nor buffered nor compressed, with a request id', async () => {
    const accept = { 'content-type': 'application/json', 'accept-encoding': 'gzip, deflate, br, zstd' };
    const request = JSON.stringify({ ...base, stream: true });
    const { status, headers, body } = await exchange(service.origin, 'POST', path, accept, request);
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

  it('has one head, one reason to finish per choice in its last chunk, and one [DONE] at the end', async () => {
    const { frames, chunks } = await stream({ prompt: ['one two three', 'four five', 'six'], n: 2 });
    expect(frames.filter((frame) => frame === '[DONE]')).toHaveLength(1);
    expect(frames.at(-1)).toBe('[DONE]');
    const heads = chunks.map(({ choices: _, ...head }) => head);
    expect(new Set(heads.map((head) => JSON.stringify(head))).size).toBe(1);
    expect(heads[0]).toMatchObject({ object: 'text_completion', model: 'xim/echo-generate' });
    expect(Number.isInteger(heads[0]!.created)).toBe(true);
    for (let index = 0; index < 6; index++) {
      const reasons = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
      expect(reasons.map((choice) => choice.finish_reason).filter(Boolean)).toEqual(['stop']);
      expect(reasons.at(-1)!.finish_reason).toBe('stop');
    }
  });

  it('lets prompts speak in turns', async () => {
    const { chunks } = await stream({ prompt: ['a b c d e f g h', 'i j k l m n o p'] });
    const order = chunks.map(({ choices }) => choices[0]!.index).join('');
    expect(order).toMatch(/0.*1.*0/);
  });

  it('never cuts a character', async () => {
    const texts = (await stream()).chunks.map((chunk) => chunk.choices[0]!.text);
    expect(texts.length).toBeGreaterThan(10);
    expect(texts.join('')).toBe(text);
    for (const one of texts) expect(one).not.toMatch(/\uFFFD|\p{Surrogate}/u);
  });

  it.each([
    { temperature: 0 },
    { seed: 7, n: 3 },
    { seed: 7, n: 3, prompt: 'dice: ******' },
    { stop: 'mit' },
    { max_tokens: 9 },
    { max_tokens: 0, echo: true },
    { echo: true, prompt: ['ab <think>cd</think> ef', 'gh'] },
  ])('says what the answer without says: %j', async (fields) => {
    const { chunks } = await stream({ ...fields, stream_options: { include_usage: true } });
    const whole = await service.client.completions.create({ ...base, ...fields });
    for (const choice of whole.choices) {
      const own = chunks.flatMap(({ choices }) => choices.filter(({ index }) => index === choice.index));
      expect(own.map((one) => one.text).join('')).toBe(choice.text);
      expect(own.at(-1)!.finish_reason).toBe(choice.finish_reason);
    }
    expect(chunks.at(-1)!.usage).toEqual(whole.usage);
    expect(chunks.at(-1)!.system_fingerprint).toBe(whole.system_fingerprint);
  });

  it('tells the usage of all prompts once, before [DONE], only where asked', async () => {
    const prompt = ['one two', 'three'];
    const asked = (await stream({ prompt, stream_options: { include_usage: true } })).chunks;
    expect(asked.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
    });
    expect(asked.slice(0, -1).every((chunk) => chunk.usage === null && chunk.choices.length === 1)).toBe(true);
    const { chunks } = await stream({ prompt });
    expect(chunks.some((chunk) => 'usage' in chunk || chunk.choices.length === 0)).toBe(false);
  });

  it('is read by the official client', async () => {
    let joined = '';
    for await (const chunk of await service.client.completions.create({ ...base, stream: true }))
      joined += chunk.choices[0]!.text;
    expect(joined).toBe(text);
  });
});

describe('of several prompts', () => {
  const start: GenerateEvent = { type: 'start', inputTokens: 1 };
  const word: GenerateEvent = { type: 'text-delta', choice: 0, text: 'a', tokens: 1 };
  const end: GenerateEvent[] = [
    { type: 'choice-end', choice: 0, reason: 'stop' },
    { type: 'end', usage: { inputTokens: 1, outputTokens: 1 } },
  ];
  const textOf = (prompt: object) => (prompt as { text: string }).text;
  const asksFor = (prompt: string[], more: object = {}) => ({ ...base, prompt, ...more });

  it.each([true, false])('one that is refused refuses all, before the first byte (stream: %s)', async (asStream) => {
    const ended: string[] = [];
    const picky = await startScripted(async function* ({ prompt }, { signal }) {
      if (textOf(prompt) === 'bad') throw new InvalidInputError('It is bad.', { param: 'prompt.text' });
      try {
        yield start;
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      } finally {
        ended.push(textOf(prompt));
      }
    });
    const response = await picky.post(path, asksFor(['good', 'bad', 'fine'], { stream: asStream }));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'prompt.1', message: 'It is bad.' } });
    await expect.poll(() => ended.toSorted()).toEqual(['fine', 'good']);
    await picky.close();
  });

  it('one that dies on the way ends all with one error frame', async () => {
    const ended: string[] = [];
    const dying = await startScripted(async function* ({ prompt }, { signal }) {
      yield start;
      yield word;
      if (textOf(prompt) === 'dies') throw new EngineDeadError('SIGSEGV in /opt/x');
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      ended.push(textOf(prompt));
    });
    const response = await dying.post(path, asksFor(['lives', 'dies'], { stream: true }));
    const frames = framesOf(await response.text());
    expect(frames).not.toContain('[DONE]');
    expect(JSON.parse(frames.at(-1)!)).toMatchObject({ error: { code: 'engine_dead', type: 'server_error' } });
    await expect.poll(() => ended).toEqual(['lives']);
    await dying.close();
  });

  it('one that ends without saying so is an error', async () => {
    const cut = await startScripted(async function* ({ prompt }) {
      yield start;
      yield word;
      if (textOf(prompt) === 'whole') yield* end;
    });
    expect((await cut.post(path, asksFor(['whole', 'cut']))).status).toBe(500);
    await cut.close();
  });

  it('a client that goes away cancels all, and no listener is left behind or warned of', async () => {
    const cancelled: string[] = [];
    let begun = 0;
    const endless = await startScripted(async function* ({ prompt }, { signal }) {
      yield start;
      begun += 1;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      cancelled.push(textOf(prompt));
    });
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const prompt = Array.from({ length: 30 }, (_, i) => `p${i}`);
    const controller = new AbortController();
    const reading = endless.client.completions
      .create({ ...base, prompt, stream: true }, { signal: controller.signal })
      .then(async (chunks) => {
        for await (const _ of chunks);
      });
    reading.catch(() => undefined);
    await expect.poll(() => begun).toBe(30);
    controller.abort();
    await expect.poll(() => cancelled.length).toBe(30);
    await reading.catch((error: unknown) => expect(error).toBeInstanceOf(OpenAI.APIUserAbortError));
    const metrics = await (await endless.get('/metrics')).text();
    expect(metrics).toMatch(/^xim_running_sequences\{.*\} 0$/m);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    await endless.close();
  });

  it('all are refused together where there is no room for them', async () => {
    const busy = await startScripted(
      async function* (_input, { signal }) {
        yield start;
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      },
      { XIM_SLOTS: '2', XIM_QUEUE: '0' },
    );
    const controller = new AbortController();
    const holding = fetch(`${busy.origin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...base, stream: true }),
      signal: controller.signal,
    });
    const held = await holding;
    const response = await busy.post(path, asksFor(['a', 'b'], { stream: true }));
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    await response.text();
    controller.abort();
    await held.text().catch(() => undefined);
    await busy.close();
  });
});
