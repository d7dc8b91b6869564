import type { GenerateEvent, TokenLogprob } from '@xim/engine';
import { ChatCompletion, ChatCompletionChunk } from '@xim/openai-schema';
import { describe, expect, it } from 'vitest';
import { joinGenerated } from '../../generate/join.ts';
import { toChatChunk, toChunkShape } from './chunk.ts';
import { toChatCompletion } from './response.ts';

const head = { id: 'chatcmpl-1', created: 1, model: 'a/b', fingerprint: 'fp_1' };
const logprob: TokenLogprob = {
  id: 7,
  token: 'hi',
  bytes: [104, 105],
  logprob: -0.5,
  top: [{ id: 8, token: 'ho', bytes: [104, 111], logprob: -1 }],
};

/** Two choices that interleave: text with reasoning, and two tool calls. */
const events: GenerateEvent[] = [
  { type: 'start', inputTokens: 5 },
  { type: 'reasoning-delta', choice: 0, text: 'hm', tokens: 1 },
  { type: 'tool-call', choice: 1, call: 0, id: 'c0', name: 'f' },
  { type: 'text-delta', choice: 0, text: '"hi"\n\u2028', tokens: 1, logprobs: [logprob] },
  { type: 'tool-call-delta', choice: 1, call: 0, arguments: '{"a"' },
  { type: 'text-delta', choice: 0, text: '', tokens: 1 },
  { type: 'tool-call-delta', choice: 1, call: 0, arguments: ':1}' },
  { type: 'tool-call', choice: 1, call: 1, id: 'c1', name: 'g' },
  { type: 'choice-end', choice: 1, reason: 'tool-calls' },
  { type: 'text-delta', choice: 0, text: ' 🙂\u0085', tokens: 2 },
  { type: 'choice-end', choice: 0, reason: 'length' },
  { type: 'end', usage: { inputTokens: 5, outputTokens: 9, cachedTokens: 2, reasoningTokens: 1 } },
];

function chunksOf(includeUsage: boolean): ChatCompletionChunk[] {
  const shape = toChunkShape(head, 2, includeUsage);
  const lines = events.flatMap((event) => toChatChunk(shape, event));
  for (const line of lines) expect(line).not.toMatch(/[\r\n\u0085\u2028\u2029]/);
  return lines.map((line) => {
    const chunk: unknown = JSON.parse(line);
    // Nothing in a chunk that its schema does not know.
    expect(ChatCompletionChunk.parse(chunk)).toEqual(chunk);
    return chunk as ChatCompletionChunk;
  });
}

const choicesOf = (chunks: ChatCompletionChunk[], index: number) =>
  chunks.flatMap((chunk) => chunk.choices.filter((choice) => choice.index === index));

describe('toChatChunk', () => {
  it('gives all chunks the same head', () => {
    for (const { choices, usage, ...rest } of chunksOf(true)) {
      expect(rest).toEqual({
        id: 'chatcmpl-1',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'a/b',
        system_fingerprint: 'fp_1',
      });
      expect([choices.length, usage === null]).toEqual(choices.length === 1 ? [1, true] : [0, false]);
    }
  });

  it('names the role in the first delta of each choice and nowhere else', () => {
    for (const index of [0, 1]) {
      const [first, ...rest] = choicesOf(chunksOf(false), index);
      expect(first!.delta).toEqual({ role: 'assistant', content: '', refusal: null });
      for (const { delta } of rest) expect(delta).not.toHaveProperty('role');
    }
  });

  it('ends each choice with its one reason, in OpenAI’s words', () => {
    const ends = (index: number) => choicesOf(chunksOf(false), index).map((choice) => choice.finish_reason);
    expect(ends(0)).toEqual([null, null, null, null, 'length']);
    expect(ends(1)).toEqual([null, null, null, null, null, 'tool_calls']);
  });

  it('keeps text, reasoning and probabilities apart', () => {
    const deltas = choicesOf(chunksOf(false), 0);
    expect(deltas.map((choice) => choice.delta.content ?? '').join('')).toBe('"hi"\n\u2028 🙂\u0085');
    expect(deltas.map((choice) => choice.delta.reasoning_content ?? '').join('')).toBe('hm');
    expect(deltas.flatMap((choice) => choice.logprobs ?? [])).toEqual([
      {
        content: [
          {
            token: 'hi',
            bytes: [104, 105],
            logprob: -0.5,
            top_logprobs: [{ token: 'ho', bytes: [104, 111], logprob: -1 }],
          },
        ],
        refusal: null,
      },
    ]);
  });

  it('tells id, type and name of a call once, then pieces of its arguments', () => {
    expect(choicesOf(chunksOf(false), 1).flatMap((choice) => choice.delta.tool_calls ?? [])).toEqual([
      { index: 0, id: 'c0', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 0, function: { arguments: '{"a"' } },
      { index: 0, function: { arguments: ':1}' } },
      { index: 1, id: 'c1', type: 'function', function: { name: 'g', arguments: '' } },
    ]);
  });

  it('tells the usage in a chunk of its own, last, and only where asked', () => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 9,
      total_tokens: 14,
      prompt_tokens_details: { cached_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: 1 },
    };
    expect(chunksOf(true).at(-1)).toMatchObject({ choices: [], usage });
    for (const chunk of chunksOf(false)) expect(chunk).not.toHaveProperty('usage');
  });

  it('is silent about events it does not know', () => {
    expect(toChatChunk(toChunkShape(head, 1, true), { type: 'new' } as never)).toEqual([]);
  });
});

describe('toChatCompletion', () => {
  async function* stream() {
    yield* events;
  }

  it('says what the chunks say together', async () => {
    const answer = toChatCompletion(head, await joinGenerated(stream(), 2));
    expect(ChatCompletion.parse(answer)).toEqual(answer);
    expect(answer.choices[0]).toMatchObject({
      index: 0,
      message: { role: 'assistant', content: '"hi"\n\u2028 🙂\u0085', refusal: null, reasoning_content: 'hm' },
      logprobs: { content: [{ token: 'hi' }], refusal: null },
      finish_reason: 'length',
    });
    expect(answer.choices[1]).toMatchObject({
      index: 1,
      message: {
        content: null,
        refusal: null,
        tool_calls: [
          { id: 'c0', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
          { id: 'c1', type: 'function', function: { name: 'g', arguments: '' } },
        ],
      },
      logprobs: null,
      finish_reason: 'tool_calls',
    });
    expect(answer.usage.total_tokens).toBe(14);
  });

  it('fails when the events stop without an end', async () => {
    const cut = async function* () {
      yield* events.slice(0, -1);
    };
    await expect(joinGenerated(cut(), 2)).rejects.toMatchObject({ code: 'XIM_INCOMPLETE' });
  });
});
