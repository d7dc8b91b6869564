import { AIMessage, HumanMessage, SystemMessage, type ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAI } from '@langchain/openai';
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

const optionsFor = ({ origin }: TestService) => ({
  model: 'gpt-4o-mini',
  apiKey: 'none',
  maxRetries: 0,
  configuration: { baseURL: `${origin}/v1` },
});
const chatOf = (service: TestService) => new ChatOpenAI(optionsFor(service));
const weather = tool(({ city }) => `sunny in ${city}`, {
  name: 'weather',
  description: 'The weather of a city',
  schema: z.object({ city: z.string() }),
});

describe('@langchain/openai', () => {
  it('invokes', async () => {
    const answer = await chatOf(echo).invoke([new SystemMessage('Be brief.'), new HumanMessage('Guten Tag 🙂')]);
    expect(answer.content).toBe('Guten Tag 🙂');
    expect(answer.response_metadata).toMatchObject({ finish_reason: 'stop' });
    expect(answer.usage_metadata).toMatchObject({ output_tokens: 15 });
  });

  it('streams, with the usage at the end', async () => {
    let joined = '';
    let tokens: number | undefined;
    for await (const chunk of await chatOf(echo).stream('one two three')) {
      joined += chunk.content as string;
      tokens = chunk.usage_metadata?.output_tokens ?? tokens;
    }
    expect([joined, tokens]).toEqual(['one two three', 4]);
  });

  it('binds tools, and goes on with their results', async () => {
    const model = chatOf(calling).bindTools([weather]);
    const question = new HumanMessage('Rome');
    const call = await model.invoke([question]);
    expect(call.tool_calls).toMatchObject([{ name: 'weather', args: { city: 'Rome' } }]);
    const result = (await weather.invoke(call.tool_calls![0]!)) as ToolMessage;
    const answer = await model.invoke([question, call, result]);
    expect(answer.content).toBe('It is sunny in Rome.');
  });

  it('streams the calls of tools', async () => {
    let joined: Awaited<ReturnType<ChatOpenAI['invoke']>> | undefined;
    const model = chatOf(echo).bindTools([weather], { tool_choice: 'weather' });
    for await (const chunk of await model.stream('Rome')) joined = joined === undefined ? chunk : joined.concat(chunk);
    expect(joined).toBeInstanceOf(AIMessage);
    expect(joined!.tool_calls).toMatchObject([{ name: 'weather', args: { city: 'Rome' } }]);
  });

  it.each(['jsonSchema', 'functionCalling', 'jsonMode'] as const)('has structured output by %s', async (method) => {
    const schema = z.object({ city: z.string(), big: z.boolean() });
    const model = chatOf(echo).withStructuredOutput(method === 'jsonMode' ? z.object({}) : schema, { method });
    expect(await model.invoke('Rome')).toEqual(method === 'jsonMode' ? {} : { city: 'Rome', big: true });
  });

  it('continues texts, several at once', async () => {
    // By a name that the client does not know as a chat model's.
    const model = new OpenAI({ ...optionsFor(echo), model: 'xim/echo-generate', maxTokens: 9 });
    expect(await model.invoke('one two')).toBe('one two');
    const { generations } = await model.generate(['one', 'two']);
    expect(generations.map(([first]) => first!.text)).toEqual(['one', 'two']);
  });
});
