import { deepStrictEqual } from 'node:assert';
import { copyFileSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CancelledError,
  type Engine,
  EngineStartError,
  type GenerateEvent,
  type GenerateInput,
  type Tool,
} from '@xim/engine';
import { checkEvents, describeEngine } from '@xim/engine/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, modelOf } from './__fixtures__/engines.ts';

const chat = modelOf('chat');
const embedding = modelOf('embedding');
const unsupported = 'XIM_UNSUPPORTED_PARAMETER';
const say = (content: string) => ({ messages: [{ role: 'user' as const, content }] });
const clock: Tool = {
  name: 'clock',
  parameters: {
    type: 'object',
    properties: { hour: { type: 'integer', minimum: 0, maximum: 23 } },
    required: ['hour'],
  },
};
const weather: Tool = { name: 'weather', description: 'The weather of a place' };
const greedy = { temperature: 0 };

describeEngine({
  name: 'oneapi: generate',
  create: () => createEngine(chat),
  createFaulty: (fault) =>
    // Another model's folder has no weights of this kind, and never will; a worker that ends at once may start again.
    fault === 'permanent' ? createEngine({ ...chat, path: embedding.path }) : createEngine(chat, { python: '/bin/ls' }),
  timeoutMs: 300_000,
  // The scheduler and the worker meet 200 calls at once in the suites of the tiny transformer and of the engine echo.
  concurrent: 40,
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
        { prompt: say('Draw 👩‍👩‍👧 日本'), maxTokens: 20, logprobs: 0, choices: 2, sampling: { seed: 1 }, ignoreEnd: true },
        { prompt: { text: 'The sea is' }, maxTokens: 20, stop: ['e'], logprobs: 0, sampling: greedy },
        { prompt: { text: 'The sea is' }, maxTokens: 20, stop: ['e'], includeStop: true, echo: true, sampling: greedy },
        { prompt: { tokens: [504, 3998, 314] }, maxTokens: 3, choices: 2, echo: true },
        { prompt: { text: 'The sea is' }, maxTokens: 5, logprobs: 5, echo: true, choices: 2, sampling: { seed: 2 } },
        { prompt: { text: 'a' }, maxTokens: 4, sampling: { logitBias: { 253: 50 }, minP: 0.1 }, logprobs: 20 },
        { prompt: { text: 'Mary: ' }, maxTokens: 12, format: { type: 'regex', pattern: '[A-Z][a-z]{2,5}!' } },
        { prompt: say('Go'), maxTokens: 30, format: { type: 'json' }, logprobs: 0, reasoningEffort: 'none' },
        { prompt: { ...say('Call a tool.'), tools: [clock, weather] }, maxTokens: 20 },
        { prompt: { ...say('Hi'), tools: [clock], toolChoice: { mode: 'none' } }, maxTokens: 5 },
        { prompt: { ...say('When?'), tools: [clock, weather], toolChoice: { mode: 'required' } }, maxTokens: 50 },
        {
          prompt: {
            ...say('When?'),
            tools: [clock, weather],
            toolChoice: { mode: 'required', name: 'clock', parallel: false },
          },
          choices: 2,
          logprobs: 0,
          maxTokens: 60,
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
          what: 'a bias of a token that is not there',
          input: { prompt: { text: 'a' }, sampling: { logitBias: { 10000000: 1 } } },
          param: 'sampling.logitBias',
        },
        { what: 'the echo of a conversation', input: { prompt: say('a'), echo: true }, param: 'echo' },
        {
          what: 'a broken pattern',
          input: { prompt: { text: 'a' }, format: { type: 'regex', pattern: '(' } },
          param: 'format.pattern',
        },
        {
          what: 'a tool that is required and not there',
          input: { prompt: { ...say('a'), tools: [clock], toolChoice: { mode: 'required', name: 'weather' } } },
          param: 'prompt.toolChoice',
        },
        {
          what: 'a reasoning effort',
          input: { prompt: say('a'), reasoningEffort: 'low' },
          code: unsupported,
          param: 'reasoningEffort',
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
  // The long sample is a megabyte of tokens, half of the calls are long.
  concurrent: 40,
  samples: {
    embed: {
      quick: { items: [{ text: 'a' }, { text: 'The sea is a vast body of water.' }, { tokens: [7592] }] },
      long: { items: Array.from({ length: 1500 }, () => ({ tokens: Array<number>(254).fill(2712) })) },
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

describe('oneapi: its own ways', { timeout: 300_000 }, () => {
  let engine: Engine;
  // Ten blocks of 32 tokens: three stories of 100 tokens outgrow them together. Exact, so that texts can be compared.
  beforeAll(async () => {
    engine = createEngine(chat, { plan: { kvCacheBytes: 10 * 1_474_560 }, options: { exact: true } });
    await engine.start();
  }, 300_000);
  afterAll(() => engine.stop(), 300_000);

  const run = async (input: GenerateInput, signal = new AbortController().signal): Promise<GenerateEvent[]> => {
    const events: GenerateEvent[] = [];
    for await (const event of engine.generate!(input, { id: 'own', signal })) events.push(event);
    checkEvents('generate', input, events);
    return events;
  };
  const story = (number: number, more: Partial<GenerateInput> = {}): GenerateInput => ({
    prompt: say(`Tell me ${number} facts about the sea.`),
    maxTokens: 100,
    ignoreEnd: true,
    sampling: greedy,
    ...more,
  });

  it('calls that outgrow the cache together all finish, with the text they have alone', async () => {
    const numbers = [1, 2, 3, 4];
    const together = await Promise.all(numbers.map((number) => run(story(number))));
    expect(together.map(outputTokens)).toEqual([100, 100, 100, 100]);
    for (const number of numbers) expect(textOf(await run(story(number)))).toBe(textOf(together[number - 1]!));
  });

  it('a neighbour that goes away changes no text, and gives its blocks back', async () => {
    const alone = textOf(await run(story(5, { maxTokens: 40 })));
    const abort = new AbortController();
    const gone = [6, 7].map((number) =>
      engine.generate!(story(number), { id: `${number}`, signal: abort.signal })[Symbol.asyncIterator](),
    );
    const stays = run(story(5, { maxTokens: 40 }));
    for (const call of gone) {
      let event = await call.next();
      while (event.value?.type === 'start') event = await call.next();
      expect(event.value).toMatchObject({ type: 'text-delta' });
    }
    abort.abort();
    expect(textOf(await stays)).toBe(alone);
    for (const call of gone) await expect(call.next()).rejects.toSatisfy(CancelledError.isInstance);
    // All ten blocks but the rest of the last: room for this only where everything was given back.
    expect(outputTokens(await run(story(8, { maxTokens: 270 })))).toBe(270);
  });

  it('a prompt that the cache cannot hold is refused with the numbers', async () => {
    const refused = run({ prompt: { text: 'word '.repeat(400) } });
    await expect(refused).rejects.toMatchObject({
      code: 'XIM_CONTEXT_LENGTH_EXCEEDED',
      param: 'prompt',
      message: expect.stringMatching(/maximum context length is 320 tokens.*has 40\d input tokens/),
    });
    await expect(run(story(1, { maxTokens: 300 }))).rejects.toMatchObject({ param: 'maxTokens' });
  });

  it('a stop text cuts wherever it is, over the borders of tokens', async () => {
    const input = story(1, { maxTokens: 30 });
    const whole = textOf(await run(input));
    for (const stop of [whole.slice(1, 3), whole.slice(7, 18), whole.slice(-9)]) {
      const events = await run({ ...input, stop: [stop] });
      expect(textOf(events)).toBe(whole.slice(0, whole.indexOf(stop)));
      expect(events.at(-2)).toMatchObject({ type: 'choice-end', reason: 'stop' });
    }
  });

  it('the same seed gives the same text, alone and in company; another seed another', async () => {
    const seeded = async (seed: number) =>
      textOf(await run(story(9, { maxTokens: 20, sampling: { seed, temperature: 0.8 } })));
    const text = await seeded(1);
    const [again, other] = await Promise.all([seeded(1), seeded(2), run(story(3, { maxTokens: 30 }))]);
    expect(again).toBe(text);
    expect(other).not.toBe(text);
  });

  it('choices that are sampled differ from each other', async () => {
    const events = await run(story(9, { maxTokens: 20, choices: 2, sampling: { seed: 1 } }));
    expect(textOf(events, 1)).not.toBe(textOf(events, 0));
    expect(outputTokens(events)).toBe(40);
  });

  it('a file that was cut is a permanent start error, not a crash', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'xim-oneapi-'));
    try {
      const { path } = chat.entry.artifacts[chat.entry.profiles[0]!.artifact!]!.files[0]!;
      copyFileSync(join(chat.path, path), join(folder, path));
      truncateSync(join(folder, path), 50_000_000);
      const error: unknown = await createEngine({ ...chat, path: folder })
        .start()
        .catch((reason: unknown) => reason);
      expect(EngineStartError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ permanent: true, message: expect.stringContaining('has 50000000 bytes') });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function textOf(events: readonly GenerateEvent[], choice = 0): string {
  return events.map((event) => (event.type === 'text-delta' && event.choice === choice ? event.text : '')).join('');
}

function outputTokens(events: readonly GenerateEvent[]): number | undefined {
  const last = events.at(-1);
  return last?.type === 'end' ? last.usage.outputTokens : undefined;
}
