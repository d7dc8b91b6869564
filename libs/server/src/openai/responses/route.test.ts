import { EngineDeadError, type GenerateEvent, type GenerateInput } from '@xim/engine';
import { ResponseObject, ResponseStreamEvent } from '@xim/openai-schema';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startScripted, type TestService } from '../../__fixtures__/test-service.ts';

let input: GenerateInput | undefined;
let script: readonly GenerateEvent[] = [];
let failure: Error | undefined;
let service: TestService;

const start: GenerateEvent = { type: 'start', inputTokens: 3 };
const ends = (reason: 'stop' | 'length' | 'tool-calls' = 'stop'): GenerateEvent[] => [
  { type: 'choice-end', choice: 0, reason },
  { type: 'end', usage: { inputTokens: 3, outputTokens: 5, cachedTokens: 2, reasoningTokens: 1 } },
];
const text = (part: string): GenerateEvent => ({ type: 'text-delta', choice: 0, text: part, tokens: 1 });
const thought = (part: string): GenerateEvent => ({ type: 'reasoning-delta', choice: 0, text: part, tokens: 1 });
const call = (index: number, name: string): GenerateEvent[] => [
  { type: 'tool-call', choice: 0, call: index, id: `call_${index}`, name },
  { type: 'tool-call-delta', choice: 0, call: index, arguments: '{"a":' },
  { type: 'tool-call-delta', choice: 0, call: index, arguments: '1}' },
];

beforeAll(async () => {
  service = await startScripted(async function* (asked) {
    input = asked;
    yield* script;
    if (failure) throw failure;
  });
});
afterAll(() => service.close());
beforeEach(() => {
  input = undefined;
  failure = undefined;
  script = [start, text('Hi'), text(' you'), ...ends()];
});

const ask = (fields: object) => service.post('/v1/responses', { input: 'a', ...fields });
const answer = async (fields: object = {}) => {
  const reply = await ask(fields);
  const body = await reply.text();
  expect(reply.status, body).toBe(200);
  return ResponseObject.parse(JSON.parse(body));
};
const refused = async (fields: object) => {
  const reply = await ask(fields);
  const { error } = (await reply.json()) as { error: { param: string; code: string | null; message: string } };
  return { status: reply.status, ...error };
};

/** The events of a stream; each frame has the name of its event, and the numbers have no gap. */
async function stream(fields: object = {}) {
  const reply = await ask({ ...fields, stream: true });
  const frames = (await reply.text()).split('\n\n').slice(0, -1);
  return frames.map((frame, number) => {
    const [, name, data] = /^event: (\S+)\ndata: (.+)$/.exec(frame)!;
    const event = ResponseStreamEvent.parse(JSON.parse(data!));
    expect([event.type, event.sequence_number]).toEqual([name, number]);
    return event;
  });
}

