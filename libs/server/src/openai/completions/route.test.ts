import { CreateCompletionResponse, ErrorResponse } from '@effect/ai-openai/Generated';
import type { GenerateInput } from '@xim/engine';
import { Completion } from '@xim/openai-schema';
import { Schema } from 'effect';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChat, startIdle, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

// The engine behind it says the prompt again; a token is a common word with its space, or a byte.
let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

const path = '/v1/completions';
const base = { model: 'gpt-4o-mini', prompt: 'one two three' };

async function answerOf(fields: object): Promise<Completion> {
  const response = await service.post(path, { ...base, ...fields });
  const body: unknown = await response.json();
  expect([response.status, body]).toEqual([200, body]);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  const answer = Completion.parse(body);
  expect(answer).toEqual(body);
  // The oracle: a decoder that was made from OpenAI's own description, by others. It has no null for the first token
  // of an echo, which OpenAI's service sends.
  if (!('echo' in fields)) Schema.decodeUnknownSync(CreateCompletionResponse)(body);
  return answer;
}
const textsOf = async (fields: object) => (await answerOf(fields)).choices.map(({ text }) => text);

async function refusalOf(fields: object) {
  const response = await service.post(path, { ...base, ...fields });
  const body: unknown = await response.json();
  return { status: response.status, ...Schema.decodeUnknownSync(ErrorResponse)(body).error };
}

/** The first of the engine's words; a printable character's token is its code less 33. */
const words = ['one', ' one', 'two', ' two', 'three', ' three'];
const idsOf = (...tokens: string[]) =>
  tokens.map((token) => (words.includes(token) ? 256 + words.indexOf(token) : token.charCodeAt(0) - 33));

describe('an answer', () => {
  it('has everything that OpenAI’s has', async () => {
    expect(await answerOf({})).toEqual({
      id: expect.stringMatching(/^cmpl-\w{16,}$/) as string,
      object: 'text_completion',
      created: expect.closeTo(Date.now() / 1000, -1) as number,
      model: 'xim/echo-generate', // the model's own id, though an alias was sent
      system_fingerprint: expect.stringMatching(/^fp_\w+$/) as string,
      choices: [{ index: 0, text: 'one two three', logprobs: null, finish_reason: 'stop' }],
      // The text ends with a token that has no text.
      usage: {
        ...{ prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
        prompt_tokens_details: { cached_tokens: 0 },
      },
    });
  });

  it('has sixteen tokens unless more are asked for', async () => {
    const prompt = 'word '.repeat(30).trim();
    const { choices, usage } = await answerOf({ prompt });
    expect(choices[0]).toMatchObject({ text: prompt.slice(0, 16 * 5 - 1), finish_reason: 'length' });
    expect(usage.completion_tokens).toBe(16);
    expect(await textsOf({ prompt, max_tokens: 40 })).toEqual([prompt]);
  });

  it('is a text to its end: marks of thoughts are text', async () => {
    const prompt = '<think>b c</think> d';
    expect(await textsOf({ prompt, max_tokens: 30 })).toEqual([prompt]);
  });

  it('keeps what an engine tells as a thought in its place in the text', async () => {
    const thinking = await startScripted(async function* () {
      yield { type: 'start', inputTokens: 1 };
      yield { type: 'text-delta', choice: 0, text: 'a ', tokens: 1 };
      yield { type: 'reasoning-delta', choice: 0, text: 'b c', tokens: 2 };
      yield { type: 'text-delta', choice: 0, text: ' d', tokens: 1 };
      yield { type: 'choice-end', choice: 0, reason: 'stop' };
      yield { type: 'end', usage: { inputTokens: 1, outputTokens: 4, reasoningTokens: 2 } };
    });
    const { choices, usage } = Completion.parse(await (await thinking.post(path, base)).json());
    await thinking.close();
    expect(choices[0]!.text).toBe('a b c d');
    expect(usage.completion_tokens_details).toEqual({ reasoning_tokens: 2 });
  });
});

describe('a request of many prompts', () => {
  it('leaves slots to others, who need not wait for its end', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const shared = await startScripted(
      async function* ({ prompt }) {
        yield { type: 'start', inputTokens: 1 };
        if ('text' in prompt && prompt.text === 'bulk') await held;
        yield { type: 'choice-end', choice: 0, reason: 'stop' };
        yield { type: 'end', usage: { inputTokens: 1, outputTokens: 0 } };
      },
      { XIM_SLOTS: '16' },
    );
    const bulk = [1, 2, 3].map(() => shared.post(path, { ...base, prompt: Array(100).fill('bulk') }));
    const statuses = [];
    for (let n = 0; n < 8; n++) statuses.push((await shared.post(path, base)).status);
    expect(statuses).toEqual(Array(8).fill(200));
    release();
    expect(await Promise.all(bulk.map(async (one) => (await one).status))).toEqual([200, 200, 200]);
    await shared.close();
  });
});

