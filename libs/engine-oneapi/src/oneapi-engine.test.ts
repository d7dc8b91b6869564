import { deepStrictEqual } from 'node:assert';
import type { GenerateEvent } from '@xim/engine';
import { describeEngine } from '@xim/engine/testing';
import { createEngine, modelOf } from './__fixtures__/engines.ts';

const chat = modelOf('chat');
const embedding = modelOf('embedding');
const unsupported = 'XIM_UNSUPPORTED_PARAMETER';
const say = (content: string) => ({ messages: [{ role: 'user' as const, content }] });
const greedy = { temperature: 0 };

describeEngine({
  name: 'oneapi: generate',
  create: () => createEngine(chat),
  createFaulty: (fault) =>
    // The folder of another model has no weights of this kind; an interpreter without wheels may get them.
    fault === 'permanent'
      ? createEngine({ ...chat, path: embedding.path })
      : createEngine(chat, {}, { xPython: 'bare' }),
  timeoutMs: 300_000,
  samples: {
    generate: {
      quick: { prompt: say('Name a colour.'), maxTokens: 6, sampling: greedy },
      long: { prompt: { text: 'Once upon a time' }, maxTokens: 8000, ignoreEnd: true, sampling: greedy },
      more: [
        { prompt: say('Count: 1 2 3'), choices: 3, maxTokens: 9, sampling: { seed: 7, temperature: 0.8, topP: 0.9 } },
        { prompt: say('Draw 👩‍👩‍👧 😀 日本 🇩🇪'), maxTokens: 24, sampling: greedy, ignoreEnd: true },
        { prompt: say('Tell me about the sea.'), maxTokens: 40, stop: ['is a', ' sea', '\n'], sampling: greedy },
        { prompt: { text: 'The sea is' }, maxTokens: 8 },
        { prompt: { tokens: [504, 3998, 314] }, maxTokens: 8, sampling: { topK: 5, repetitionPenalty: 1.2 } },
        {
          prompt: {
            messages: [
              { role: 'developer', content: 'Be brief.' },
              { role: 'assistant', content: null },
              { role: 'user', content: 'Hi' },
            ],
          },
          maxTokens: 8,
          sampling: { presencePenalty: 2, frequencyPenalty: -2, topP: 0 },
        },
      ],
      bad: [
        { what: 'tokens beyond the vocabulary', input: { prompt: { tokens: [1, 10 ** 6] } }, param: 'prompt' },
        { what: 'a negative token', input: { prompt: { tokens: [-1] } }, param: 'prompt' },
        { what: 'choices below 1', input: { prompt: { text: 'a' }, choices: 0 }, param: 'choices' },
        { what: 'an empty stop text', input: { prompt: { text: 'a' }, stop: [''] }, param: 'stop' },
        {
          what: 'a temperature below 0',
          input: { prompt: { text: 'a' }, sampling: { temperature: -1 } },
          param: 'sampling.temperature',
        },
        {
          what: 'logprobs',
          input: { prompt: { text: 'a' }, logprobs: 0 },
          code: unsupported,
          param: 'logprobs',
        },
        {
          what: 'a format',
          input: { prompt: { text: 'a' }, format: { type: 'regex', pattern: '(' } },
          code: unsupported,
          param: 'format',
        },
        {
          what: 'tools',
          input: { prompt: { ...say('a'), tools: [{ name: 'clock' }] } },
          code: unsupported,
          param: 'prompt.tools',
        },
        {
          what: 'a logit bias',
          input: { prompt: { text: 'a' }, sampling: { logitBias: { 1: 1 } } },
          code: unsupported,
          param: 'sampling.logitBias',
        },
      ],
      numbered: (number) => ({
        input: {
          prompt: { text: 'one two three four five six'.slice(0, 3 + (number % 20)) },
          maxTokens: 1 + (number % 7),
          ignoreEnd: true,
        },
        check: (events) => deepStrictEqual(outputTokens(events), 1 + (number % 7)),
      }),
    },
  },
});

describeEngine({
  name: 'oneapi: embed',
  create: () => createEngine(embedding),
  timeoutMs: 300_000,
  samples: {
    embed: {
      quick: { items: [{ text: 'a' }, { text: 'The sea is a vast body of water.' }, { tokens: [7592] }] },
      long: { items: Array.from({ length: 4000 }, () => ({ tokens: Array<number>(254).fill(2712) })) },
      more: [
        { items: [{ text: 'short' }], dimensions: 8 },
        { items: [{ text: 'x' }], dimensions: 384 },
      ],
      bad: [
        {
          what: 'more dimensions than there are',
          input: { items: [{ text: 'a' }], dimensions: 385 },
          param: 'dimensions',
        },
        { what: 'tokens of another model', input: { items: [{ tokens: [99_999] }] }, param: 'items.0' },
        {
          what: 'a text beyond the context',
          input: { items: [{ text: 'a' }, { text: 'word '.repeat(300) }] },
          code: 'XIM_CONTEXT_LENGTH_EXCEEDED',
          param: 'items.1',
        },
      ],
    },
  },
});

function outputTokens(events: readonly GenerateEvent[]): number | undefined {
  const last = events.at(-1);
  return last?.type === 'end' ? last.usage.outputTokens : undefined;
}
