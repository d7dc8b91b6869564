import { TgiErrorResponse, GenerateResponse, Info, StreamResponse, TokenizeResponse } from '@xim/tgi-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { framesOf, startChat, type TestService } from '../__fixtures__/test-service.ts';

const TEXT = 'Zwölf Boxkämpfer 東京 🙂 und Ende';

let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

type Parameters = Record<string, unknown>;
async function generate(parameters?: Parameters, inputs = TEXT) {
  const response = await service.post('/generate', { inputs, parameters });
  expect(response.status).toBe(200);
  return GenerateResponse.parse(await response.json());
}
async function stream(parameters?: Parameters, path = '/generate_stream', more: object = {}) {
  const response = await service.post(path, { inputs: TEXT, parameters, ...more });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const events = framesOf(await response.text()).map((frame) => StreamResponse.parse(JSON.parse(frame)));
  return { response, events, last: events.at(-1)! };
}
async function refused(parameters: Parameters, path = '/generate', more: object = {}) {
  const response = await service.post(path, { inputs: TEXT, parameters, ...more });
  const { error, error_type } = z.strictObject(TgiErrorResponse.shape).parse(await response.json());
  expect([response.status, error_type]).toEqual([422, 'validation']);
  expect(error).toMatch(/^Input validation error: /);
  return error;
}

describe('POST /generate', () => {
  it('answers an object, with details only where asked for', async () => {
    expect(await generate({})).toEqual({ generated_text: TEXT });
    const { details } = await generate({ details: true });
    expect(details).toMatchObject({ finish_reason: 'eos_token', seed: null, prefill: [] });
    expect(details?.tokens.map((token) => token.text).join('')).toBe(TEXT);
    // The end is a token without a text.
    expect(details?.generated_tokens).toBe(details!.tokens.length + 1);
    expect(details).not.toHaveProperty('top_tokens');
    expect(details).not.toHaveProperty('best_of_sequences');
  });

  it('says in headers what it cost', async () => {
    const response = await service.post('/generate', { inputs: TEXT, parameters: { details: true } });
    const { details } = (await response.json()) as GenerateResponse;
    const header = (name: string) => response.headers.get(name);
    expect(header('x-compute-type')).toBe('cpu');
    expect(header('x-compute-characters')).toBe(String([...TEXT].length));
    expect(header('x-generated-tokens')).toBe(String(details?.generated_tokens));
    expect(header('x-prompt-tokens')).toBe(String(details?.tokens.length)); // an echo
    expect(Number(header('x-compute-time'))).toBeGreaterThan(0);
    const times = ['total', 'validation', 'queue', 'inference'].map((name) => header(`x-${name}-time`));
    expect([...times, header('x-time-per-token')]).toEqual(Array(5).fill(expect.stringMatching(/^\d+$/)));
    expect(header('x-request-id')).toMatch(/^req_/);
  });

  it('ends with max_new_tokens, or with a stop text that the answer keeps', async () => {
    const cut = await generate({ max_new_tokens: 2, details: true });
    expect(cut.details).toMatchObject({ finish_reason: 'length', generated_tokens: 2 });
    const stopped = await generate({ stop: ['pfer'], details: true });
    expect(stopped).toMatchObject({
      generated_text: 'Zwölf Boxkämpfer',
      details: { finish_reason: 'stop_sequence' },
    });
    expect(stopped.details?.tokens.map((token) => token.text).join('')).toBe('Zwölf Boxkämpfer');
  });

  it('begins with the inputs where asked to', async () => {
    expect(await generate({ return_full_text: true })).toEqual({ generated_text: TEXT + TEXT });
  });

  it('tells the tokens of the inputs, and reads only the last ones of them', async () => {
    const { details, generated_text: text } = await generate({ decoder_input_details: true });
    expect(details?.prefill.map((token) => token.logprob === null).slice(0, 2)).toEqual([true, false]);
    expect(details?.prefill.map((token) => token.id)).toEqual(details?.tokens.map((token) => token.id));
    expect(text).toBe(TEXT);
    const cut = await generate({ truncate: 2, return_full_text: true, details: true });
    expect(cut.generated_text).toBe(`${TEXT}de`);
    expect((await generate({ truncate: 500 })).generated_text).toBe(TEXT);
  });

  it('tells alternatives where asked for', async () => {
    const { details } = await generate({ details: true, top_n_tokens: 2 });
    expect(details?.top_tokens).toHaveLength(details!.tokens.length);
    expect(details?.top_tokens?.[0]).toHaveLength(2);
    expect(details?.top_tokens?.[0]?.[0]).toMatchObject({ id: details?.tokens[0]?.id, special: false });
  });

  it('samples where asked to, tells the seed, and repeats itself with it', async () => {
    const words = `dice: ${'*'.repeat(60)}`;
    const first = await generate({ do_sample: true, details: true }, words);
    const seed = first.details?.seed;
    expect(seed).toEqual(expect.any(Number));
    const again = await generate({ do_sample: true, seed, details: true }, words);
    expect(again.generated_text).toBe(first.generated_text);
    expect((await generate({ top_k: 5, seed: seed! + 1, details: true }, words)).generated_text).not.toBe(
      first.generated_text,
    );
    // Whoever sends parameters has to ask for sampling; whoever sends none gets it.
    expect((await generate({ seed: 1, temperature: 1, top_p: 1 }, words)).generated_text).toBe(words);
    expect((await generate(undefined, words)).generated_text).not.toBe(words);
  });

  it('answers with the best of several', async () => {
    const { details } = await generate({ best_of: 2, do_sample: true, details: true });
    expect(details?.best_of_sequences).toHaveLength(1);
    const mean = ({ tokens }: { tokens: { logprob: number }[] }) =>
      tokens.reduce((sum, token) => sum + token.logprob, 0) / tokens.length;
    expect(mean(details!)).toBeGreaterThanOrEqual(mean(details!.best_of_sequences![0]!));
  });

  it('gives the output the shape of a grammar', async () => {
    const value = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] };
    for (const grammar of [
      { type: 'json', value },
      { type: 'json', value: JSON.stringify(value) },
      { type: 'json_schema', value: { name: 'n', schema: value } },
    ]) {
      expect(JSON.parse((await generate({ grammar })).generated_text)).toEqual({ a: 1 });
    }
  });
});