describe('a prompt', () => {
  it.each<[string, unknown, string[]]>([
    ['a text', 'one two', ['one two']],
    ['one text in a list', ['one two'], ['one two']],
    ['texts', ['one', 'two three', 'four'], ['one', 'two three', 'four']],
    ['tokens', idsOf('one', ' two'), ['one two']],
    ['tokens of several', [idsOf('one'), idsOf('two', ' three')], ['one', 'two three']],
  ])('may be %s', async (_, prompt, texts) => {
    const { choices } = await answerOf({ prompt });
    expect(choices.map(({ text }) => text)).toEqual(texts);
    expect(choices.map(({ index }) => index)).toEqual([...texts.keys()]);
  });

  it('may be longer, as tokens, than there may be prompts', async () => {
    const refusal = await refusalOf({ prompt: Array(3000).fill(idsOf('a')[0]) });
    expect(refusal).toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'prompt' });
  });

  it('is continued n times, each choice with its number; the usage is that of all', async () => {
    const { choices, usage } = await answerOf({ prompt: ['one two', 'three ***'], n: 2, seed: 3 });
    expect(choices.map(({ index, text }) => [index, text.replace(/^three [a-z*]{3}$/, 'three dice')])).toEqual([
      [0, 'one two'],
      [1, 'one two'],
      [2, 'three dice'],
      [3, 'three dice'],
    ]);
    expect(choices[2]!.text).not.toBe(choices[3]!.text);
    expect(usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 18, total_tokens: 25 });
  });

  it('may be one of far more than there are slots', async () => {
    const prompt = Array.from({ length: 100 }, (_, i) => `number ${i}`);
    expect(await textsOf({ prompt })).toEqual(prompt);
  });

  it.each<[string, unknown, string]>([
    ['too long among others', ['a', 'word '.repeat(600), 'b'], 'prompt.1'],
    ['no token of the model', [idsOf('a'), [50256]], 'prompt.1'],
  ])('%s is named', async (_, prompt, param) => {
    expect(await refusalOf({ prompt })).toMatchObject({ status: 400, param });
    expect(await refusalOf({ prompt, stream: true })).toMatchObject({ status: 400, param });
    expect(await refusalOf({ prompt, logprobs: 0 })).toMatchObject({ status: 400, param });
  });

  it.each([{ prompt: '' }, { prompt: null }, { prompt: undefined }])(
    'that is not there is the engine’s to refuse: %j',
    async (fields) => {
      expect(await refusalOf(fields)).toMatchObject({ status: 400, param: 'prompt', code: 'invalid_value' });
    },
  );
});

