import { CreateEmbeddingResponse, ErrorResponse } from '@effect/ai-openai/Generated';
import { EmbeddingsBase64Response, EmbeddingsResponse } from '@xim/openai-schema';
import { Schema } from 'effect';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbedding, startIdle, type TestService } from '../../__fixtures__/test-service.ts';

// The engine behind it makes a vector out of a text's hash: equal texts have equal vectors, others do not.
let service: TestService;
beforeAll(async () => {
  service = await startEmbedding();
});
afterAll(() => service.close());

const path = '/v1/embeddings';
const model = 'text-embedding-3-small';
// Tokens of the engine behind it: a printable character's is its code less 33.
const a = 64;
const b = 65;

async function answerOf(input: unknown, fields: object = {}): Promise<EmbeddingsResponse> {
  const response = await service.post(path, { model, input, ...fields });
  const body = (await response.json()) as EmbeddingsResponse;
  expect([response.status, body]).toEqual([200, body]);
  expect(EmbeddingsResponse.parse(body)).toEqual(body);
  Schema.decodeUnknownSync(CreateEmbeddingResponse)(body);
  return body;
}

async function refusalOf(fields: object) {
  const response = await service.post(path, { model, input: 'x', ...fields });
  const body: unknown = await response.json();
  return { status: response.status, ...Schema.decodeUnknownSync(ErrorResponse)(body).error };
}

const length = (vector: readonly number[]) => Math.hypot(...vector);
const floatsOf = (base64: string) => {
  const bytes = Buffer.from(base64, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
};

describe('an answer', () => {
  it('has everything that OpenAI’s has', async () => {
    const { data, ...rest } = await answerOf('one two');
    expect(rest).toEqual({ object: 'list', model: 'xim/echo-embed', usage: { prompt_tokens: 2, total_tokens: 2 } });
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ object: 'embedding', index: 0 });
    expect(data[0]!.embedding).toHaveLength(384);
    expect(length(data[0]!.embedding)).toBeCloseTo(1, 5);
  });

  it('keeps the order of the input and sums its tokens', async () => {
    const texts = ['one', 'two', 'one', 'three four'];
    const { data, usage } = await answerOf(texts);
    expect(data.map((item) => item.index)).toEqual([0, 1, 2, 3]);
    const alone = await Promise.all(texts.map((text) => answerOf(text)));
    expect(data.map((item) => item.embedding)).toEqual(alone.map((one) => one.data[0]!.embedding));
    const sum = alone.reduce((total, one) => total + one.usage.prompt_tokens, 0);
    expect(usage).toEqual({ prompt_tokens: sum, total_tokens: sum });
  });

  it('takes tokens and arrays of tokens', async () => {
    const texts = await answerOf(['ab', 'b']);
    const one = await answerOf([a, b]);
    expect(one.data).toHaveLength(1);
    expect(one.data[0]!.embedding).toEqual(texts.data[0]!.embedding);
    expect((await answerOf([[a, b], [b]])).data).toHaveLength(2);
    expect(one.usage.prompt_tokens).toBe(2);
    expect(texts.data).toHaveLength(2);
  });

  it('takes 2,048 items', async () => {
    const { data } = await answerOf(
      Array.from({ length: 2048 }, (_, i) => `text ${i % 7}`),
      { dimensions: 4 },
    );
    expect(data.map((item) => item.index)).toEqual(Array.from({ length: 2048 }, (_, i) => i));
    expect(data[8]!.embedding).toEqual(data[1]!.embedding);
  });

  it('says the same in numbers and in base64 of little-endian float32', async () => {
    const input = ['one', 'two'];
    const numbers = await answerOf(input, { encoding_format: 'float' });
    const response = await service.post(path, { model, input, encoding_format: 'base64' });
    const base64 = EmbeddingsBase64Response.parse(await response.json());
    expect({ ...base64, data: [] }).toEqual({ ...numbers, data: [] });
    expect(base64.data.map((item) => floatsOf(item.embedding))).toEqual(
      numbers.data.map((item) => item.embedding.map(Math.fround)),
    );
  });

  it('has as many dimensions as asked for, of length 1', async () => {
    const whole = (await answerOf('one')).data[0]!.embedding;
    const cut = (await answerOf('one', { dimensions: 8 })).data[0]!.embedding;
    expect(cut).toHaveLength(8);
    expect(length(cut)).toBeCloseTo(1, 5);
    const scale = length(whole.slice(0, 8));
    cut.forEach((value, i) => expect(value).toBeCloseTo(whole[i]! / scale, 5));
  });

  it.each([{ user: 'u' }, { encoding_format: null }, { dimensions: null, user: null }, { unknown: 1 }])(
    'is not changed by %j',
    async (fields) => {
      expect(await answerOf('one', fields)).toEqual(await answerOf('one'));
    },
  );
});