describe('what is refused', () => {
  it.each<[string, Parameters]>([
    ['parameters.temperature', { temperature: 0 }],
    ['parameters.stop', { stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['parameters.max_new_tokens', { max_new_tokens: 0 }],
    ['parameters.watermark', { watermark: true }],
    ['parameters.typical_p', { typical_p: 0 }],
    ['sampling when `best_of` is > 1', { best_of: 2 }],
    ['`seed` must not be set', { best_of: 2, do_sample: true, seed: 1 }],
    ['`best_of` must be > 0 and <= 8. Given: 9', { best_of: 9, do_sample: true }],
    ['`truncate` must be strictly positive and less than or equal to 511', { truncate: 512 }],
    // What the engine finds, by the request's name.
    ['`parameters.grammar.value`: ', { grammar: { type: 'regex', value: '(?=a)b' } }],
    ['`inputs` tokens + `max_new_tokens` must be <= ', { max_new_tokens: 512 }],
  ])('is a validation error: %s', async (words, parameters) => {
    expect(await refused(parameters)).toContain(words);
  });

  it('is best_of and decoder_input_details with a stream', async () => {
    for (const [path, more] of [
      ['/generate_stream', {}],
      ['/', { stream: true }],
    ] as const) {
      expect(await refused({ best_of: 2, do_sample: true }, path, more)).toContain('`best_of` != 1 is not supported');
      expect(await refused({ decoder_input_details: true }, path, more)).toContain('`decoder_input_details` == true');
    }
  });

  it('is a text that is none', async () => {
    for (const inputs of ['', undefined, 1]) expect(await refused({}, '/generate', { inputs })).toContain('"inputs"');
  });

  it('is an adapter that is not there, by a 404', async () => {
    const response = await service.post('/generate', { inputs: TEXT, parameters: { adapter_id: 'no/such' } });
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: expect.stringContaining('"no/such"'), error_type: 'model_not_found' },
    ]);
    expect(
      (await service.post('/generate', { inputs: 'a', parameters: { adapter_id: 'xim/echo-generate' } })).status,
    ).toBe(200);
  });
});

