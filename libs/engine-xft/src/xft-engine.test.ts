import { deepStrictEqual } from 'node:assert';
import { type Engine, EngineDeadError, type GenerateEvent, type GenerateInput } from '@xim/engine';
import { describeEngine, watchJob } from '@xim/engine/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { makeStandIn } from './__fixtures__/stand-in.ts';

const standIn = makeStandIn();
afterAll(() => standIn.remove());

const greedy = { temperature: 0 };
const ask = (content: string) => ({ messages: [{ role: 'user', content } as const] });
const weather = {
  name: 'weather',
  parameters: { type: 'object', properties: { place: { type: 'string', maxLength: 5 } }, required: ['place'] },
};

const more: readonly GenerateInput[] = [
  { prompt: { text: 'one two three' }, choices: 3, maxTokens: 9, sampling: { seed: 7 } },
  { prompt: { text: 'The sea' }, maxTokens: 20, logprobs: 3, echo: true, ignoreEnd: true },
  { prompt: { text: 'The sea' }, maxTokens: 200, stop: ['e', '7'], includeStop: true, sampling: { seed: 3 } },
  { prompt: { tokens: [32, 33, 34] }, maxTokens: 30, ignoreEnd: true, sampling: { minP: 0.1, topK: 5 } },
  { prompt: ask('hey'), format: { type: 'regex', pattern: '[0-9]{3}-[a-z]{2}' }, logprobs: 1 },
  { prompt: ask('hey'), maxTokens: 20, sampling: { ...greedy, logitBias: { 32: 100 }, repetitionPenalty: 1.2 } },
  { prompt: { ...ask('hey'), tools: [weather], toolChoice: { mode: 'required' } }, choices: 2, maxTokens: 300 },
];

for (const ranks of [1, 'numa'] as const) {
  describeEngine({
    name: `xft over its stand-in, ranks: ${ranks}`,
    // The stand-in computes in Python.
    concurrent: 40,
    create: () => standIn.create({ ranks }),
    // A folder without a model never has one; a program that is no Python ends like a worker that lacks a wheel.
    createFaulty: (fault) =>
      fault === 'permanent' ? standIn.create({}, { modelPath: '/nowhere' }) : standIn.create({}, { python: '/bin/ls' }),
    samples: {
      generate: {
        quick: { prompt: ask('Zehn zahme Ziegen 日本 😀'), maxTokens: 12, sampling: greedy },
        long: { prompt: { text: 'again and again' }, maxTokens: 32_000, ignoreEnd: true },
        more,
        bad: [
          { what: 'tokens outside the vocabulary', input: { prompt: { tokens: [5000] } }, param: 'prompt' },
          { what: 'choices below 1', input: { prompt: { text: 'a' }, choices: 0 }, param: 'choices' },
        ],
        numbered: (number) => ({
          input: { prompt: ask(`call ${number}`), format: { type: 'regex', pattern: `call ${number} of many` } },
          check: (events) => deepStrictEqual(textOf(events), `call ${number} of many`),
        }),
      },
    },
  });
}

describe('xft: several ranks', () => {
  // The launcher is the first process of the job.
  it.each([
    ['rank 0', 1],
    ['rank 1', 2],
  ])('the death of %s ends the job and every open call, wherever they are', { timeout: 60_000 }, async (_, which) => {
    for (const tokens of [0, 1, 6, 40]) {
      const watch = watchJob();
      const engine = standIn.create({ ranks: 'numa' });
      await engine.start();
      const victim = watch.processes()[which]!;
      let seen = 0;
      let killed = false;
      const calls = [1, 2, 3].map(async (number) => {
        const input = { prompt: { text: `call ${number}` }, maxTokens: 30_000, ignoreEnd: true };
        const call = { id: String(number), signal: new AbortController().signal };
        for await (const event of engine.generate!(input, call)) {
          if (event.type === 'text-delta') seen += event.tokens;
          if (seen < tokens || killed) continue;
          killed = true;
          process.kill(victim, 'SIGKILL');
        }
      });
      const outcomes = await Promise.allSettled(calls);
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(EngineDeadError) as EngineDeadError });
      }
      expect(await engine.exited).toMatchObject({ expected: false });
      await watch.expectNothingLeft();
    }
  });

  it('compute what one process computes', async () => {
    const texts = [];
    for (const ranks of [1, 'numa'] as const) {
      const engine = standIn.create({ ranks });
      await engine.start();
      texts.push(await Promise.all(['one', 'two two', 'three'].map((text) => run(engine, { prompt: { text } }))));
      await engine.stop();
    }
    expect(texts[0]).toEqual(texts[1]);
  });
});

async function run(engine: Engine, input: GenerateInput): Promise<string> {
  const events: GenerateEvent[] = [];
  const call = { id: 'run', signal: new AbortController().signal };
  for await (const event of engine.generate!({ maxTokens: 30, sampling: greedy, ...input }, call)) events.push(event);
  return textOf(events);
}

function textOf(events: readonly GenerateEvent[]): string {
  return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
}
