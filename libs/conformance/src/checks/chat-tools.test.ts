import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeServer, startFakeServer } from '../__fixtures__/fake-server.ts';
import {
  accept,
  choice,
  deltas,
  describeSpoiled,
  frames,
  refuseWhen,
  type Spoiled,
  status,
  whole,
} from '../__fixtures__/spoil.ts';
import { runConformance } from '../run.ts';
import { chatToolChecks } from './chat-tools.ts';

/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- calls are spoilt in all ways */
const calls = (spoil: (call: any) => void) => choice((one) => one.message?.tool_calls?.forEach(spoil));
/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- the same */
const pieces = (spoil: (piece: any, i: number) => void) =>
  deltas((one, i) => one.delta.tool_calls?.forEach((piece: object) => spoil(piece, i)));
const call = { id: 'call_x', type: 'function', function: { name: 'get_time', arguments: '{}' } };
const invalid = chatToolChecks.map(({ id }) => id).filter((id) => id.startsWith('chat.tools.invalid.'));

const table: readonly Spoiled[] = [
  ['chat.tools.none', 'a call', choice((one) => void (one.message.tool_calls = [call]))],
  ['chat.tools.none', 'another reason', choice((one) => void (one.finish_reason = 'tool_calls'))],
  ['chat.tools.auto', 'neither text nor call', choice((one) => void (one.message.content = null))],
  [
    'chat.tools.auto',
    'a tool that nobody knows',
    choice((one) => void (one.message.tool_calls = [{ ...call, function: { name: 'x', arguments: '' } }])),
  ],
  ['chat.tools.required', 'text', choice((one) => void delete one.message.tool_calls)],
  ['chat.tools.required', 'a tool that nobody knows', calls((one) => void (one.function.name = 'get_nothing'))],
  ['chat.tools.required', 'arguments as an object', calls((one) => void (one.function.arguments = {}))],
  ['chat.tools.required', 'arguments that are no JSON', calls((one) => void (one.function.arguments = '{"city"'))],
  [
    'chat.tools.required',
    'arguments of another schema',
    calls((one) => void (one.function.arguments = '{"city": "Bonn", "unit": "c"}')),
  ],
  ['chat.tools.required', 'no id', calls((one) => void (one.id = ''))],
  ['chat.tools.required', 'no type', calls((one) => void delete one.type)],
  ['chat.tools.required', 'refused', refuseWhen(({ tools }) => tools, 'tools')],
  ['chat.tools.finish-reason', 'stop', choice((one) => void (one.finish_reason = 'stop'))],
  ['chat.tools.content-null', 'an empty string', choice((one) => void (one.message.content = ''))],
  ['chat.tools.id-unique', 'call_0 each time', calls((one) => void (one.id = 'call_0'))],
  ['chat.tools.named', 'another tool', calls((one) => void (one.function.name = 'get_time'))],
  [
    'chat.tools.named',
    'the tool of the examples',
    calls((one) => void (one.function = { name: 'get_weather', arguments: '{"city":"Paris","unit":"c"}' })),
  ],
  ['chat.tools.named', 'another reason', choice((one) => void (one.finish_reason = 'length'))],
  [
    'chat.tools.strict',
    'more than the schema has',
    calls((one) => void (one.function.arguments = '{"city": "Rome", "unit": "c", "x": 1}')),
  ],
  ['chat.tools.no-parameters', 'an empty string', calls((one) => void (one.function.arguments = ''))],
  ['chat.tools.parallel-false', 'two calls', choice((one) => void one.message.tool_calls?.push(call))],
  ['chat.tools.stream.order', 'none', pieces((one) => void Object.assign(one, { index: 1 }))],
  ['chat.tools.stream.order', 'the name in each', pieces((one) => void (one.function.name = 'get_weather'))],
  ['chat.tools.stream.order', 'the id in each', pieces((one) => void (one.id = 'call_x'))],
  ['chat.tools.stream.order', 'no id', pieces((one) => void delete one.id)],
  ['chat.tools.stream.order', 'no index', pieces((one) => void delete one.index)],
  ['chat.tools.stream.order', 'text', deltas((one) => void delete one.delta.tool_calls)],
  [
    'chat.tools.stream.arguments',
    'the last piece is lost',
    frames((all) => all.filter((_, i) => i !== all.length - 3)),
  ],
  ['chat.tools.stream.finish', 'stop', deltas((one) => void (one.finish_reason &&= 'stop'))],
  ['chat.tools.stream.none', 'a call', deltas((one) => void (one.delta.tool_calls = [{ index: 0, ...call }]))],
  ['chat.tools.result', 'dropped', whole((body) => void (body.usage &&= { ...body.usage, prompt_tokens: 9 }))],
  [
    'chat.tools.result',
    'null content is refused',
    refuseWhen(({ messages }) => messages?.[1]?.content === null, 'messages'),
  ],
  [
    'chat.tools.broken-arguments',
    'a 500',
    (exchange) => {
      if (JSON.stringify(exchange.request)?.includes('Par"')) exchange.status = 500;
    },
  ],
  ['chat.tools.empty', 'refused without its name', refuseWhen(({ tools }) => tools?.length === 0)],
  ['chat.tools.empty', 'a call', choice((one) => void (one.message.tool_calls = [call]))],
  ['chat.tools.choice-null', 'refused', refuseWhen(({ tool_choice: choice }) => choice === null, 'tool_choice')],
  ...invalid.flatMap((id): Spoiled[] => [
    [id, 'accepted', accept()],
    [id, 'a 500', status(400, 500)],
  ]),
];

describeSpoiled(chatToolChecks, table);

describe('a correct server', () => {
  let fake: FakeServer;
  beforeAll(async () => {
    fake = await startFakeServer();
  });
  afterAll(() => fake.close());
  const judge = async (id: string) =>
    (await runConformance({ baseUrl: fake.url, only: [id], timeoutSeconds: 20, concurrency: 1 })).results[0]!.outcome;

  it('may refuse an empty list of tools by name, as OpenAI does', async () => {
    fake.tamper = refuseWhen(({ tools }) => tools?.length === 0, 'tools');
    expect(await judge('chat.tools.empty')).toBe('passed');
  });

  it('may follow a schema only where the request says strict', async () => {
    fake.tamper = (exchange) => {
      const loose = exchange.request?.tools?.some((one: { function: { strict?: boolean } }) => !one.function.strict);
      for (const one of exchange.body?.choices?.[0]?.message?.tool_calls ?? [])
        if (loose) one.function.arguments = '"Paris"';
    };
    for (const id of ['required', 'named', 'no-parameters']) expect(await judge(`chat.tools.${id}`)).toBe('passed');
  });
});