describe('the request', () => {
  it('needs no more than an input', async () => {
    await answer();
    expect(input).toMatchObject({ prompt: { messages: [{ role: 'user', content: 'a' }] } });
  });

  it('is read as turns: instructions first; thoughts, text and calls of a turn together', async () => {
    await answer({
      instructions: 'Be brief.',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'b' }] },
        { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'I look.', annotations: [] }],
        },
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
        { type: 'function_call', call_id: 'c2', name: 'g', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: 'one' },
        { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'two' }] },
        { role: 'assistant', content: 'Done.' },
        { role: 'assistant', content: 'Really.' },
        { role: 'developer', content: 'c' },
      ],
    });
    expect(input?.prompt).toEqual({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'b' },
        {
          role: 'assistant',
          content: 'I look.',
          reasoning: 'hm',
          toolCalls: [
            { id: 'c1', name: 'f', arguments: '{}' },
            { id: 'c2', name: 'g', arguments: '{}' },
          ],
        },
        { role: 'tool', content: 'one', toolCallId: 'c1' },
        { role: 'tool', content: 'two', toolCallId: 'c2' },
        { role: 'assistant', content: 'Done.' },
        { role: 'assistant', content: 'Really.' },
        { role: 'developer', content: 'c' },
      ],
    });
  });

  it('carries tools, a shape, limits and effort', async () => {
    const parameters = { type: 'object' };
    const tool = (name: string) => ({ type: 'function', name, parameters, strict: true });
    await answer({
      tools: [tool('f'), tool('g')],
      tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'g' }] },
      parallel_tool_calls: false,
      text: { format: { type: 'json_schema', name: 'x', schema: { type: 'array' } } },
      max_output_tokens: 16,
      reasoning: { effort: 'low', summary: 'auto' },
      temperature: 0,
      stop: 'x',
      include: ['message.output_text.logprobs'],
      top_logprobs: 2,
    });
    expect(input).toMatchObject({
      prompt: {
        tools: [{ name: 'g', parameters, strict: true }],
        toolChoice: { mode: 'required', parallel: false },
      },
      format: { type: 'json-schema', schema: { type: 'array' } },
      maxTokens: 16,
      reasoningEffort: 'low',
      sampling: { temperature: 0 },
      stop: ['x'],
      logprobs: 2,
    });
  });

  it.each<[string, object]>([
    ['store', { store: true }],
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['conversation', { conversation: { id: 'conv_1' } }],
    ['background', { background: true }],
    ['prompt.id', { prompt: { id: 'pmpt_1' } }],
    ['context_management', { context_management: [{ type: 'compaction' }] }],
    ['moderation', { moderation: { model: 'x' } }],
    ['text.verbosity', { text: { verbosity: 'low' } }],
    ['reasoning.summary', { reasoning: { summary: 'detailed' } }],
    ['reasoning.mode', { reasoning: { mode: 'pro' } }],
    ['reasoning.context', { reasoning: { context: 'all_turns' } }],
    ['include.0', { include: ['web_search_call.results'] }],
    ['tools.0.type', { tools: [{ type: 'web_search' }] }],
    ['tools.0.type', { tools: [{ type: 'custom', name: 'x' }] }],
    ['input.0.type', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    ['input.0.type', { input: [{ type: 'custom_tool_call', call_id: 'c', name: 'x', input: '' }] }],
    ['input.0.encrypted_content', { input: [{ type: 'reasoning', summary: [], encrypted_content: 'x' }] }],
    ['input.0.content.0', { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] }],
    ['input.0.output.0', { input: [{ type: 'function_call_output', call_id: 'c', output: [{ type: 'input_file' }] }] }],
  ])('is refused by name: %s', async (param, fields) => {
    expect(await refused(fields)).toMatchObject({ status: 400, param, code: 'unsupported_parameter' });
    expect(input).toBeUndefined();
  });

  it.each<[string, object]>([
    ['input', { input: null }],
    ['input', { input: [] }],
    ['input.0.type', { input: [{ type: 'tune', role: 'user' }] }],
    ['input.0.arguments', { input: [{ type: 'function_call', call_id: 'c', name: 'f' }] }],
    ['tools.0.name', { tools: [{ type: 'function', function: { name: 'f' } }] }],
    ['tools.1', { tools: ['f', 'f'].map((name) => ({ type: 'function', name })) }],
    ['tool_choice', { tool_choice: 'required' }],
    ['tool_choice.name', { tools: [{ type: 'function', name: 'f' }], tool_choice: { type: 'function', name: 'g' } }],
    ['text.format.schema', { text: { format: { type: 'json_schema', name: 'x' } } }],
    ['guided_regex', { text: { format: { type: 'json_object' } }, guided_regex: 'a' }],
    ['max_output_tokens', { max_output_tokens: 0 }],
  ])('is a 400 at %s: %j', async (param, fields) => {
    expect(await refused(fields)).toMatchObject({ status: 400, param });
  });
});

