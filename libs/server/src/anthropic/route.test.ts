import { EngineDeadError, type GenerateEvent, type GenerateInput, type TokenizeInput } from '@xim/engine';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startChat, startScriptedTasks, type TestService } from '../__fixtures__/test-service.ts';
import { CountTokensAnswer, MessageAnswer, MessageError, MessageEvent } from './answer-schema.ts';

let input: GenerateInput | TokenizeInput | undefined;
let script: readonly GenerateEvent[] = [];
let failure: Error | undefined;
let service: TestService;
let echo: TestService;

const start: GenerateEvent = { type: 'start', inputTokens: 3, cachedTokens: 1 };
const text = (part: string): GenerateEvent => ({ type: 'text-delta', choice: 0, text: part, tokens: 1 });
const thought = (part: string): GenerateEvent => ({ type: 'reasoning-delta', choice: 0, text: part, tokens: 1 });
const call = (index: number, ...json: string[]): GenerateEvent[] => [
  { type: 'tool-call', choice: 0, call: index, id: `call_${index}`, name: 'f' },
  ...json.map((part) => ({ type: 'tool-call-delta', choice: 0, call: index, arguments: part }) as const),
];
const ends = (reason: 'stop' | 'length' | 'tool-calls' = 'stop', stop?: string): GenerateEvent[] => [
  { type: 'choice-end', choice: 0, reason, ...(stop !== undefined && { stop }) },
  { type: 'end', usage: { inputTokens: 3, outputTokens: 5, cachedTokens: 1 } },
];

beforeAll(async () => {
  [service, echo] = await Promise.all([
    startScriptedTasks({
      async *generate(asked) {
        input = asked;
        yield* script;
        if (failure) throw failure;
      },
      async tokenize(asked) {
        input = asked;
        return { text: 'ab', tokens: ['a', 'b'].map((one, id) => ({ id, text: one, start: id, end: id + 1 })) };
      },
    }),
    startChat({ XIM_API_KEYS: 'sesame' }),
  ]);
});
afterAll(() => Promise.all([service.close(), echo.close()]));
beforeEach(() => {
  input = undefined;
  failure = undefined;
  script = [start, text('Hi'), text(' you'), ...ends()];
});

const base = { max_tokens: 10, messages: [{ role: 'user', content: 'a' }] };
const ask = (fields: object = {}) => service.post('/v1/messages', { ...base, ...fields });
async function answer(fields: object = {}) {
  const reply = await ask(fields);
  const body = await reply.text();
  expect(reply.status, body).toBe(200);
  return MessageAnswer.parse(JSON.parse(body));
}
async function refused(fields: object) {
  const reply = await ask(fields);
  const { error } = MessageError.parse(await reply.json());
  return { status: reply.status, ...error };
}

/** The data of a stream's frames, each with the name of its event. */
async function frames(fields: object = {}): Promise<unknown[]> {
  const body = await (await ask({ ...fields, stream: true })).text();
  return body
    .split('\n\n')
    .slice(0, -1)
    .map((frame) => {
      const [, name, data] = /^event: (\S+)\ndata: (.+)$/.exec(frame)!;
      const event = JSON.parse(data!) as { type: string };
      expect(event.type).toBe(name);
      return event;
    });
}

describe('the request', () => {
  it('is read as turns, with results of tools as their own', async () => {
    await answer({
      system: [
        { type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } },
        { type: 'text', text: 'Be kind.' },
      ],
      messages: [
        { role: 'user', content: 'a' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: '' },
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 'c1', name: 'f', input: { x: 1 } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: 'no' }], is_error: true },
            { type: 'text', text: 'b' },
          ],
        },
      ],
    });
    expect(input?.prompt).toEqual({
      messages: [
        { role: 'system', content: 'Be brief.\nBe kind.' },
        { role: 'user', content: 'a' },
        {
          role: 'assistant',
          content: 'I look.',
          reasoning: 'hm',
          toolCalls: [{ id: 'c1', name: 'f', arguments: '{"x":1}' }],
        },
        { role: 'tool', content: 'Error: no', toolCallId: 'c1' },
        { role: 'user', content: 'b' },
      ],
    });
  });

  it('goes on with the words of an assistant that come last', async () => {
    await answer({ messages: [...base.messages, { role: 'assistant', content: 'The' }] });
    expect(input?.prompt).toMatchObject({ continueLast: true });
  });

  it('carries tools, limits, sampling, a shape and effort', async () => {
    const schema = { type: 'object' };
    await answer({
      tools: [{ name: 'f', description: 'x', input_schema: schema }],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      ...{ stop_sequences: ['x'], temperature: 0, top_p: 0.5, top_k: 3 },
      output_config: { effort: 'low', format: { type: 'json_schema', schema } },
    });
    expect(input).toMatchObject({
      prompt: {
        tools: [{ name: 'f', description: 'x', parameters: schema }],
        toolChoice: { mode: 'required', parallel: false },
      },
      maxTokens: 10,
      stop: ['x'],
      sampling: { temperature: 0, topP: 0.5, topK: 3 },
      format: { type: 'json-schema', schema },
      reasoningEffort: 'low',
    });
    await answer({ tools: [{ name: 'f' }], tool_choice: { type: 'tool', name: 'f' }, thinking: { type: 'disabled' } });
    expect(input).toMatchObject({
      prompt: { toolChoice: { mode: 'required', name: 'f', parallel: true } },
      reasoningEffort: 'none',
    });
  });

  const user = (...content: object[]) => ({ messages: [{ role: 'user', content }] });
  it.each<[string, object]>([
    ['max_tokens', { max_tokens: undefined }],
    ['temperature', { temperature: 1.5 }],
    ['messages.0.content.0.type', user({ type: 'image', source: {} })],
    ['messages.0.content.0.type', user({ type: 'tool_use', id: 'c', name: 'f', input: {} })],
    [
      'messages.0.content.0.content.0.type',
      user({ type: 'tool_result', tool_use_id: 'c', content: [{ type: 'image' }] }),
    ],
    ['messages.0.role', { messages: [{ role: 'system', content: 'x' }] }],
    ['thinking.budget_tokens', { thinking: { type: 'enabled', budget_tokens: 1024 } }],
    ['tools.0.type', { tools: [{ type: 'bash_20250124', name: 'bash' }] }],
    ['tools.1', { tools: [{ name: 'f' }, { name: 'f' }] }],
    ['tool_choice.name', { tools: [{ name: 'f' }], tool_choice: { type: 'tool', name: 'g' } }],
    ['mcp_servers', { mcp_servers: [{ type: 'url' }] }],
    ['container', { container: 'x' }],
  ])('is a 400 that names %s', async (param, fields) => {
    const { status, type, message } = await refused(fields);
    expect({ status, type }).toEqual({ status: 400, type: 'invalid_request_error' });
    expect(message).toContain(param);
    expect(input).toBeUndefined();
  });

  it('may ask for its tokens alone', async () => {
    const reply = await service.post('/v1/messages/count_tokens', { messages: base.messages, system: 's' });
    expect(CountTokensAnswer.parse(await reply.json())).toEqual({ input_tokens: 2 });
    expect(input?.prompt).toMatchObject({ messages: [{ role: 'system' }, { role: 'user' }] });
  });
});

