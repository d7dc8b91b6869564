import { CreateChatCompletionResponse, ErrorResponse } from '@effect/ai-openai/Generated';
import { type GenerateEvent, type GenerateInput, InvalidInputError } from '@xim/engine';
import { ChatCompletion, ChatCompletionChunk } from '@xim/openai-schema';
import { Schema } from 'effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { framesOf, startChat, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

// The engine calls a tool where the choice requires one, with the message as every text; and says again what is a call.
let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

const path = '/v1/chat/completions';
const base = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Nürnberg' }] };
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    strict: true,
  },
};
const time = { type: 'function', function: { name: 'read-time' } };
const tools = [weather, time];
const named = (name: string) => ({ type: 'function', function: { name } });
const allowed = (mode: string, ...names: string[]) => ({
  type: 'allowed_tools',
  allowed_tools: { mode, tools: names.map(named) },
});

/** A message that calls both tools, as the model writes it. */
const calls = [
  ['get_weather', '{"city": "Nürnberg"}'],
  ['read-time', '{}'],
].map(([name, json]) => `<tool_call>\n{"name": "${name}", "arguments": ${json}}\n</tool_call>`);
const both = { messages: [{ role: 'user', content: calls.join('\n') }] };

async function answerOf(fields: object, from = service): Promise<ChatCompletion> {
  const response = await from.post(path, { ...base, ...fields });
  const body: unknown = await response.json();
  expect([response.status, body]).toEqual([200, body]);
  Schema.decodeUnknownSync(CreateChatCompletionResponse)(body);
  return ChatCompletion.parse(body);
}
const namesOf = ({ choices }: ChatCompletion) => choices[0]!.message.tool_calls?.map((call) => call.function.name);

async function refusalOf(fields: object, from = service) {
  const response = await from.post(path, { ...base, ...fields });
  const body: unknown = await response.json();
  return { status: response.status, ...Schema.decodeUnknownSync(ErrorResponse)(body).error };
}

describe('a call', () => {
  it('has an id of its own, arguments as JSON, and no text beside it', async () => {
    const { choices, usage } = await answerOf({ ...both, tools, tool_choice: 'required' });
    expect(choices[0]).toEqual({
      index: 0,
      message: {
        role: 'assistant',
        content: null,
        refusal: null,
        tool_calls: [
          {
            id: expect.any(String) as string,
            type: 'function',
            function: { name: 'get_weather', arguments: '{"city": "Nürnberg"}' },
          },
          { id: expect.any(String) as string, type: 'function', function: { name: 'read-time', arguments: '{}' } },
        ],
      },
      logprobs: null,
      finish_reason: 'tool_calls',
    });
    const [one, two] = choices[0]!.message.tool_calls!;
    expect(one!.id).not.toBe(two!.id);
    expect(usage.completion_tokens).toBeGreaterThan(0);
  });

  it('streams in order: id, type and name first and once, then pieces of the arguments', async () => {
    const response = await service.post(path, { ...base, ...both, tools, tool_choice: 'required', stream: true });
    const frames = framesOf(await response.text()).filter((frame) => frame !== '[DONE]');
    const choices = frames.map((frame) => ChatCompletionChunk.parse(JSON.parse(frame)).choices[0]!);
    expect(choices[0]!.delta.role).toBe('assistant');
    expect(choices.at(-1)).toMatchObject({ delta: {}, finish_reason: 'tool_calls' });
    const deltas = choices.flatMap(({ delta }) => delta.tool_calls ?? []);
    expect(deltas.map(({ index }) => index)).toEqual(deltas.map(({ index }) => index).toSorted());
    for (const [index, name, json] of [
      [0, 'get_weather', '{"city": "Nürnberg"}'],
      [1, 'read-time', '{}'],
    ] as const) {
      const [first, ...rest] = deltas.filter((delta) => delta.index === index);
      expect(first).toEqual({
        index,
        id: expect.any(String) as string,
        type: 'function',
        function: { name, arguments: '' },
      });
      for (const delta of rest) expect(Object.keys(delta).sort()).toEqual(['function', 'index']);
      expect(rest.map((delta) => delta.function.arguments).join('')).toBe(json);
    }
    expect(choices.every(({ delta }) => !delta.content)).toBe(true);
  });

  it('with arguments that are not JSON breaks neither answer nor stream', async () => {
    const events: GenerateEvent[] = [
      { type: 'start', inputTokens: 1 },
      { type: 'text-delta', choice: 0, text: 'Let me see.', tokens: 3 },
      { type: 'tool-call', choice: 0, call: 0, id: 'call_1', name: 'get_weather' },
      { type: 'tool-call-delta', choice: 0, call: 0, arguments: '{"city": \u2028' },
      { type: 'choice-end', choice: 0, reason: 'tool-calls' },
      { type: 'end', usage: { inputTokens: 1, outputTokens: 5 } },
    ];
    const broken = await startScripted(async function* () {
      yield* events;
    });
    const { message, finish_reason } = (await answerOf({ tools }, broken)).choices[0]!;
    expect([message.content, finish_reason]).toEqual(['Let me see.', 'tool_calls']);
    expect(message.tool_calls![0]!.function.arguments).toBe('{"city": \u2028');
    const response = await broken.post(path, { ...base, tools, stream: true });
    expect(framesOf(await response.text()).at(-1)).toBe('[DONE]');
    await broken.close();
  });
});