describe('POST /generate_stream', () => {
  it('sends one event per token, the last one with the text', async () => {
    const { events, last, response } = await stream({});
    expect(response.headers.get('x-compute-type')).toBe('cpu');
    expect(response.headers.get('x-compute-characters')).toBe(String([...TEXT].length));
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(events.map((event) => event.index)).toEqual(events.map((_, i) => i + 1));
    expect(events.map((event) => event.token.text).join('')).toBe(TEXT);
    expect(events.every((event) => !event.token.text.includes('\uFFFD'))).toBe(true);
    expect(events.slice(0, -1).every((event) => event.generated_text === null && event.details === null)).toBe(true);
    expect([last.generated_text, last.details]).toEqual([TEXT, null]);
    expect(last).not.toHaveProperty('top_tokens');
  });

  it('says the same as without a stream', async () => {
    const parameters = { details: true, top_n_tokens: 2, stop: ['pfer'], return_full_text: true };
    const { events, last } = await stream(parameters);
    const { generated_text, details } = await generate(parameters);
    expect(last.generated_text).toBe(generated_text);
    expect(events.map((event) => event.token)).toEqual(details?.tokens);
    expect(events.map((event) => event.top_tokens)).toEqual(details?.top_tokens);
    expect(last.details).toEqual({
      finish_reason: 'stop_sequence',
      generated_tokens: details?.generated_tokens,
      seed: null,
      input_length: (await generate({ decoder_input_details: true })).details?.prefill.length,
    });
  });
});

describe('POST /', () => {
  it('answers a list of one, or a stream, as the body says; with the inputs unless told otherwise', async () => {
    const whole = await service.post('/', { inputs: TEXT, parameters: {} });
    expect(await whole.json()).toEqual([{ generated_text: TEXT + TEXT }]);
    expect(whole.headers.get('x-generated-tokens')).toMatch(/^\d+$/);
    const alone = await service.post('/', { inputs: TEXT, stream: false, parameters: { return_full_text: false } });
    expect(await alone.json()).toEqual([{ generated_text: TEXT }]);
    expect((await stream({}, '/', { stream: true })).last.generated_text).toBe(TEXT + TEXT);
  });
});

describe('POST /tokenize and /chat_tokenize', () => {
  it('tell the tokens and their places', async () => {
    const tokens = TokenizeResponse.parse(await (await service.post('/tokenize', { inputs: TEXT })).json());
    const text = [...TEXT];
    expect(tokens[0]).toEqual({
      id: expect.any(Number),
      text: text.slice(0, tokens[0]!.stop).join(''),
      start: 0,
      stop: tokens[0]!.stop,
    });
    expect(tokens.at(-1)?.stop).toBe(text.length);
    for (const { start, stop, text: piece } of tokens.slice(-2)) expect(text.slice(start, stop).join('')).toBe(piece);
  });

  it('tell a conversation as the template writes it', async () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }];
    const response = await service.post('/chat_tokenize', { messages });
    const { templated_text, tokenize_response } = (await response.json()) as {
      templated_text: string;
      tokenize_response: object[];
    };
    expect([response.status, templated_text]).toEqual([200, '<|user|>hi<|assistant|>']);
    expect(tokenize_response.length).toBeGreaterThan(1);
  });
});

it('GET /info says what this service is', async () => {
  const info = Info.parse(await (await service.get('/info')).json());
  expect(info).toEqual({
    model_id: 'xim/echo-generate',
    model_sha: null,
    model_dtype: expect.any(String),
    model_device_type: 'cpu',
    model_pipeline_tag: 'text-generation',
    max_concurrent_requests: 8 + 4096,
    max_best_of: 8,
    max_stop_sequences: 4,
    max_input_tokens: 511,
    max_total_tokens: 512,
    validation_workers: 1,
    max_client_batch_size: 8 + 4096,
    router: 'xim',
    version: 'unknown',
    sha: null,
    docker_label: null,
  });
});

it('GET /health is 200 with an empty body', async () => {
  const response = await service.get('/health');
  expect([response.status, await response.text()]).toEqual([200, '']);
});