describe('what is honoured', () => {
  it.each<[unknown, string]>([
    ['two', 'one '],
    [['x', 'y', 'z', ' three'], 'one two'],
    ['e tw', 'on'], // over the border of two tokens
    [null, 'one two three'],
  ])('stop %j leaves %j', async (stop, text) => {
    expect((await answerOf({ stop })).choices[0]).toMatchObject({ text, finish_reason: 'stop' });
  });

  it('max_tokens', async () => {
    expect((await answerOf({ max_tokens: 2 })).choices[0]).toMatchObject({ text: 'one two', finish_reason: 'length' });
  });

  it.each([true, false])('no tokens at all: the prompt alone, with echo (%s)', async (echo) => {
    const { choices, usage } = await answerOf({ max_tokens: 0, echo, n: 2 });
    const text = echo ? 'one two three' : '';
    expect(choices).toEqual([0, 1].map((index) => ({ index, text, logprobs: null, finish_reason: 'length' })));
    expect(usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 });
  });

  it('echo', async () => {
    expect(await textsOf({ prompt: ['one ', 'two '], echo: true })).toEqual(['one one ', 'two two ']);
  });

  it('the seed', async () => {
    const prompt = 'dice: ********';
    const [one] = await textsOf({ prompt, seed: 1 });
    expect(await textsOf({ prompt, seed: 1 })).toEqual([one]);
    expect(await textsOf({ prompt, seed: 2 })).not.toEqual([one]);
  });

  it('a bias', async () => {
    const [two] = idsOf(' two');
    expect(await textsOf({ logit_bias: { [two!]: -100 } })).toEqual(['one three']);
    expect(await textsOf({ logit_bias: { [two!]: 100 }, max_tokens: 3 })).toEqual([' two two two']);
  });

  it('every number that shapes the text, as the engine gets it', async () => {
    const inputs: GenerateInput[] = [];
    const scripted = await startScripted(async function* (input) {
      inputs.push(input);
      yield { type: 'start', inputTokens: 1 };
      yield { type: 'choice-end', choice: 0, reason: 'stop' };
      yield { type: 'end', usage: { inputTokens: 1, outputTokens: 0, cachedTokens: 1 } };
    });
    const wire = { temperature: 0.5, top_p: 0.25, presence_penalty: 1.5, frequency_penalty: -1.5, seed: 9 };
    const more = { logit_bias: { 50256: -100 }, top_k: 7, repetition_penalty: 1.25, ignore_eos: true };
    const response = await scripted.post(path, { ...base, ...wire, ...more });
    await scripted.close();
    expect(inputs).toMatchObject([
      {
        prompt: { text: 'one two three' },
        maxTokens: 16,
        ignoreEnd: true,
        sampling: {
          temperature: 0.5,
          topP: 0.25,
          presencePenalty: 1.5,
          frequencyPenalty: -1.5,
          seed: 9,
          logitBias: { 50256: -100 },
          topK: 7,
          repetitionPenalty: 1.25,
        },
      },
    ]);
    expect(await response.json()).toMatchObject({ usage: { prompt_tokens_details: { cached_tokens: 1 } } });
  });
});

describe('best_of', () => {
  /** Three choices per prompt; the second one is the most probable, then the third. */
  const startThree = () =>
    startScripted(async function* ({ choices = 1, logprobs }) {
      yield { type: 'start', inputTokens: 1 };
      for (let choice = 0; choice < choices; choice++) {
        const entry = { id: 1, token: 'x', bytes: [120], logprob: [-3, -1, -2][choice]!, top: [] };
        const measured = logprobs === undefined ? {} : { logprobs: [entry] };
        yield { type: 'text-delta', choice, text: `t${choice}`, tokens: 1, ...measured };
        yield { type: 'choice-end', choice, reason: 'stop' };
      }
      yield { type: 'end', usage: { inputTokens: 1, outputTokens: choices } };
    });

  it('answers the most probable ones, numbered anew, and counts all', async () => {
    const three = await startThree();
    const response = await three.post(path, { ...base, prompt: ['a', 'b'], best_of: 3, n: 2 });
    const answer = Completion.parse(await response.json());
    await three.close();
    expect(answer.choices.map(({ index, text, logprobs }) => [index, text, logprobs])).toEqual([
      [0, 't1', null],
      [1, 't2', null],
      [2, 't1', null],
      [3, 't2', null],
    ]);
    expect(answer.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 6 });
  });

  it.each([{ best_of: 1 }, { best_of: 0 }, { best_of: null }, { best_of: 2, n: 2 }, { best_of: 1, stream: false }])(
    'asks for nothing: %j',
    async (fields) => {
      expect(await textsOf(fields)).toHaveLength('n' in fields ? 2 : 1);
    },
  );
});

