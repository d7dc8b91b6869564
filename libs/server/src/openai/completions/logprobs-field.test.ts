import { Completion, CompletionChunk, type CompletionLogprobs } from '@xim/openai-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { framesOf, startChat, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

// The engine is all but certain of each token.
let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

const path = '/v1/completions';
const base = { model: 'gpt-4o-mini', prompt: 'one two' };

async function logprobsOf(fields: object, from = service): Promise<CompletionLogprobs> {
  const response = await from.post(path, { ...base, ...fields });
  const answer = Completion.parse(await response.json());
  return answer.choices.at(-1)!.logprobs!;
}

describe('logprobs', () => {
  it('are parallel lists; offsets count from the prompt’s beginning', async () => {
    const { tokens, token_logprobs, top_logprobs, text_offset } = await logprobsOf({ logprobs: 3 });
    expect(tokens).toEqual(['one', ' two']);
    expect(token_logprobs).toEqual([expect.any(Number), expect.any(Number)]);
    expect(text_offset).toEqual([7, 10]);
    expect(top_logprobs.map((top) => Object.keys(top!).length)).toEqual([3, 3]);
    for (const [i, token] of tokens.entries()) expect(top_logprobs[i]![token]).toBe(token_logprobs[i]);
    expect(token_logprobs.every((logprob) => logprob! <= 0)).toBe(true);
  });

  it('0 asks for those of the tokens themselves', async () => {
    const { token_logprobs, top_logprobs } = await logprobsOf({ logprobs: 0 });
    expect(top_logprobs).toEqual([{ one: token_logprobs[0] }, { ' two': token_logprobs[1] }]);
  });

  it('are null where nobody asked', async () => {
    expect(await logprobsOf({ logprobs: null })).toBeNull();
  });

  it('of an echo begin with the prompt; before its first token came nothing', async () => {
    const { tokens, token_logprobs, top_logprobs, text_offset } = await logprobsOf({ logprobs: 1, echo: true });
    expect(tokens).toEqual(['one', ' two', 'one', ' two']);
    expect([token_logprobs[0], top_logprobs[0]]).toEqual([null, null]);
    expect(token_logprobs.slice(1).every((logprob) => typeof logprob === 'number')).toBe(true);
    expect(text_offset).toEqual([0, 3, 7, 10]);
  });

  it('score a text when nothing is to be added to it', async () => {
    const response = await service.post(path, { ...base, logprobs: 1, echo: true, max_tokens: 0 });
    const { choices, usage } = Completion.parse(await response.json());
    expect(choices[0]).toMatchObject({ text: 'one two', logprobs: { tokens: ['one', ' two'], text_offset: [0, 3] } });
    expect(usage.completion_tokens).toBe(0);
  });

  it('count characters, where a prompt is given as tokens too', async () => {
    const text = '🙂é one';
    const tokenized = await (await service.post('/tokenize', { inputs: text })).json();
    const ids = (tokenized as { id: number }[]).map(({ id }) => id);
    for (const prompt of [text, ids, [text], [[5], ids]]) {
      const { tokens, text_offset } = await logprobsOf({ prompt, logprobs: 0 });
      expect(text_offset).toEqual([6, 6, 6, 6, 7, 7, 8]);
      // Parts of a character are named by their bytes.
      const parts = ['\\xf0', '\\x9f', '\\x99', '\\x82', '\\xc3', '\\xa9'].map((part) => `bytes:${part}`);
      expect(tokens).toEqual([...parts, ' one']);
    }
  });

  it('of a stream are those of the answer without, and so are the texts', async () => {
    const fields = { prompt: ['one two 🙂 **', 'three'], logprobs: 2, echo: true, n: 2, seed: 4 };
    const whole = Completion.parse(await (await service.post(path, { ...base, ...fields })).json());
    const response = await service.post(path, { ...base, ...fields, stream: true });
    const frames = framesOf(await response.text()).filter((frame) => frame !== '[DONE]');
    const pieces = frames.flatMap((frame) => CompletionChunk.parse(JSON.parse(frame)).choices);
    for (const { index, text, logprobs } of whole.choices) {
      const own = pieces.filter((piece) => piece.index === index);
      const joined = (key: keyof CompletionLogprobs) =>
        own.flatMap((piece) => piece.logprobs?.[key] ?? ([] as unknown));
      expect(own.map((piece) => piece.text).join('')).toBe(text);
      for (const key of ['tokens', 'token_logprobs', 'top_logprobs', 'text_offset'] as const)
        expect(joined(key)).toEqual(logprobs![key]);
    }
  });

  it('name the chosen token beside the alternatives when it is none of them', async () => {
    const entry = { id: 1, token: 'rare', bytes: [...Buffer.from('rare')], logprob: -9 };
    const scripted = await startScripted(async function* () {
      yield { type: 'start', inputTokens: 1 };
      const top = [{ id: 2, token: 'usual', bytes: [...Buffer.from('usual')], logprob: -0.1 }];
      yield { type: 'text-delta', choice: 0, text: 'rare', tokens: 1, logprobs: [{ ...entry, top }] };
      yield { type: 'choice-end', choice: 0, reason: 'stop' };
      yield { type: 'end', usage: { inputTokens: 1, outputTokens: 1 } };
    });
    const { top_logprobs } = await logprobsOf({ logprobs: 1 }, scripted);
    await scripted.close();
    expect(top_logprobs).toEqual([{ usual: -0.1, rare: -9 }]);
  });
});
