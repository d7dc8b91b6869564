import { deepStrictEqual } from 'node:assert';
import { type Engine, type GenerateEvent, type GenerateInput, isRefusal } from '@xim/engine';
import { checkEvents, describeEngine } from '@xim/engine/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { languageModel as model, writeLanguageModel } from './__fixtures__/language-models.ts';
import { missing, python } from './__fixtures__/pipelines.ts';
import { ipex } from './ipex-engine.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const plan = {
  threads: 1,
  slots: 4,
  queue: 64,
  kvCacheBytes: 2 ** 25,
  batchTokens: 64,
  stallMs: 60_000,
  reasons: [],
};
const host = { vendor: '', cpuModel: '', isa: ['avx2'], cpus: [], memoryBytes: 2 ** 33, availableMemoryBytes: 2 ** 33 };

const greedy = { temperature: 0 };
const ask = (content: string) => ({ messages: [{ role: 'user', content } as const] });
const weather = {
  name: 'weather',
  parameters: { type: 'object', properties: { place: { type: 'string', maxLength: 5 } }, required: ['place'] },
};
const city = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 8 }, kind: { enum: ['big', 'small'] } },
  required: ['name', 'kind'],
};

const more: readonly GenerateInput[] = [
  { prompt: { text: 'one two three' }, choices: 3, maxTokens: 9, sampling: { seed: 7 } },
  { prompt: { text: 'The sea' }, maxTokens: 20, logprobs: 3, echo: true, ignoreEnd: true },
  { prompt: { text: 'The sea' }, maxTokens: 200, stop: ['e', '7'], includeStop: true, sampling: { seed: 3 } },
  { prompt: { tokens: [32, 33, 34] }, maxTokens: 30, ignoreEnd: true, sampling: { minP: 0.1, topK: 5 } },
  { prompt: ask('hey'), format: { type: 'json-schema', schema: city }, sampling: { seed: 1 }, maxTokens: 200 },
  { prompt: ask('hey'), format: { type: 'regex', pattern: '[0-9]{3}-[a-z]{2}' }, logprobs: 1 },
  { prompt: ask('hey'), maxTokens: 20, sampling: { ...greedy, logitBias: { 32: 100 }, repetitionPenalty: 1.2 } },
  { prompt: { ...ask('hey'), tools: [weather], toolChoice: { mode: 'required' } }, choices: 2, maxTokens: 300 },
];

if (missing) console.warn(missing);
describe.skipIf(missing)('with PyTorch', () => {
  let folder: ReturnType<typeof writeLanguageModel>;
  beforeAll(() => {
    folder = writeLanguageModel();
  }, 300_000);
  afterAll(() => folder.remove());

  function create(more: { modelPath?: string; python?: string } = {}): Engine {
    const profile = ipex.check(host, model);
    if (isRefusal(profile)) throw new Error(profile.missing.join());
    return ipex.create({ profile, plan, model, modelPath: folder.path, python, log, ...more });
  }

  describeEngine({
    name: 'ipex: generate',
    create,
    createFaulty: (fault) => create(fault === 'permanent' ? { modelPath: '/nowhere' } : { python: '/bin/ls' }),
    concurrent: 40,
    timeoutMs: 300_000,
    samples: {
      generate: {
        quick: { prompt: ask('Zehn zahme Ziegen 日本 😀'), maxTokens: 12, sampling: greedy },
        long: { prompt: { text: 'again and again' }, maxTokens: 32_000, ignoreEnd: true },
        more,
        bad: [
          { what: 'tokens outside the vocabulary', input: { prompt: { tokens: [5000] } }, param: 'prompt' },
          { what: 'choices below 1', input: { prompt: { text: 'a' }, choices: 0 }, param: 'choices' },
          {
            what: 'a schema with a keyword that is not enforced',
            input: { prompt: ask('a'), format: { type: 'json-schema', schema: { not: {} } } },
            code: 'XIM_UNSUPPORTED_PARAMETER',
            param: 'format.schema.not',
          },
        ],
        numbered: (number) => ({
          input: { prompt: ask(`call ${number}`), format: { type: 'regex', pattern: `call ${number} of many` } },
          check: (events) => deepStrictEqual(textOf(events), `call ${number} of many`),
        }),
      },
    },
  });

  describe('one engine', { timeout: 300_000 }, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = create();
      const info = await engine.start();
      expect(info).toMatchObject({ runtime: { name: expect.stringMatching(/^(pytorch|ipex)$/) }, dtype: 'f32' });
      expect(info.contextLength).toBe(32_768);
    }, 300_000);
    afterAll(() => engine.stop(), 60_000);

    const run = async (input: GenerateInput) => {
      const events: GenerateEvent[] = [];
      const call = { id: 'run', signal: new AbortController().signal };
      for await (const event of engine.generate!(input, call)) events.push(event);
      checkEvents('generate', input, events);
      return events;
    };
    const story = (seed: number): GenerateInput => ({
      prompt: { text: 'The sea' },
      maxTokens: 20,
      ignoreEnd: true,
      sampling: { seed, temperature: 1 },
    });

    it('the same seed gives the same text, alone and in company; another seed another', async () => {
      const text = textOf(await run(story(1)));
      const [again, other] = await Promise.all([1, 2, 3, 4].map(async (seed) => textOf(await run(story(seed)))));
      expect(again).toBe(text);
      expect(other).not.toBe(text);
    });

    it('log probabilities of a prompt are those of the same tokens as an output', async () => {
      const output = await run({ prompt: { text: 'The sea' }, maxTokens: 8, logprobs: 2, sampling: greedy });
      const text = textOf(output);
      const echoed = await run({ prompt: { text: `The sea${text}` }, maxTokens: 1, logprobs: 2, echo: true });
      const scores = logprobsOf(echoed).slice(7, 7 + 8);
      expect(scores).toHaveLength(8);
      for (const [place, score] of logprobsOf(output).entries()) expect(scores[place]).toBeCloseTo(score!, 3);
    });

    it('a prefix that was computed before comes from the cache', async () => {
      const text = 'All work and no play makes Jack a dull boy. '.repeat(3);
      await run({ prompt: { text }, maxTokens: 1 });
      const events = await run({ prompt: { text: `${text}Again.` }, maxTokens: 1 });
      expect(events.at(-1)).toMatchObject({ usage: { cachedTokens: 128 } });
    });
  });
});

function textOf(events: readonly GenerateEvent[]): string {
  return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
}

function logprobsOf(events: readonly GenerateEvent[]): (number | null)[] {
  return events.flatMap((event) =>
    event.type === 'text-delta' ? (event.logprobs ?? []).map(({ logprob }) => logprob) : [],
  );
}