describe('what changes nothing', () => {
  it.each<object>([
    { user: 'u' },
    { suffix: null },
    { suffix: '' },
    { logit_bias: {} },
    { an_unknown_field: { deep: [1] } },
    { stream: null, stream_options: null },
    {
      best_of: null,
      echo: null,
      frequency_penalty: null,
      logit_bias: null,
      logprobs: null,
      max_tokens: null,
      n: null,
      presence_penalty: null,
      seed: null,
      stop: null,
      suffix: null,
      temperature: null,
      top_p: null,
      user: null,
    },
  ])('%j', async (fields) => {
    expect(await textsOf(fields)).toEqual(['one two three']);
  });
});

describe('what is wrong is a 400 that names the field', () => {
  it.each<[string, object]>([
    ['temperature', { temperature: 2.01 }],
    ['top_p', { top_p: 1.1 }],
    ['presence_penalty', { presence_penalty: -2.5 }],
    ['frequency_penalty', { frequency_penalty: 2.5 }],
    ['n', { n: 0 }],
    ['n', { n: 129 }],
    ['n', { n: 100, prompt: Array(100).fill('x') }],
    ['best_of', { best_of: 21 }],
    ['best_of', { best_of: 1, n: 2 }],
    ['best_of', { best_of: 2, stream: true }],
    ['logprobs', { logprobs: 6 }],
    ['logprobs', { logprobs: true }],
    ['logprobs', { logprobs: -1 }],
    ['logit_bias.5', { logit_bias: { 5: -101 } }],
    ['max_tokens', { max_tokens: -1 }],
    ['max_tokens', { max_tokens: 1.5 }],
    ['stop', { stop: ['1', '2', '3', '4', '5'] }],
    ['stream', { stream: 'yes' }],
    ['stream_options', { stream_options: { include_usage: true } }],
    ['prompt', { prompt: 7 }],
    ['prompt', { prompt: {} }],
    ['prompt', { prompt: [] }],
    ['prompt.0', { prompt: [[]] }],
    ['prompt.1', { prompt: ['a', 7] }],
    ['prompt.1', { prompt: [7, 'a'] }],
    ['prompt.0', { prompt: [-1] }],
    ['prompt.1.0', { prompt: [[1], [0.5]] }],
    ['prompt', { prompt: Array(2049).fill('x') }],
    ['model', { model: 7 }],
  ])('%s: %j', async (param, fields) => {
    const { status, type, code, param: named, message } = await refusalOf(fields);
    expect({ status, type, code, param: named }).toEqual({
      status: 400,
      type: 'invalid_request_error',
      code: 'invalid_value',
      param,
    });
    expect(message).toMatch(/^The (value of|field) ".+\.$/);
  });

  it('or says that the field is not there', async () => {
    const refusal = await refusalOf({ suffix: 'the end' });
    expect(refusal).toMatchObject({ status: 400, code: 'unsupported_parameter', param: 'suffix' });
  });

  it('what the engine finds wrong has the request’s names', async () => {
    expect(await refusalOf({ logit_bias: { 50256: 1 } })).toMatchObject({ status: 400, param: 'logit_bias' });
    expect(await refusalOf({ max_tokens: 600 })).toMatchObject({
      code: 'context_length_exceeded',
      param: 'max_tokens',
    });
  });

  it('a model that is not served is a 404; a service without text says so', async () => {
    expect(await refusalOf({ model: 'gpt-9' })).toMatchObject({ status: 404, code: 'model_not_found' });
    const idle = await startIdle();
    const response = await idle.post(path, base);
    await idle.close();
    expect(await response.json()).toMatchObject({ error: { param: 'model', code: 'unsupported_parameter' } });
  });

  it('another method is a 405', async () => {
    const response = await service.get(path);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    await response.text();
  });
});

describe('the official client', () => {
  it('gets texts, and its own errors', async () => {
    const { completions } = service.client;
    const answer = await completions.create({ ...base, prompt: ['one', 'two'] });
    expect(answer.choices.map(({ text }) => text)).toEqual(['one', 'two']);
    expect(answer._request_id).toMatch(/^req_/);
    await expect(completions.create({ ...base, temperature: 3 })).rejects.toThrow(OpenAI.BadRequestError);
  });
});
