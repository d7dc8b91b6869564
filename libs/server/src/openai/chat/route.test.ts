import { CreateChatCompletionResponse, ErrorResponse } from '@effect/ai-openai/Generated';
import { Schema } from 'effect';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChat, startIdle, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

// The engine behind it answers with the last message's own words.
let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

const path = '/v1/chat/completions';
/** The details of a usage without cached and reasoning tokens. */
const nothing = { prompt_tokens_details: { cached_tokens: 0 }, completion_tokens_details: { reasoning_tokens: 0 } };
const base = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'one two three' }] };

async function answerOf(fields: object): Promise<OpenAI.ChatCompletion> {
  const response = await service.post(path, { ...base, ...fields });
  const body = (await response.json()) as OpenAI.ChatCompletion;
  expect([response.status, body]).toEqual([200, body]);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  // The oracle: decoders that were made from OpenAI's own description, by others.
  Schema.decodeUnknownSync(CreateChatCompletionResponse)(body);
  return body;
}

async function refusalOf(fields: object) {
  const response = await service.post(path, { ...base, ...fields });
  const body: unknown = await response.json();
  return { status: response.status, ...Schema.decodeUnknownSync(ErrorResponse)(body).error };
}

describe('an answer', () => {
  it('has everything that OpenAI’s has', async () => {
    const before = Math.floor(Date.now() / 1000);
    const answer = await answerOf({});
    expect(answer).toEqual({
      id: expect.stringMatching(/^chatcmpl-\w{16,}$/) as string,
      object: 'chat.completion',
      created: expect.any(Number) as number,
      model: 'xim/echo-generate', // the model's own id, though an alias was sent
      system_fingerprint: expect.stringMatching(/^fp_\w+$/) as string,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'one two three', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      // A mark before and one behind the three words; the answer ends with a token that has no text.
      usage: { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9, ...nothing },
    });
    expect(Number.isInteger(answer.created)).toBe(true);
    expect(answer.created).toBeGreaterThanOrEqual(before);
    expect(answer.created).toBeLessThanOrEqual(Date.now() / 1000);
  });

  it('has an id of its own and the fingerprint of its service', async () => {
    const [one, two] = await Promise.all([answerOf({}), answerOf({})]);
    expect(one.id).not.toBe(two.id);
    expect(one.system_fingerprint).toBe(two.system_fingerprint);
  });

  it('counts reasoning apart from text', async () => {
    const { choices, usage } = await answerOf({ messages: [{ role: 'user', content: '<think>well now</think>yes' }] });
    expect(choices[0]!.message).toEqual({
      role: 'assistant',
      content: 'yes',
      refusal: null,
      reasoning_content: 'well now',
    });
    expect(usage).toMatchObject({ completion_tokens: 21, completion_tokens_details: { reasoning_tokens: 10 } });
  });
});

describe('what a conversation may hold', () => {
  const parts = [
    { type: 'text', text: 'one ' },
    { type: 'text', text: 'two' },
  ];
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };

  it.each<[string, object]>([
    ['a text', { role: 'user', content: 'one two' }],
    ['parts of a text', { role: 'user', content: parts }],
    ['a system message', { role: 'system', content: 'one two' }],
    ['a system message in parts', { role: 'system', content: parts }],
    ['a developer message', { role: 'developer', content: 'one two' }],
    ['a developer message in parts', { role: 'developer', content: parts }],
    ['an assistant’s turn', { role: 'assistant', content: 'one two' }],
    ['an assistant’s turn in parts', { role: 'assistant', content: parts }],
    ['an assistant’s refusal', { role: 'assistant', content: null, refusal: 'one two' }],
    ['a tool’s result', { role: 'tool', tool_call_id: 'c', content: 'one two' }],
    ['a tool’s result in parts', { role: 'tool', tool_call_id: 'c', content: parts }],
    ['unknown fields inside', { role: 'user', content: 'one two', mood: 'good' }],
    ['a name', { role: 'user', content: 'one two', name: 'Ann' }],
  ])('%s', async (_, message) => {
    const { choices } = await answerOf({ messages: [{ role: 'user', content: 'hi' }, message] });
    expect(choices[0]!.message.content).toBe('one two');
  });

  it('several turns, one of them calls without a text', async () => {
    const messages = [
      { role: 'user', content: 'what time is it' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'noon' },
      { role: 'assistant', content: 'noon' },
      { role: 'user', content: 'thanks' },
    ];
    expect((await answerOf({ messages })).choices[0]!.message.content).toBe('thanks');
  });
});

