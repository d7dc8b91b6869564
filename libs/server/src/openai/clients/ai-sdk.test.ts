import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateObject, generateText, stepCountIs, streamObject, streamText, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callsItsTools } from '../../__fixtures__/calling-engine.ts';
import { startChat, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

let echo: TestService;
let calling: TestService;
beforeAll(async () => {
  [echo, calling] = await Promise.all([startChat(), startScripted(callsItsTools)]);
});
afterAll(() => Promise.all([echo.close(), calling.close()]));

const providerOf = ({ origin }: TestService) =>
  createOpenAICompatible({
    name: 'xim',
    baseURL: `${origin}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
const modelOf = (service: TestService) => providerOf(service)('gpt-4o-mini');
const weather = tool({
  description: 'The weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});
const schema = z.object({ city: z.string(), people: z.number(), big: z.boolean() });
const object = { city: 'Rome', people: 1, big: true };

describe('the AI SDK', () => {
  it('generates text', async () => {
    const { text, usage, finishReason } = await generateText({ model: modelOf(echo), prompt: 'one two three' });
    expect([text, finishReason, usage.outputTokens]).toEqual(['one two three', 'stop', 4]);
  });

  it('streams text, reasoning apart, with the usage', async () => {
    const result = streamText({ model: modelOf(echo), prompt: '<think>well now</think>one two' });
    let joined = '';
    for await (const part of result.textStream) joined += part;
    expect([joined, await result.reasoningText, (await result.usage).outputTokens]).toEqual([
      'one two',
      'well now',
      20,
    ]);
  });

  it('generates objects, at once and piece by piece', async () => {
    const request = { model: modelOf(echo), schema, prompt: 'Rome' };
    expect((await generateObject(request)).object).toEqual(object);
    const result = streamObject(request);
    let last: unknown;
    for await (const partial of result.partialObjectStream) last = partial;
    expect([last, await result.object]).toEqual([object, object]);
  });

  it('uses tools until it has an answer', async () => {
    const request = { model: modelOf(calling), prompt: 'Rome', tools: { weather }, stopWhen: stepCountIs(3) };
    const { text, steps } = await generateText(request);
    expect([text, steps.length]).toEqual(['It is sunny in Rome.', 2]);
    expect(await streamText(request).text).toBe('It is sunny in Rome.');
  });

  it('requires a tool', async () => {
    const { toolCalls, finishReason } = await generateText({
      model: modelOf(echo),
      prompt: 'Rome',
      tools: { weather },
      toolChoice: 'required',
    });
    expect(toolCalls).toMatchObject([{ toolName: 'weather', input: { city: 'Rome' } }]);
    expect(finishReason).toBe('tool-calls');
  });

  it('continues a text', async () => {
    const model = providerOf(echo).completionModel('gpt-4o-mini');
    const { text } = await generateText({ model, prompt: 'one two' });
    expect(text).toContain('one two');
    const streamed = streamText({ model, prompt: 'one two' });
    expect(await streamed.text).toBe(text);
  });
});
