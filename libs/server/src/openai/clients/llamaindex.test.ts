import { tool } from '@llamaindex/core/tools';
import { OpenAI } from '@llamaindex/openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startChat, type TestService } from '../../__fixtures__/test-service.ts';

let echo: TestService;
beforeAll(async () => {
  echo = await startChat();
});
afterAll(() => echo.close());

const modelOf = ({ origin }: TestService, more: object = {}) =>
  new OpenAI({ model: 'gpt-4o-mini', apiKey: 'none', baseURL: `${origin}/v1`, maxRetries: 0, ...more });
const messages = [{ role: 'user' as const, content: 'Rome 🙂' }];
const weather = tool({
  name: 'weather',
  description: 'The weather of a city',
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => `sunny in ${city}`,
});

describe('LlamaIndex', () => {
  it('chats, and completes', async () => {
    const model = modelOf(echo);
    expect((await model.chat({ messages })).message.content).toBe('Rome 🙂');
    expect((await model.complete({ prompt: 'one two' })).text).toBe('one two');
  });

  it('streams', async () => {
    let joined = '';
    for await (const { delta } of await modelOf(echo).chat({ messages, stream: true })) joined += delta;
    expect(joined).toBe('Rome 🙂');
  });

  it('calls tools, streamed and not', async () => {
    const model = modelOf(echo, { additionalChatOptions: { tool_choice: 'required' } });
    const whole = await model.chat({ messages, tools: [weather] });
    expect(whole.message.options).toMatchObject({ toolCall: [{ name: 'weather', input: '{"city": "Rome 🙂"}' }] });
    let last: object | undefined;
    for await (const { options } of await model.chat({ messages, tools: [weather], stream: true }))
      last = options ?? last;
    expect(last).toMatchObject({ toolCall: [{ name: 'weather', input: { city: 'Rome 🙂' } }] });
  });

  it('has structured output', async () => {
    const responseFormat = z.object({ city: z.string() });
    const { message } = await modelOf(echo).chat({ messages, responseFormat });
    expect(JSON.parse(message.content as string)).toEqual({ city: 'Rome 🙂' });
  });
});