describe('what is honoured', () => {
  it.each([{ max_completion_tokens: 2 }, { max_tokens: 2 }, { max_tokens: 2, max_completion_tokens: 2 }])(
    '%j',
    async (fields) => {
      const { choices, usage } = await answerOf(fields);
      expect(choices[0]).toMatchObject({ message: { content: 'one two' }, finish_reason: 'length' });
      expect(usage).toEqual({ prompt_tokens: 5, completion_tokens: 2, total_tokens: 7, ...nothing });
    },
  );

  it.each<[unknown, string]>([
    ['two', 'one '],
    [['x', 'y', 'z', ' three'], 'one two'],
    ['e tw', 'on'], // over the border of two tokens
    [null, 'one two three'],
  ])('stop %j leaves %j', async (stop, content) => {
    expect((await answerOf({ stop })).choices[0]).toMatchObject({ message: { content }, finish_reason: 'stop' });
  });

  it('the seed, negative ones and 0 too', async () => {
    const messages = [{ role: 'user', content: 'dice: ************' }];
    const textOf = async (seed: number) => (await answerOf({ messages, seed })).choices[0]!.message.content;
    const seeds = [0, 1, 2, -1, -2];
    const texts = await Promise.all(seeds.map(textOf));
    expect(new Set(texts).size).toBe(seeds.length);
    expect(await Promise.all(seeds.map(textOf))).toEqual(texts);
    expect((await answerOf({ messages, seed: 1, temperature: 0 })).choices[0]!.message.content).toBe(
      messages[0]!.content,
    );
  });

  it('the bias of a token', async () => {
    const two = 259; // " two"
    const without = await answerOf({ logit_bias: { [two]: -100 } });
    expect(without.choices[0]!.message.content).toBe('one three');
    const nothingElse = await answerOf({ logit_bias: { [two]: 100 }, max_tokens: 3 });
    expect(nothingElse.choices[0]).toMatchObject({ message: { content: ' two two two' }, finish_reason: 'length' });
  });

  it('every number that shapes the text, as the engine gets it', async () => {
    const inputs: unknown[] = [];
    const scripted = await startScripted(async function* (input) {
      inputs.push(input);
      yield { type: 'start', inputTokens: 1 };
      yield { type: 'choice-end', choice: 0, reason: 'stop' };
      yield { type: 'end', usage: { inputTokens: 1, outputTokens: 0 } };
    });
    const fields = { temperature: 0.5, top_p: 0.25, presence_penalty: 1.5, frequency_penalty: -1.5, seed: 9 };
    await scripted.post(path, { ...base, ...fields, max_tokens: 3 });
    await scripted.close();
    expect(inputs).toMatchObject([
      {
        maxTokens: 3,
        sampling: { temperature: 0.5, topP: 0.25, presencePenalty: 1.5, frequencyPenalty: -1.5, seed: 9 },
      },
    ]);
  });
});

describe('what changes nothing', () => {
  it.each<object>([
    { user: 'u' },
    { metadata: { a: 'b' } },
    { store: true },
    { service_tier: 'auto' },
    { safety_identifier: 's' },
    { prompt_cache_key: 'k' },
    { prompt_cache_retention: '24h' },
    { prompt_cache_options: { mode: 'implicit' } },
    { reasoning_effort: null },
    { verbosity: 'medium' },
    { modalities: ['text'] },
    { n: 1 },
    { logprobs: false },
    { logit_bias: {} },
    { tools: [] },
    { tools: null, tool_choice: null },
    { tool_choice: 'none' },
    { tool_choice: 'auto', parallel_tool_calls: true },
    { functions: [], function_call: 'none' },
    { response_format: { type: 'text' } },
    { stream: false },
    { stream: null, stream_options: null },
    { an_unknown_field: { deep: [1] } },
    {
      temperature: null,
      top_p: null,
      n: null,
      stop: null,
      max_tokens: null,
      max_completion_tokens: null,
      presence_penalty: null,
      frequency_penalty: null,
      logit_bias: null,
      logprobs: null,
      top_logprobs: null,
      seed: null,
      response_format: null,
      user: null,
      audio: null,
      modalities: null,
      prediction: null,
    },
  ])('%j', async (fields) => {
    expect((await answerOf(fields)).choices[0]!.message.content).toBe('one two three');
  });
});

describe('what no engine is asked for is refused by name', () => {
  const part = (content: object) => ({ messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, content] }] });

  it.each<[string, object]>([
    ['tools.0', { tools: [{ type: 'custom', custom: { name: 'f' } }] }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['function_call', { function_call: { name: 'f' } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['audio', { audio: { voice: 'alloy', format: 'wav' } }],
    ['prediction', { prediction: { type: 'content', content: 'x' } }],
    ['web_search_options', { web_search_options: {} }],
    ['moderation', { moderation: { model: 'x' } }],
    ['verbosity', { verbosity: 'low' }],
    ['messages.0.content.1', part({ type: 'image_url', image_url: { url: 'http://x' } })],
    ['messages.0.content.1', part({ type: 'input_audio', input_audio: { data: '', format: 'wav' } })],
    ['messages.0.content.1', part({ type: 'file', file: { file_id: 'x' } })],
    ['messages.0.role', { messages: [{ role: 'function', name: 'f', content: 'x' }] }],
    ['messages.0.function_call', { messages: [{ role: 'assistant', function_call: { name: 'f', arguments: '' } }] }],
    ['messages.0.audio', { messages: [{ role: 'assistant', audio: { id: 'x' } }] }],
  ])('%s: %j', async (param, fields) => {
    const refusal = await refusalOf(fields);
    expect(refusal).toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      code: 'unsupported_parameter',
      param,
      message: expect.stringMatching(/not supported by this service.*\. \w+/) as string,
    });
    // A stream is refused in the same way, before it begins.
    expect(await refusalOf({ ...fields, stream: true })).toEqual(refusal);
  });
});

