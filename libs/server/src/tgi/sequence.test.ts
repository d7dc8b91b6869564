import type { TokenLogprob } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { createTgiSequence } from './sequence.ts';

const entry = (bytes: string | number[], logprob = -1): TokenLogprob => {
  const raw = typeof bytes === 'string' ? [...Buffer.from(bytes)] : bytes;
  return { id: raw[0]!, token: Buffer.from(raw).toString(), bytes: raw, logprob, top: [] };
};

/** Deltas, each a text and its tokens → the texts of the tokens that came out after each of them, and at the end. */
function read(...deltas: [text: string, ...tokens: (string | number[])[]][]): string[][] {
  const sequence = createTgiSequence();
  const texts = deltas.map(([text, ...tokens]) => {
    const logprobs = tokens.map((token) => entry(token));
    sequence.add({ type: 'text-delta', choice: 0, text, tokens: tokens.length, logprobs });
    return sequence.take().map((step) => step.token.text);
  });
  sequence.end({ type: 'choice-end', choice: 0, reason: 'stop' });
  texts.push(sequence.take().map((step) => step.token.text));
  expect(texts.flat().join('')).toBe(sequence.text);
  expect(sequence.text).toBe(deltas.map(([text]) => text).join(''));
  return texts;
}

describe('a sequence of tokens', () => {
  it('keeps its last token until the next one comes or it ends', () => {
    expect(read(['a', 'a'], ['b', 'b'])).toEqual([[], ['a'], ['b']]);
  });

  it('cuts a delta that stands for several tokens where they end', () => {
    expect(read(['one two', 'one', ' two'])).toEqual([['one'], [' two']]);
  });

  it('gives a character to the token that completes it', () => {
    const [first, second] = [[0xe6, 0x9d], [0xb1]];
    expect(read(['東!', first, second, '!'])).toEqual([['', '東'], ['!']]);
  });

  it('adds text that was held back to the token that let it go, or to the one before', () => {
    expect(read(['ab', 'ab', 'cd'], ['cd', 'ef'])).toEqual([['ab'], [''], ['cd']]);
    expect(read(['a', 'a', 'b'], ['b'])).toEqual([['a'], [], ['b']]);
  });
});

it('tells the prompt’s own tokens apart', () => {
  const sequence = createTgiSequence();
  sequence.add({ type: 'text-delta', choice: 0, text: 'hi', tokens: 0, logprobs: [{ ...entry('hi'), logprob: null }] });
  sequence.add({ type: 'text-delta', choice: 0, text: 'a', tokens: 1, logprobs: [entry('a', -3)] });
  sequence.add({ type: 'reasoning-delta', choice: 0, text: 'b', tokens: 1, logprobs: [entry('b', -1)] });
  sequence.end({ type: 'choice-end', choice: 0, reason: 'length' });
  expect(sequence.prefill).toEqual([{ id: 104, text: 'hi', logprob: null }]);
  expect([sequence.text, sequence.finish, sequence.meanLogprob]).toEqual(['ab', 'length', -2]);
});

it.each([
  [{ reason: 'length' }, 'length'],
  [{ reason: 'stop' }, 'eos_token'],
  [{ reason: 'stop', stop: 'x' }, 'stop_sequence'],
] as const)('ends for %j with %s', (end, finish) => {
  const sequence = createTgiSequence();
  sequence.end({ type: 'choice-end', choice: 0, ...end });
  expect(sequence.finish).toBe(finish);
});
