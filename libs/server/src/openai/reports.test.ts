import { ChatCompletion, ChatCompletionChunk, Completion, CompletionChunk } from '@xim/openai-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { framesOf, startChat, type TestService } from '../__fixtures__/test-service.ts';

// The engine answers with the prompt's own words.
let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

const chat = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'one two' }] };
const text = { model: 'gpt-4o-mini', prompt: ['one two', 'three'] };
const ask = async (path: string, body: object): Promise<unknown> => (await service.post(path, body)).json();
const stream = async (path: string, body: object): Promise<unknown[]> => {
  const response = await service.post(path, { ...body, stream: true });
  const frames = framesOf(await response.text()).filter((frame) => frame !== '[DONE]');
  return frames.map((frame): unknown => JSON.parse(frame));
};

describe('return_token_ids', () => {
  it('answers the ids of prompt and text, streamed and not', async () => {
    const body = { ...text, return_token_ids: true };
    const { choices, usage } = Completion.parse(await ask('/v1/completions', body));
    expect(choices.flatMap((choice) => choice.prompt_token_ids!)).toHaveLength(usage.prompt_tokens);
    expect(choices.flatMap((choice) => choice.token_ids!)).toHaveLength(usage.completion_tokens);
    // The answer is the prompt, and the end.
    for (const { prompt_token_ids, token_ids } of choices) expect(token_ids!.slice(0, -1)).toEqual(prompt_token_ids);
    const chunks = (await stream('/v1/completions', body)).flatMap((chunk) => CompletionChunk.parse(chunk).choices);
    for (const { index, prompt_token_ids, token_ids } of choices) {
      const own = chunks.filter((chunk) => chunk.index === index);
      expect(own.map((chunk) => chunk.prompt_token_ids)).toEqual(own.map((_, i) => (i ? undefined : prompt_token_ids)));
      expect(own.at(-1)).toMatchObject({ token_ids });
    }
  });

  it('of a conversation tells the prompt once', async () => {
    const body = { ...chat, return_token_ids: true, n: 2 };
    const answer = ChatCompletion.parse(await ask('/v1/chat/completions', body));
    expect(answer.prompt_token_ids).toHaveLength(answer.usage.prompt_tokens);
    expect(answer.choices.map((choice) => choice.token_ids!.length)).toEqual([3, 3]);
    const stream_options = { include_usage: true, continuous_usage_stats: true };
    const asked = await stream('/v1/chat/completions', { ...body, stream_options });
    const chunks = asked.map((chunk) => ChatCompletionChunk.parse(chunk));
    const prompts = chunks.map((chunk) => chunk.prompt_token_ids);
    expect(prompts).toEqual(chunks.map((_, i) => (i ? undefined : answer.prompt_token_ids)));
    expect(chunks[0]!.usage).toMatchObject({ completion_tokens: 0 });
    const last = chunks.flatMap(({ choices }) => choices).filter((choice) => choice.finish_reason !== null);
    expect(last.map((chunk) => chunk.token_ids!.length)).toEqual([3, 3]);
  });
});

describe('prompt_logprobs', () => {
  it('has an entry per token; before the first one came nothing', async () => {
    const body = { ...text, prompt_logprobs: 2, n: 2, return_token_ids: true };
    const { choices } = Completion.parse(await ask('/v1/completions', body));
    expect(choices.map((choice) => choice.prompt_logprobs!.length)).toEqual([2, 2, 1, 1]);
    for (const { prompt_logprobs, prompt_token_ids } of choices) {
      expect(prompt_logprobs![0]).toBeNull();
      for (const [at, entry] of prompt_logprobs!.entries()) {
        if (entry) expect(entry[prompt_token_ids![at]!]).toMatchObject({ rank: 1 });
        if (entry) expect(Object.keys(entry)).toHaveLength(2);
      }
    }
    expect(Completion.parse(await ask('/v1/completions', { ...body, max_tokens: 0 })).choices[0]).toMatchObject({
      prompt_logprobs: choices[0]!.prompt_logprobs,
      token_ids: [],
    });
  });

  it('of a conversation is beside its choices', async () => {
    const answer = ChatCompletion.parse(await ask('/v1/chat/completions', { ...chat, prompt_logprobs: 0 }));
    expect(answer.prompt_logprobs).toHaveLength(answer.usage.prompt_tokens);
  });
});

it('continuous_usage_stats: each chunk has the usage so far, the last one all of it', async () => {
  const stream_options = { include_usage: true, continuous_usage_stats: true };
  for (const [path, body] of [
    ['/v1/chat/completions', chat],
    ['/v1/completions', text],
  ] as const) {
    const chunks = (await stream(path, { ...body, stream_options })) as { usage: { completion_tokens: number } }[];
    const counts = chunks.map(({ usage }) => usage.completion_tokens);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBeGreaterThan(counts[0]!);
    const whole = (await ask(path, body)) as { usage: unknown };
    expect(chunks.at(-1)!.usage).toEqual(whole.usage);
  }
});

it('what only the engine knows to be wrong is named as the request names it', async () => {
  for (const [path, body, fields, param] of [
    ['/v1/completions', text, { suffix: 'three' }, 'suffix'],
    ['/v1/completions', text, { stop_token_ids: [5000] }, 'stop_token_ids'],
    ['/v1/completions', text, { allowed_token_ids: [5000] }, 'allowed_token_ids'],
    ['/v1/completions', text, { bad_words: [' '] }, 'bad_words'],
    ['/v1/completions', text, { min_tokens: 20 }, 'min_tokens'],
    ['/v1/completions', text, { grammar: 'nothing' }, 'grammar'],
    ['/v1/completions', text, { guided_json: { properties: { a: { not: {} } } } }, 'guided_json.properties.a.not'],
    ['/v1/chat/completions', chat, { chat_template_kwargs: { style: 'x' } }, 'chat_template_kwargs'],
    ['/v1/chat/completions', chat, { continue_final_message: true }, 'continue_final_message'],
  ] as const) {
    const error = ((await ask(path, { ...body, ...fields })) as { error: { param: string } }).error;
    expect(error.param.replace(/^suffix\.\d$|^(suffix)$/, 'suffix')).toBe(param);
  }
});

it('a conversation goes on with the assistant’s last message', async () => {
  const messages = [...chat.messages, { role: 'assistant', content: 'three' }];
  const whole = ChatCompletion.parse(await ask('/v1/chat/completions', { ...chat, messages, return_token_ids: true }));
  const body = { ...chat, messages, continue_final_message: true, add_generation_prompt: false };
  const answer = ChatCompletion.parse(await ask('/v1/chat/completions', { ...body, return_token_ids: true }));
  expect(answer.prompt_token_ids).toEqual(whole.prompt_token_ids!.slice(0, -1));
});
