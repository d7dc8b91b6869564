import type { Engine, GenerateEvent, GenerateInput, Message, Prompt, Tool } from '@xim/engine';
import { checkEvents } from '@xim/engine/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, modelOf } from './__fixtures__/engines.ts';
import { hermes } from './__fixtures__/templates.ts';

const chat = modelOf('chat');
const greedy = { temperature: 0 };
const clock: Tool = {
  name: 'clock',
  parameters: {
    type: 'object',
    properties: { hour: { type: 'integer', minimum: 0, maximum: 23 } },
    required: ['hour'],
    additionalProperties: false,
  },
};
const question: Message = { role: 'user', content: 'What time is it?' };
const turns: readonly Message[] = [
  { role: 'developer', content: 'Be brief.' },
  question,
  {
    role: 'assistant',
    content: null,
    toolCalls: [{ id: 'call_1', name: 'clock', arguments: '{"hour": 7}' }],
  },
  { role: 'tool', content: 'seven', toolCallId: 'call_1' },
];

/** A started engine for a group of tests, and a call of it whose events are checked. */
function useEngine(options: object) {
  const engine: Engine = createEngine(chat, { options: { exact: true, ...options } });
  beforeAll(() => engine.start(), 300_000);
  afterAll(() => engine.stop(), 300_000);
  const call = () => ({ id: 'chat', signal: new AbortController().signal });
  return {
    async run(input: GenerateInput): Promise<GenerateEvent[]> {
      const events: GenerateEvent[] = [];
      for await (const event of engine.generate!(input, call())) events.push(event);
      checkEvents('generate', input, events);
      return events;
    },
    tokenize: (prompt: Prompt) => engine.tokenize!({ prompt }, call()),
  };
}

describe('oneapi: a template without tools', { timeout: 300_000 }, () => {
  const { run, tokenize } = useEngine({});

  it('writes calls and their results in words', async () => {
    const { text, tokens } = await tokenize({ messages: turns, tools: [clock] });
    expect(text).toMatch(/<\|im_start\|>system\nBe brief\.\n\nYou can call functions\./);
    expect(text).toContain('"name": "clock"');
    expect(text).toContain('<tool_call>\n{"name": "clock", "arguments": {"hour": 7}}\n</tool_call><|im_end|>');
    expect(text).toContain('<|im_start|>user\n<tool_response>\nseven\n</tool_response><|im_end|>');
    expect(tokens.map((token) => token.text).join('')).toBe(text);
    const [start] = await run({ prompt: { messages: turns, tools: [clock] }, maxTokens: 4, sampling: greedy });
    expect(start).toMatchObject({ inputTokens: tokens.length });
  });

  it('a tool that is required is called, by grammar', async () => {
    const prompt = { messages: [question], tools: [clock], toolChoice: { mode: 'required', name: 'clock' } } as const;
    const events = await run({ prompt, choices: 2, maxTokens: 80, sampling: { seed: 3, temperature: 1.5 } });
    for (const choice of [0, 1]) {
      const text = events.map((e) => (e.type === 'tool-call-delta' && e.choice === choice ? e.arguments : '')).join('');
      const { hour } = JSON.parse(text) as { hour: number };
      expect([...Array(24).keys()]).toContain(hour);
    }
    const ids = events.flatMap((event) => (event.type === 'tool-call' ? [event.id] : []));
    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toMatch(/^call_\w{24}$/);
    expect(textOf(events)).toBe('');
    expect(events.filter((event) => event.type === 'choice-end').map((event) => event.reason)).toEqual(
      Array(2).fill('tool-calls'),
    );
  });

  it('the choice `none` hides the tools', async () => {
    const hidden = await tokenize({ messages: [question], tools: [clock], toolChoice: { mode: 'none' } });
    expect(hidden.text).toBe((await tokenize({ messages: [question] })).text);
  });

  it('what a format describes comes out, and ends by itself', async () => {
    const schema = {
      type: 'object',
      properties: { ok: { type: 'boolean' } },
      required: ['ok'],
      additionalProperties: false,
    };
    const events = await run({
      prompt: { messages: [question] },
      format: { type: 'json-schema', schema },
      maxTokens: 40,
      sampling: { seed: 1, temperature: 2 },
    });
    expect(JSON.parse(textOf(events))).toEqual({ ok: expect.any(Boolean) });
    expect(events.at(-2)).toMatchObject({ type: 'choice-end', reason: 'stop' });
  });

  it('probabilities are those of the model, whatever the sampling', async () => {
    const input = { prompt: { text: 'The capital of France is' }, maxTokens: 1, logprobs: 0 } as const;
    const entry = (events: GenerateEvent[]) =>
      events.flatMap((e) => (e.type === 'text-delta' ? (e.logprobs ?? []) : []))[0];
    const plain = entry(await run({ ...input, sampling: greedy }));
    expect(plain!.logprob).toBeLessThan(0);
    for (const sampling of [{ temperature: 0.01 }, { topK: 1 }, { ...greedy, repetitionPenalty: 1.01 }]) {
      const { id, logprob } = entry(await run({ ...input, sampling }))!;
      expect(id).toBe(plain!.id);
      // Keys and values come from the cache in 8 bits, so not to the last digit.
      expect(logprob).toBeCloseTo(plain!.logprob!, 2);
    }
    expect(Buffer.from(plain!.bytes).toString()).toBe(plain!.token);
  });

  it('a prompt is echoed, and its stop text kept where asked for', async () => {
    const prompt = { text: 'The sea is' };
    const whole = textOf(await run({ prompt, maxTokens: 12, sampling: greedy }));
    const stop = whole.slice(5, 8);
    const events = await run({ prompt, maxTokens: 12, stop: [stop], includeStop: true, echo: true, sampling: greedy });
    expect(textOf(events)).toBe(prompt.text + whole.slice(0, whole.indexOf(stop) + stop.length));
    expect(events.at(-2)).toMatchObject({ reason: 'stop', stop });
    const { tokens } = await tokenize(prompt);
    const again = await run({ prompt: { tokens: tokens.map((token) => token.id) }, maxTokens: 1, echo: true });
    expect(textOf(again).startsWith(prompt.text)).toBe(true);
  });

  it('says how much of a prompt was in the cache', async () => {
    const { tokens } = await tokenize({ text: 'one two three four five six seven eight nine ten '.repeat(8) });
    const prompt = { tokens: tokens.slice(0, 70).map((token) => token.id) };
    const cached = async (input: GenerateInput) => {
      const events = await run(input);
      const end = events.at(-1) as { usage?: { cachedTokens?: number } };
      return end.usage!.cachedTokens;
    };
    expect(await cached({ prompt, maxTokens: 3, ignoreEnd: true })).toBe(0);
    expect(await cached({ prompt, maxTokens: 3, ignoreEnd: true, choices: 2 })).toBe(64);
  });
});