describe('the answer', () => {
  it('is a message', async () => {
    const { id, ...message } = await answer();
    expect(id).toMatch(/^msg_/);
    expect(message).toEqual({
      type: 'message',
      role: 'assistant',
      model: 'xim/echo-generate',
      content: [{ type: 'text', text: 'Hi you', citations: null }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 2, output_tokens: 5, cache_read_input_tokens: 1, cache_creation_input_tokens: 0 },
    });
  });

  it('has thoughts, texts and calls as blocks, in their order', async () => {
    script = [
      start,
      thought('hm'),
      text('I look.'),
      ...call(0, '{"a":', '1}'),
      ...call(1, '{}'),
      ...ends('tool-calls'),
    ];
    expect(await answer()).toMatchObject({
      stop_reason: 'tool_use',
      content: [
        { type: 'thinking', thinking: 'hm' },
        { type: 'text', text: 'I look.' },
        { type: 'tool_use', id: 'call_0', name: 'f', input: { a: 1 } },
        { type: 'tool_use', id: 'call_1', name: 'f', input: {} },
      ],
    });
  });

  it('says why it ended', async () => {
    script = [start, text('a'), ...ends('stop', 'x')];
    expect(await answer()).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'x' });
    script = [start, ...call(0, '{"a":'), ...ends('length')];
    expect(await answer()).toMatchObject({ stop_reason: 'max_tokens', content: [{ input: {} }] });
  });

  it('that failed is an error of that API', async () => {
    failure = new EngineDeadError('It died.');
    script = [];
    expect(await refused({})).toMatchObject({ status: 503, type: 'overloaded_error' });
    expect(await refused({ model: 'nobody/knows' })).toMatchObject({ status: 404, type: 'not_found_error' });
  });
});

describe('the stream', () => {
  it('has the events of that API, in its order, and says what the whole answer says', async () => {
    script = [start, thought('hm'), text('I '), text('look.'), ...call(0, '{"a":', '1}'), ...ends('tool-calls')];
    const events = (await frames()).map((event) => MessageEvent.parse(event));
    expect(events.map(({ type }) => type)).toEqual([
      'message_start',
      ...['content_block_start', 'content_block_delta', 'content_block_stop'],
      ...['content_block_start', 'content_block_delta', 'content_block_delta', 'content_block_stop'],
      ...['content_block_start', 'content_block_delta', 'content_block_delta', 'content_block_stop'],
      ...['message_delta', 'message_stop'],
    ]);
    expect(events[0]).toMatchObject({ message: { content: [], stop_reason: null, usage: { input_tokens: 2 } } });
    expect(events[8]).toMatchObject({ index: 2, content_block: { type: 'tool_use', name: 'f', input: {} } });
    expect(events[9]).toMatchObject({ index: 2, delta: { type: 'input_json_delta', partial_json: '{"a":' } });
    const { stop_reason, stop_sequence, usage } = await answer();
    expect(events.at(-2)).toEqual({ type: 'message_delta', delta: { stop_reason, stop_sequence }, usage });
  });

  it('that fails ends in an error', async () => {
    script = [start, text('a')];
    failure = new EngineDeadError('It died.');
    expect(MessageError.parse((await frames()).at(-1)).error.type).toBe('overloaded_error');
  });
});

it('a key may come as that API’s clients send it', async () => {
  const body = { ...base, messages: [{ role: 'user', content: 'Köln' }] };
  const answered = await echo.post('/v1/messages', body, { 'x-api-key': 'sesame' });
  expect(MessageAnswer.parse(await answered.json()).content).toMatchObject([{ text: 'Köln' }]);
  const closed = await echo.post('/v1/messages', body, { 'x-api-key': 'wrong' });
  expect([closed.status, MessageError.parse(await closed.json()).error.type]).toEqual([401, 'authentication_error']);
});