describe('the choice', () => {
  it.each<[string, object, string[] | undefined]>([
    ['none', { tool_choice: 'none' }, undefined],
    ['auto', { tool_choice: 'auto' }, undefined],
    ['left open', {}, undefined],
    ['null', { tool_choice: null }, undefined],
    ['required', { tool_choice: 'required' }, ['get_weather']],
    ['required, of a model that calls both', { ...both, tool_choice: 'required' }, ['get_weather', 'read-time']],
    ['left to a model that calls both', both, ['get_weather', 'read-time']],
    ['one at most', { ...both, parallel_tool_calls: false }, ['get_weather']],
    ['required, one at most', { ...both, tool_choice: 'required', parallel_tool_calls: false }, ['get_weather']],
    ['named', { tool_choice: named('read-time') }, ['read-time']],
    ['of those allowed', { tool_choice: allowed('required', 'read-time') }, ['read-time']],
    ['of those allowed, or none', { tool_choice: allowed('auto', 'read-time') }, undefined],
  ])('%s', async (_, fields, names) => {
    const answer = await answerOf({ tools, ...fields });
    expect(namesOf(answer)).toEqual(names);
    expect(answer.choices[0]!.finish_reason).toBe(names ? 'tool_calls' : 'stop');
    expect(answer.choices[0]!.message.content).toBe(names ? null : 'Nürnberg');
  });

  it.each<[string, object, object]>([
    ['left open', {}, { mode: 'auto', parallel: true }],
    ['none', { tool_choice: 'none' }, { mode: 'none', parallel: true }],
    ['one at most', { parallel_tool_calls: false }, { mode: 'auto', parallel: false }],
    ['named', { tool_choice: named('get_weather') }, { mode: 'required', name: 'get_weather', parallel: true }],
  ])('reaches the engine, with the tools as they are: %s', async (_, fields, toolChoice) => {
    const prompts: GenerateInput['prompt'][] = [];
    const scripted = await startScripted(async function* ({ prompt }) {
      prompts.push(prompt);
      yield { type: 'start', inputTokens: 1 };
      yield { type: 'choice-end', choice: 0, reason: 'stop' };
      yield { type: 'end', usage: { inputTokens: 1, outputTokens: 0 } };
    });
    await answerOf({ tools: [weather], ...fields }, scripted);
    await scripted.close();
    expect(prompts).toEqual([
      { messages: [{ role: 'user', content: 'Nürnberg' }], tools: [weather.function], toolChoice },
    ]);
  });
});

describe('what is wrong is a 400 that names the field', () => {
  it.each<[string, object]>([
    ['tool_choice', { tool_choice: 'required' }],
    ['tool_choice', { tool_choice: 'required', tools: [] }],
    ['tool_choice', { tool_choice: named('get_weather') }],
    ['tool_choice.function.name', { tool_choice: 'maybe', tools }],
    ['tool_choice.function.name', { tool_choice: named('get_rich'), tools }],
    ['tool_choice.allowed_tools.tools.1', { tool_choice: allowed('auto', 'read-time', 'get_rich'), tools }],
    ['tool_choice.allowed_tools.mode', { tool_choice: allowed('perhaps', 'read-time'), tools }],
    ['tools.2', { tools: [...tools, weather] }],
    ['tools', { tools: Array.from({ length: 129 }, (_, i) => named(`f${i}`)) }],
    ['tools.0.type', { tools: [{ type: 'magic' }] }],
    ['tools.0.function', { tools: [{ type: 'function' }] }],
    ['tools.0.function.name', { tools: [named('get weather')] }],
    ['tools.0.function.name', { tools: [named('')] }],
    ['tools.0.function.name', { tools: [named('x'.repeat(65))] }],
    ['tools.0.function.parameters', { tools: [{ type: 'function', function: { name: 'f', parameters: 'none' } }] }],
    ['parallel_tool_calls', { tools, parallel_tool_calls: 'yes' }],
  ])('%s: %j', async (param, fields) => {
    expect(await refusalOf(fields)).toMatchObject({ status: 400, param, code: 'invalid_value' });
  });

  it('also what the engine finds in a tool', async () => {
    const picky = await startScripted(async function* () {
      throw new InvalidInputError('No.', { param: 'prompt.tools.1.parameters.properties.a.not' });
    });
    const refusal = await refusalOf({ tools }, picky);
    await picky.close();
    expect(refusal).toMatchObject({ status: 400, param: 'tools.1.function.parameters.properties.a.not' });
  });
});

describe('a conversation with calls', () => {
  it('takes what was answered, and the results, and goes on', async () => {
    const first = await answerOf({ tools, tool_choice: named('get_weather') });
    const { message } = first.choices[0]!;
    const messages = [
      ...base.messages,
      message,
      { role: 'tool', tool_call_id: message.tool_calls![0]!.id, content: [{ type: 'text', text: 'sunny' }] },
    ];
    expect((await answerOf({ tools, messages })).choices[0]!.message.content).toBe('sunny');
  });
});
