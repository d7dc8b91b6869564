import { deepStrictEqual } from 'node:assert';
import { type Engine, type GenerateEvent, type GenerateInput, isRefusal } from '@xim/engine';
import { checkEvents, describeEngine } from '@xim/engine/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, describeLibrary, entry, host, makeModel, whyNot } from './__fixtures__/real-model.ts';
import reference from './__fixtures__/transformers-logprobs.json' with { type: 'json' };
import { xft } from './xft-engine.ts';

const reason = whyNot();
const model = reason === undefined ? makeModel() : undefined;
afterAll(() => model?.remove());
const create = (settings: Parameters<typeof createEngine>[0] = {}) =>
  createEngine({ modelPath: model!.path, ...settings });

const greedy = { temperature: 0 };
const say = (content: string) => ({ messages: [{ role: 'user' as const, content }] });
const timeout = 300_000;

describeLibrary('the library itself', () => {
  describeEngine({
    name: 'xft: generate',
    create: () => create(),
    createFaulty: (fault) =>
      fault === 'permanent' ? create({ modelPath: '/nowhere' }) : create({ python: '/bin/ls' }),
    timeoutMs: timeout,
    samples: {
      generate: {
        quick: { prompt: say('Name a colour.'), maxTokens: 6, sampling: greedy },
        long: { prompt: { text: 'Once upon a time' }, maxTokens: 8000, ignoreEnd: true, sampling: greedy },
        more: [
          { prompt: say('Count: 1 2 3'), choices: 3, maxTokens: 9, sampling: { seed: 7, temperature: 0.8, topP: 0.9 } },
          { prompt: say('Draw 👩‍👩‍👧 😀 日本 🇩🇪'), maxTokens: 24, sampling: greedy, ignoreEnd: true },
          { prompt: say('Tell me about the sea.'), maxTokens: 40, stop: ['is a', ' sea', '\n'], sampling: greedy },
          { prompt: { tokens: [504, 3998, 314] }, maxTokens: 8, sampling: { topK: 5, repetitionPenalty: 1.2 } },
          { prompt: { text: 'The sea is' }, maxTokens: 5, logprobs: 5, echo: true, choices: 2, sampling: { seed: 2 } },
          { prompt: { text: 'a' }, maxTokens: 4, sampling: { logitBias: { 253: 50 }, minP: 0.1 }, logprobs: 20 },
          { prompt: { text: 'Mary: ' }, maxTokens: 12, format: { type: 'regex', pattern: '[A-Z][a-z]{2,5}!' } },
          { prompt: say('Go'), maxTokens: 30, format: { type: 'json' }, logprobs: 0 },
        ],
        bad: [
          { what: 'tokens beyond the vocabulary', input: { prompt: { tokens: [1, 10 ** 6] } }, param: 'prompt' },
          { what: 'choices below 1', input: { prompt: { text: 'a' }, choices: 0 }, param: 'choices' },
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

  describe.each(['bf16', 'fp16', 'bf16_fp16'])('%s', { timeout }, (dtype) => {
    const fits = !isRefusal(xft.check(host, entry({ dtype })));
    let engine: Engine;
    beforeAll(async () => {
      if (!fits) return;
      engine = create({ options: { dtype } });
      await engine.start();
    }, timeout);
    afterAll(() => engine?.stop(), timeout);

    it('gives every token of a text the probability that Transformers gives it', async (context) => {
      context.skip(!fits, `cpu:avx512: no kernels for ${dtype}`);
      const events = await run(engine, { prompt: { text: reference.text }, echo: true, logprobs: 0, maxTokens: 1 });
      const found = events
        .flatMap((event) => (event.type === 'text-delta' ? (event.logprobs ?? []) : []))
        .map(({ logprob }) => logprob)
        .slice(1, 1 + reference.logprobs.length);
      expect(found).toHaveLength(reference.logprobs.length);
      const differences = found.map((logprob, index) => Math.abs(logprob! - reference.logprobs[index]!));
      expect(differences.reduce((sum, each) => sum + each, 0) / differences.length).toBeLessThan(0.05);
      expect(Math.max(...differences)).toBeLessThan(0.25);
    });

    it('continues a text as Transformers does, where that is clear', async (context) => {
      context.skip(!fits, `cpu:avx512: no kernels for ${dtype}`);
      const events = await run(engine, {
        prompt: { text: 'The capital of France is' },
        maxTokens: 5,
        sampling: greedy,
      });
      expect(textOf(events)).toBe(' Paris.\n\nThe');
    });
  });

  describe('in company', { timeout }, () => {
    let engine: Engine;
    beforeAll(async () => {
      // Eight slots, of which each reserves 256 tokens: the cache is full.
      engine = create({ plan: { slots: 8, kvCacheBytes: 8 * 256 * 23_040 } });
      expect(await engine.start()).toMatchObject({
        contextLength: 256,
        runtime: { isa: expect.any(String) as string },
      });
    }, timeout);
    afterAll(() => engine.stop(), timeout);

    it('eight streams, of which some come late and some go away, each end with what was asked for', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 16 }, async (_, number) => {
          const abort = new AbortController();
          const input = { prompt: { text: `Story ${number}:` }, maxTokens: 40 + number, ignoreEnd: true };
          const events: GenerateEvent[] = [];
          try {
            for await (const event of engine.generate!(input, { id: String(number), signal: abort.signal })) {
              events.push(event);
              if (number % 4 === 3 && events.length === 10) abort.abort();
            }
          } catch {
            return 'gone';
          }
          return outputTokens(events);
        }),
      );
      expect(outcomes).toEqual(outcomes.map((_, number) => (number % 4 === 3 ? 'gone' : 40 + number)));
    });

    it('the same seed gives the same text, another another', async () => {
      const seeded = async (seed: number) =>
        textOf(
          await run(engine, { prompt: say('Tell me a story.'), maxTokens: 30, sampling: { seed, temperature: 1 } }),
        );
      const text = await seeded(42);
      expect(await seeded(42)).toBe(text);
      expect(await seeded(43)).not.toBe(text);
    });

    it('a prompt that does not fit is refused with the numbers', async () => {
      await expect(run(engine, { prompt: { text: 'sea '.repeat(300) } })).rejects.toMatchObject({
        code: 'XIM_CONTEXT_LENGTH_EXCEEDED',
        message: expect.stringContaining('256 tokens') as string,
      });
    });
  });
});

async function run(engine: Engine, input: GenerateInput): Promise<GenerateEvent[]> {
  const events: GenerateEvent[] = [];
  const call = { id: 'run', signal: new AbortController().signal };
  for await (const event of engine.generate!(input, call)) events.push(event);
  checkEvents('generate', input, events);
  return events;
}

function textOf(events: readonly GenerateEvent[]): string {
  return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
}

function outputTokens(events: readonly GenerateEvent[]): number | undefined {
  const end = events.at(-1);
  return end?.type === 'end' && 'usage' in end ? end.usage?.outputTokens : undefined;
}
