import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
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

const model = 'gpt-4o-mini';
const messages = [{ role: 'user' as const, content: 'Köln' }];
const City = z.object({ city: z.string(), people: z.number().int(), kind: z.enum(['big', 'small']) });
const parsed = { city: 'Köln', people: 1, kind: 'big' };

describe('the openai package for Node', () => {
  it('parses what a Zod schema describes', async () => {
    const response_format = zodResponseFormat(City, 'city');
    const answer = await echo.client.chat.completions.parse({ model, messages, response_format });
    expect(answer.choices[0]!.message.parsed).toEqual(parsed);
  });

  it('parses it from a stream too', async () => {
    const response_format = zodResponseFormat(City, 'city');
    const stream = echo.client.chat.completions.stream({ model, messages, response_format });
    const deltas: string[] = [];
    stream.on('content.delta', ({ delta }) => deltas.push(delta));
    const answer = await stream.finalChatCompletion();
    expect(answer.choices[0]!.message.parsed).toEqual(parsed);
    expect(JSON.parse(deltas.join(''))).toEqual(parsed);
  });

  it('parses the arguments of a required tool, and joins those of a stream', async () => {
    const tools = [zodFunction({ name: 'look_up', parameters: City })];
    const request = { model, messages, tools, tool_choice: 'required' as const };
    const answer = await echo.client.chat.completions.parse(request);
    expect(answer.choices[0]!.message.tool_calls![0]!.function.parsed_arguments).toEqual(parsed);

    const stream = echo.client.chat.completions.stream(request);
    const ended: unknown[] = [];
    stream.on('tool_calls.function.arguments.done', (call) =>
      ended.push([call.index, call.name, call.parsed_arguments]),
    );
    await stream.finalChatCompletion();
    expect(ended).toEqual([[0, 'look_up', parsed]]);
  });

  it.each([false, true])('runs tools to the end (stream: %s)', async (stream) => {
    const asked: unknown[] = [];
    const tools = [
      {
        type: 'function' as const,
        function: {
          name: 'weather',
          description: 'The weather of a city',
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
          parse: JSON.parse as (text: string) => { city: string },
          function: ({ city }: { city: string }) => {
            asked.push(city);
            return 'sunny';
          },
        },
      },
    ];
    const { completions } = calling.client.chat;
    const runner = stream
      ? completions.runTools({ model, messages, tools, stream: true })
      : completions.runTools({ model, messages, tools });
    expect(await runner.finalContent()).toBe('It is sunny.');
    expect(asked).toEqual(['Köln']);
    const roles = runner.messages.map(({ role }) => role);
    expect(roles).toEqual(['user', 'assistant', 'tool', 'assistant']);
  });

  it('reads several choices of a stream with their probabilities', async () => {
    const stream = echo.client.chat.completions.stream({ model, messages, n: 2, logprobs: true, top_logprobs: 2 });
    const { choices } = await stream.finalChatCompletion();
    expect(choices.map(({ message }) => message.content)).toEqual(['Köln', 'Köln']);
    for (const { logprobs } of choices) {
      const bytes = logprobs!.content!.flatMap((entry) => entry.bytes!);
      expect(Buffer.from(bytes).toString('utf8')).toBe('Köln');
    }
  });
});