describe('a text that is too long', () => {
  const whole = `${'a'.repeat(400)}${'b'.repeat(400)}`;
  it.each<[object, string]>([
    [{ truncate: true }, whole.slice(0, 512)],
    [{ truncate: 'END' }, whole.slice(0, 512)],
    [{ truncate: 'START' }, whole.slice(-512)],
    [{ truncate: true, truncation_side: 'left' }, whole.slice(-512)],
    [{ truncate_prompt_tokens: -1 }, whole.slice(0, 512)],
    [{ truncate_prompt_tokens: 9 }, whole.slice(0, 9)],
    [{ truncate_prompt_tokens: 9, truncation_side: 'left' }, whole.slice(-9)],
  ])('is cut with %j', async (fields, left) => {
    const [cut, expected] = [await answerOf(whole, fields), await answerOf(left)];
    expect(cut).toEqual(expected);
    const tokens = Array.from(whole, (letter) => (letter === 'a' ? a : b));
    expect((await answerOf(tokens, fields)).data).toEqual(expected.data);
  });

  it.each<[string, object]>([
    ['input.0', {}],
    ['input.0', { truncate: false }],
    ['input.0', { truncate: 'NONE' }],
    ['truncate', { truncate: 'MIDDLE' }],
    ['truncate', { truncate: false, truncate_prompt_tokens: 3 }],
    ['truncation_side', { truncation_side: 'left' }],
    ['truncation_side', { truncate: 'END', truncation_side: 'left' }],
    ['truncate_prompt_tokens', { truncate_prompt_tokens: 0 }],
  ])('is a 400 at %s with %j', async (param, fields) => {
    expect(await refusalOf({ input: whole, ...fields })).toMatchObject({ status: 400, param });
  });
});

describe('what is wrong is a 400 that names the field', () => {
  it.each<[string, object]>([
    ['input', { input: undefined }],
    ['input', { input: null }],
    ['input', { input: '' }],
    ['input', { input: [] }],
    ['input', { input: {} }],
    ['input', { input: Array(2049).fill('x') }],
    ['input', { input: Array(2049).fill(a) }],
    ['input.1', { input: ['x', ''] }],
    ['input.0', { input: [[]] }],
    ['input.1', { input: ['x', 1] }],
    ['input.0', { input: [-1] }],
    ['encoding_format', { encoding_format: 'hex' }],
    ['dimensions', { dimensions: 0 }],
    ['dimensions', { dimensions: 385 }],
    ['dimensions', { dimensions: 'many' }],
    ['model', { model: 7 }],
  ])('%s: %j', async (param, fields) => {
    expect(await refusalOf(fields)).toMatchObject({ status: 400, type: 'invalid_request_error', param });
  });

  it('what the engine finds wrong has the request’s names', async () => {
    const long = 'word '.repeat(600);
    expect(await refusalOf({ input: ['x', long] })).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      param: 'input.1',
    });
    expect(await refusalOf({ input: [7000] })).toMatchObject({ status: 400, param: 'input.0' });
  });

  it('a model that is not served is a 404', async () => {
    expect(await refusalOf({ model: 'ada' })).toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('a service whose engine cannot embed says so', async () => {
    const idle = await startIdle();
    const response = await idle.post(path, { model: 'gpt-4o-mini', input: 'x' });
    await idle.close();
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'model', code: 'unsupported_parameter' } });
  });
});

describe('the official client', () => {
  it('gets numbers, though it asks for base64 when nobody says otherwise', async () => {
    const numbers = await answerOf(['one', 'two']);
    const { data } = await service.client.embeddings.create({ model, input: ['one', 'two'] });
    expect(data.map((item) => Array.from(item.embedding))).toEqual(
      numbers.data.map((item) => item.embedding.map(Math.fround)),
    );
    const explicit = await service.client.embeddings.create({ model, input: 'one', encoding_format: 'float' });
    expect(explicit.data[0]!.embedding).toEqual(numbers.data[0]!.embedding);
    expect(explicit.usage).toEqual({ prompt_tokens: 1, total_tokens: 1 });
  });

  it('throws its own errors', async () => {
    await expect(service.client.embeddings.create({ model, input: '' })).rejects.toThrow(OpenAI.BadRequestError);
    await expect(service.client.embeddings.create({ model: 'ada', input: 'x' })).rejects.toThrow(OpenAI.NotFoundError);
  });
});

describe('a prompt of the model', () => {
  it.each([{ prompt_name: 'query' }, { input_type: 'query' }])('reaches the engine: %j', async (fields) => {
    expect(await refusalOf(fields)).toMatchObject({
      status: 400,
      param: 'prompt_name',
      message: 'This model has no prompt "query"; it has: none.',
    });
  });
});