describe('oneapi: a template with tools and thoughts', { timeout: 300_000 }, () => {
  const { run, tokenize } = useEngine({ chatTemplate: hermes, prefixCache: false });

  it('gets tools, calls and results as they are', async () => {
    const { text } = await tokenize({ messages: turns, tools: [clock] });
    const described = { type: 'function', function: { description: '', ...clock } };
    expect(JSON.parse(/<tools>\n(.*)\n<\/tools>/.exec(text)![1]!)).toEqual(described);
    expect(text).toContain('<tool_call>\n{"name": "clock", "arguments": {"hour": 7}}\n</tool_call>');
    expect(text).toContain('<tool_response>\nseven\n</tool_response>');
    expect(text).not.toContain('You can call functions');
  });

  it('what it raises refuses the call', async () => {
    const refused = run({ prompt: { messages: [{ role: 'user', content: 'raise' }] } });
    await expect(refused).rejects.toMatchObject({
      code: 'XIM_INVALID_INPUT',
      param: 'prompt.messages',
      message: expect.stringMatching(/refuses this conversation: No such thing here$/),
    });
  });

  it('an effort makes it think, `none` and a format do not', async () => {
    const input: GenerateInput = { prompt: { messages: [question] }, maxTokens: 12, ignoreEnd: true, sampling: greedy };
    const thinking = await run({ ...input, reasoningEffort: 'high' });
    expect(kindsOf(thinking)).toEqual(['reasoning-delta']);
    expect(thinking.at(-1)).toMatchObject({ usage: { outputTokens: 12, reasoningTokens: 12 } });
    const brisk = await run({ ...input, reasoningEffort: 'none' });
    expect(kindsOf(brisk)).toEqual(['text-delta']);
    expect(brisk.at(-1)).toMatchObject({ usage: { reasoningTokens: 0 } });
    const format = { type: 'regex', pattern: '[a-z]{3}' } as const;
    const shaped = await run({ ...input, ignoreEnd: false, reasoningEffort: 'high', format });
    expect(textOf(shaped)).toMatch(/^[a-z]{3}$/);
  });

  it('an echo has its probabilities, whatever is in the cache', async () => {
    const prompt = { text: 'The sea is a vast body of water. '.repeat(20) };
    const count = (await tokenize(prompt)).tokens.length;
    for (let round = 0; round < 2; round++) {
      const events = await run({ prompt, echo: true, logprobs: 0, maxTokens: 2, sampling: greedy });
      const entries = events.flatMap((event) => (event.type === 'text-delta' ? (event.logprobs ?? []) : []));
      expect(entries.length).toBe(count + 2);
      expect(entries.map((entry) => entry.logprob === null)).toEqual(entries.map((_, number) => number === 0));
    }
  });
});

function textOf(events: readonly GenerateEvent[], choice = 0): string {
  return events.map((event) => (event.type === 'text-delta' && event.choice === choice ? event.text : '')).join('');
}

function kindsOf(events: readonly GenerateEvent[]): string[] {
  return [...new Set(events.map((event) => event.type).filter((type) => type.endsWith('-delta')))];
}