describe('what is wrong is a 400 that names the field', () => {
  it.each<[string | null, object]>([
    ['temperature', { temperature: 2.01 }],
    ['temperature', { temperature: -1 }],
    ['temperature', { temperature: 'hot' }],
    ['top_p', { top_p: 1.1 }],
    ['presence_penalty', { presence_penalty: 2.5 }],
    ['frequency_penalty', { frequency_penalty: -2.5 }],
    ['n', { n: 0 }],
    ['n', { n: 129 }],
    ['top_logprobs', { logprobs: true, top_logprobs: 21 }],
    ['top_logprobs', { top_logprobs: 1 }],
    ['logit_bias.5', { logit_bias: { 5: -101 } }],
    ['stop', { stop: ['1', '2', '3', '4', '5'] }],
    ['stop', { stop: [] }],
    ['stop.0', { stop: [7] }],
    ['max_completion_tokens', { max_completion_tokens: 0 }],
    ['max_tokens', { max_tokens: -1 }],
    ['max_tokens', { max_tokens: 1, max_completion_tokens: 2 }],
    ['stream_options', { stream_options: { include_usage: true } }],
    ['response_format.type', { response_format: { type: 'yaml' } }],
    ['messages', { messages: [] }],
    ['messages', { messages: undefined }],
    ['messages', { messages: 'hi' }],
    ['messages.0', { messages: ['hi'] }],
    ['messages.0.role', { messages: [{ role: 'robot', content: 'x' }] }],
    ['messages.0.content', { messages: [{ role: 'user', content: 7 }] }],
    ['messages.0.content', { messages: [{ role: 'user', content: null }] }],
    ['messages.0.content', { messages: [{ role: 'assistant', content: null }] }],
    ['messages.0.content.0.type', { messages: [{ role: 'user', content: [{ type: 'smell' }] }] }],
    ['messages.0.content.0.text', { messages: [{ role: 'user', content: [{ type: 'text', text: 7 }] }] }],
    ['model', { model: 7 }],
    ['stream', { stream: 'yes' }],
    ['tools.0.function.name', { tools: [{ type: 'function', function: { name: 'a b' } }] }],
  ])('%s: %j', async (param, fields) => {
    const { status, type, message, ...rest } = await refusalOf(fields);
    expect({ status, type, ...rest }).toEqual({
      status: 400,
      type: 'invalid_request_error',
      param,
      code: 'invalid_value',
    });
    expect(message).toMatch(/^The (value of|field) ".+\.$/);
  });

  it.each(['[]', 'null', '"x"', '7'])('a body that is %s', async (body) => {
    const response = await service.post(path, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param: null } });
  });

  it.each<[string, object]>([['reasoning_effort', { reasoning_effort: 'high' }]])(
    'what this engine cannot do: %s',
    async (param, fields) => {
      expect(await refusalOf(fields)).toMatchObject({ status: 400, code: 'unsupported_parameter', param });
    },
  );

  it('what the engine finds wrong has the request’s names', async () => {
    expect(await refusalOf({ logit_bias: { 50256: 1 } })).toMatchObject({ status: 400, param: 'logit_bias' });
    const long = { messages: [{ role: 'user', content: 'word '.repeat(600) }] };
    expect(await refusalOf(long)).toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'messages' });
    expect(await refusalOf({ max_tokens: 600 })).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      param: 'max_completion_tokens',
    });
  });

  it('a model that is not served is a 404', async () => {
    const { status, code, message } = await refusalOf({ model: 'gpt-9' });
    expect([status, code]).toEqual([404, 'model_not_found']);
    expect(message).toContain('xim/echo-generate');
  });

  it('a service whose engine cannot generate says so', async () => {
    const idle = await startIdle();
    const response = await idle.post(path, base);
    await idle.close();
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'model', code: 'unsupported_parameter' } });
  });
});

describe('the official client', () => {
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'one two three' }];

  it('gets an answer with its request id', async () => {
    const answer = await service.client.chat.completions.create({ model: 'gpt-4o-mini', messages });
    expect(answer.choices[0]!.message.content).toBe('one two three');
    expect(answer._request_id).toMatch(/^req_/);
  });

  it('throws its own errors, with code and param', async () => {
    const create = (fields: object) =>
      service.client.chat.completions.create({ model: 'gpt-4o-mini', messages, ...fields });
    const bad = await create({ temperature: 3 }).catch((error: unknown) => error);
    expect(bad).toBeInstanceOf(OpenAI.BadRequestError);
    expect(bad).toMatchObject({
      status: 400,
      code: 'invalid_value',
      param: 'temperature',
      type: 'invalid_request_error',
    });
    await expect(create({ verbosity: 'low' })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'verbosity',
    });
    await expect(create({ model: 'gpt-9' })).rejects.toThrow(OpenAI.NotFoundError);
  });
});
