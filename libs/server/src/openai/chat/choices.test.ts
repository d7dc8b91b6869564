import { CreateChatCompletionResponse } from '@effect/ai-openai/Generated';
import { ChatCompletion, ChatCompletionChunk } from '@xim/openai-schema';
import { Schema } from 'effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { framesOf, startChat, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

const path = '/v1/chat/completions';
const text = 'one two 🙂 three';
const base = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: text }] };

async function answerOf(fields: object, from = service): Promise<ChatCompletion> {
  const response = await from.post(path, { ...base, ...fields });
  const body: unknown = await response.json();
  expect([response.status, body]).toEqual([200, body]);
  Schema.decodeUnknownSync(CreateChatCompletionResponse)(body);
  return ChatCompletion.parse(body);
}

async function chunksOf(fields: object): Promise<ChatCompletionChunk[]> {
  const response = await service.post(path, { ...base, ...fields, stream: true });
  const frames = framesOf(await response.text());
  expect(frames.at(-1)).toBe('[DONE]');
  return frames.slice(0, -1).map((frame) => ChatCompletionChunk.parse(JSON.parse(frame)));
}

describe('n', () => {
  // A letter for each star, by the choice's own seed.
  const dice = { messages: [{ role: 'user', content: 'dice: ********' }] };

  it('choices come out, numbered, with the usage of all', async () => {
    const { choices, usage } = await answerOf({ ...dice, n: 3, seed: 1 });
    expect(choices.map(({ index, finish_reason }) => [index, finish_reason])).toEqual([
      [0, 'stop'],
      [1, 'stop'],
      [2, 'stop'],
    ]);
    expect(new Set(choices.map(({ message }) => message.content)).size).toBe(3);
    const one = await answerOf({ ...dice, n: 1, seed: 1 });
    expect(usage.prompt_tokens).toBe(one.usage.prompt_tokens);
    expect(usage.completion_tokens).toBe(3 * one.usage.completion_tokens);
  });

  it('may be more than there are slots', async () => {
    expect((await answerOf({ n: 100 })).choices).toHaveLength(100);
  });

  it('streams each choice with its role first, its reason last, its own number on all', async () => {
    const whole = await answerOf({ ...dice, n: 3, seed: 1 });
    const chunks = await chunksOf({ ...dice, n: 3, seed: 1, stream_options: { include_usage: true } });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    for (const { index, message } of whole.choices) {
      const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
      expect(own.map(({ delta }) => delta.role)).toEqual(['assistant', ...Array(own.length - 1).fill(undefined)]);
      expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe(message.content);
      expect(own.map((choice) => choice.finish_reason).filter(Boolean)).toEqual(['stop']);
      expect(own.at(-1)!.finish_reason).toBe('stop');
    }
  });
});

describe('logprobs', () => {
  it.each([0, 1, 5, 20])('with %i alternatives each; the tokens are the content', async (top) => {
    const { choices } = await answerOf({ logprobs: true, top_logprobs: top });
    const { content, refusal } = choices[0]!.logprobs!;
    expect(refusal).toBeNull();
    expect(Buffer.from(content!.flatMap(({ bytes }) => bytes!)).toString('utf8')).toBe(text);
    for (const entry of content!) {
      expect(entry.logprob).toBeLessThanOrEqual(0);
      expect(entry.top_logprobs).toHaveLength(top);
      const order = entry.top_logprobs.map(({ logprob }) => logprob);
      expect(order).toEqual(order.toSorted((a, b) => b - a));
    }
  });

  it('without a number of alternatives have none', async () => {
    const { choices } = await answerOf({ logprobs: true });
    expect(choices[0]!.logprobs!.content!.every((entry) => entry.top_logprobs.length === 0)).toBe(true);
  });

  it('of a stream are those of the answer without', async () => {
    const fields = { logprobs: true, top_logprobs: 2, n: 2, seed: 3 };
    const { choices } = await answerOf(fields);
    const chunks = await chunksOf(fields);
    for (const { index, logprobs } of choices) {
      const own = chunks.flatMap((chunk) => chunk.choices.filter((choice) => choice.index === index));
      expect(own.flatMap((choice) => choice.logprobs?.content ?? [])).toEqual(logprobs!.content);
    }
  });

  it.each([{}, { logprobs: false }, { logprobs: null, top_logprobs: null }])('are null for %j', async (fields) => {
    expect((await answerOf(fields)).choices[0]!.logprobs).toBeNull();
    const chunks = await chunksOf(fields);
    expect(chunks.flatMap(({ choices }) => choices.map(({ logprobs }) => logprobs)).every((one) => one === null)).toBe(
      true,
    );
  });
});

describe('usage', () => {
  it('tells what came from the prefix cache, and the metric sums it', async () => {
    const cached = await startScripted(async function* () {
      yield { type: 'start', inputTokens: 9, cachedTokens: 4 };
      yield { type: 'text-delta', choice: 0, text: 'a', tokens: 1 };
      yield { type: 'choice-end', choice: 0, reason: 'stop' };
      yield { type: 'end', usage: { inputTokens: 9, outputTokens: 1, cachedTokens: 8, reasoningTokens: 1 } };
    });
    const { usage } = await answerOf({}, cached);
    await answerOf({}, cached);
    const metrics = await (await cached.get('/metrics')).text();
    await cached.close();
    expect(usage).toEqual({
      prompt_tokens: 9,
      completion_tokens: 1,
      total_tokens: 10,
      prompt_tokens_details: { cached_tokens: 8 },
      completion_tokens_details: { reasoning_tokens: 1 },
    });
    expect(metrics).toMatch(/^xim_cached_tokens_total\{.*\} 16$/m);
  });
});