describe('the answer', () => {
  it('is a whole response that says it was not kept', async () => {
    expect(await answer({ instructions: 'x', metadata: { a: 'b' }, temperature: 0.5 })).toMatchObject({
      object: 'response',
      status: 'completed',
      incomplete_details: null,
      instructions: 'x',
      metadata: { a: 'b' },
      temperature: 0.5,
      store: false,
      output: [{ type: 'message', status: 'completed', content: [{ type: 'output_text', text: 'Hi you' }] }],
      usage: {
        input_tokens: 3,
        input_tokens_details: { cached_tokens: 2 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 1 },
        total_tokens: 8,
      },
    });
  });

  it('has thoughts, texts and calls as items, in their order', async () => {
    script = [start, thought('hm'), text('I look.'), ...call(0, 'f'), ...call(1, 'g'), ...ends('tool-calls')];
    const { output, status } = await answer();
    expect(status).toBe('completed');
    expect(output).toMatchObject([
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'hm' }] },
      { type: 'message', content: [{ text: 'I look.' }] },
      { type: 'function_call', call_id: 'call_0', name: 'f', arguments: '{"a":1}', status: 'completed' },
      { type: 'function_call', call_id: 'call_1', name: 'g', arguments: '{"a":1}', status: 'completed' },
    ]);
    expect(new Set(output.map(({ id }) => id)).size).toBe(4);
  });

  it('that was cut is incomplete, with its last item', async () => {
    script = [start, thought('hm'), ...ends('length')];
    expect(await answer()).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ type: 'reasoning', status: 'incomplete' }],
    });
  });

  it('without a text has an empty message', async () => {
    script = [start, ...ends()];
    expect((await answer()).output).toMatchObject([{ type: 'message', content: [{ text: '' }] }]);
  });

  it('that never ended is an error', async () => {
    script = [start, text('a')];
    expect((await ask({})).status).toBe(500);
  });
});

describe('the stream', () => {
  const whole = [start, thought('hm'), text('I '), text('look.'), ...call(0, 'f'), ...ends('tool-calls')];

  it('has the names of OpenAI, in OpenAI’s order', async () => {
    script = whole;
    const events = await stream();
    expect(events.map(({ type }) => type.replace('response.', ''))).toEqual([
      ...['created', 'in_progress'],
      ...['output_item.added', 'content_part.added', 'reasoning_text.delta'],
      ...['reasoning_text.done', 'content_part.done', 'output_item.done'],
      ...['output_item.added', 'content_part.added', 'output_text.delta', 'output_text.delta'],
      ...['output_text.done', 'content_part.done', 'output_item.done'],
      ...['output_item.added', 'function_call_arguments.delta', 'function_call_arguments.delta'],
      ...['function_call_arguments.done', 'output_item.done'],
      'completed',
    ]);
    expect(events[0]).toMatchObject({ response: { status: 'in_progress', output: [], usage: null } });
    expect(events[2]).toMatchObject({ item: { type: 'reasoning', content: [], status: 'in_progress' } });
    expect(events.at(-2)).toMatchObject({ item: { type: 'function_call', arguments: '{"a":1}' }, output_index: 2 });
  });

  it('ends in the answer that is not streamed', async () => {
    script = whole;
    const plain = await answer();
    const last = (await stream()).at(-1) as { response: ResponseObject };
    const alike = (one: object) => JSON.stringify(one).replace(/(resp|msg|rs|fc)_[0-9a-f]+|_at":\d+/g, '$1');
    expect(alike(last.response)).toBe(alike(plain));
  });

  it('of a cut answer ends as incomplete', async () => {
    script = [start, text('a'), ...ends('length')];
    expect((await stream()).at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', output: [{ status: 'incomplete' }] },
    });
  });

  it('that fails ends in an error, which the client throws', async () => {
    script = [start, text('a')];
    failure = new EngineDeadError('It died.');
    const events = await stream();
    expect(events.at(-1)).toMatchObject({ type: 'error', code: 'engine_dead', error: { type: 'server_error' } });
    const read = async () => {
      const raw = await service.client.responses.create({ model: 'gpt-4o-mini', input: 'a', stream: true });
      for await (const event of raw) expect(event.type).not.toBe('error');
    };
    await expect(read()).rejects.toThrow();
  });

  it('that cannot begin is a plain status', async () => {
    script = [];
    failure = new EngineDeadError('It died.');
    expect((await ask({ stream: true })).status).toBe(503);
  });
});
