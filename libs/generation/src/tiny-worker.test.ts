import { deepStrictEqual } from 'node:assert';
import { delimiter, join } from 'node:path';
import type { Engine, GenerateEvent, GenerateInput } from '@xim/engine';
import { describeEngine } from '@xim/engine/testing';
import { createWorkerEngine } from '@xim/worker';
import { generationPython } from './index.ts';

const venvs = process.env['XIM_VENVS']!;
const tests = join(generationPython(), 'tests');
const log = { debug() {}, info() {}, warn() {}, error() {} };
const plan = { threads: 1, slots: 4, queue: 64, kvCacheBytes: 0, batchTokens: 32, stallMs: 10_000, reasons: [] };

/** The runtime over a small transformer with random weights, in a worker. */
function create(options: Readonly<Record<string, unknown>> = {}): Engine {
  const profile = { engine: 'tiny', isa: [], options };
  const shape = { contextLength: 32_768 };
  const model = { id: 'xim/tiny', task: 'generate', licence: 'Apache-2.0', created: 0, artifacts: {}, shape } as const;
  return createWorkerEngine(
    {
      command: [join(venvs, 'generation/bin/python'), join(tests, 'tiny_worker.py')],
      env: { PYTHONPATH: [generationPython(), tests].join(delimiter), PYTHONSAFEPATH: '1' },
      ranks: 1,
      tasks: ['generate', 'tokenize'],
    },
    {
      name: 'tiny',
      create: { profile, plan, model: { ...model, profiles: [profile] }, modelPath: '', python: '', log },
      graceMs: 500,
    },
  );
}

const greedy = { temperature: 0 };
const ask = (content: string) => ({ messages: [{ role: 'user', content } as const] });
const weather = {
  name: 'weather',
  parameters: { type: 'object', properties: { place: { type: 'string', maxLength: 5 } }, required: ['place'] },
};
const clock = { name: 'clock' };
const city = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 8 }, kind: { enum: ['big', 'small'] } },
  required: ['name', 'kind'],
};

const more: readonly GenerateInput[] = [
  { prompt: { text: 'one two three' }, choices: 3, maxTokens: 9, sampling: { seed: 7 } },
  { prompt: { text: 'The sea' }, maxTokens: 20, logprobs: 3, echo: true, ignoreEnd: true },
  { prompt: { text: 'The sea' }, maxTokens: 200, stop: ['e', '7'], includeStop: true, sampling: { seed: 3 } },
  { prompt: { text: 'The sea' }, maxTokens: 200, stop: ['e', '7'], logprobs: 0, sampling: { seed: 3 } },
  { prompt: { tokens: [32, 33, 34] }, maxTokens: 30, ignoreEnd: true },
  { prompt: ask('hey'), format: { type: 'json-schema', schema: city }, sampling: { seed: 1 }, maxTokens: 200 },
  { prompt: ask('hey'), format: { type: 'regex', pattern: '[0-9]{3}-[a-z]{2}' }, logprobs: 1 },
  { prompt: ask('hey'), maxTokens: 20, sampling: { ...greedy, logitBias: { 32: 100 }, repetitionPenalty: 1.2 } },
  {
    prompt: { ...ask('hey'), tools: [weather, clock], toolChoice: { mode: 'required' } },
    choices: 2,
    maxTokens: 300,
  },
  {
    prompt: { ...ask('hey'), tools: [weather], toolChoice: { mode: 'required', name: 'weather', parallel: false } },
    maxTokens: 300,
  },
];

describeEngine({
  name: 'the generation runtime over a tiny transformer',
  create,
  createFaulty: (failStart) => create({ failStart }),
  samples: {
    generate: {
      quick: { prompt: ask('Zehn zahme Ziegen 日本 😀'), maxTokens: 12, sampling: greedy },
      long: { prompt: { text: 'again and again' }, maxTokens: 32_000, ignoreEnd: true },
      more,
      bad: [
        { what: 'tokens outside the vocabulary', input: { prompt: { tokens: [5000] } }, param: 'prompt' },
        { what: 'choices below 1', input: { prompt: { text: 'a' }, choices: 0 }, param: 'choices' },
        {
          what: 'a pattern that is none',
          input: { prompt: { text: 'a' }, format: { type: 'regex', pattern: '(' } },
          param: 'format.pattern',
        },
        {
          what: 'an effort to think',
          input: { prompt: ask('a'), reasoningEffort: 'high' },
          code: 'XIM_UNSUPPORTED_PARAMETER',
          param: 'reasoningEffort',
        },
      ],
      numbered: (number) => ({
        input: { prompt: ask(`call ${number}`), format: { type: 'regex', pattern: `call ${number} of many` } },
        check: (events) => deepStrictEqual(textOf(events), `call ${number} of many`),
      }),
    },
  },
});

function textOf(events: readonly GenerateEvent[]): string {
  return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
}
