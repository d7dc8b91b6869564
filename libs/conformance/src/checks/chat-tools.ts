import { z } from 'zod';
import { expectError, toJson } from '../answers.ts';
import { ask, chat, choicesOf, countsOf, FINISH_REASONS, streamChat, tryChat } from '../chat-calls.ts';
import type { Check } from '../check.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';
import { callsOf, CLOCK, deltasOf, expectArguments, neededDeltasOf, oneCall, oneCallStream, required, requiredStream, tool, TOOL_QUESTION, toolBody, WEATHER } from '../tool-calls.ts'; // prettier-ignore

const TOOL_NAMES: readonly string[] = [WEATHER.function.name, CLOCK.function.name];
const named = (name: string) => ({ type: 'function', function: { name } });

/** The calls without an incomplete last call, which max_tokens cut, if there are other calls. */
const finished = <T>(calls: readonly T[], reason: unknown): readonly T[] =>
  reason === 'length' && calls.length > 1 ? calls.slice(0, -1) : calls;

const Silent = z.looseObject({
  choices: z.array(z.looseObject({ message: z.looseObject({ tool_calls: z.array(z.unknown()).max(0).nullish() }) })).min(1),
}); // prettier-ignore
const expectNoCall = (answer: unknown) => void expectShape(Silent, answer, 'answer');

/** A conversation with a tool call and its result. */
const withResult = (result: unknown, text = '{"city":"Paris","unit":"c"}') => [
  ...ask('What is the weather in Paris?'),
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'call_abc123', type: 'function', function: { name: 'get_weather', arguments: text } }],
  },
  { role: 'tool', tool_call_id: 'call_abc123', content: result },
];

export const chatToolChecks: readonly Check[] = [
  {
    id: 'chat.tools.none',
    title: 'tool_choice: none gives text and no call',
    why: 'Agents request their last answer this way. A call would make them continue without end.',
    async run(context) {
      const { message, finish_reason } = (await chat(context, toolBody({ messages: ask(TOOL_QUESTION), tool_choice: 'none', max_tokens: 8 }))).choices[0]!; // prettier-ignore
      expectThat((message.tool_calls ?? []).length === 0, 'no tool_calls', message);
      expectThat(finish_reason === 'stop' || finish_reason === 'length', 'finish_reason stop or length', finish_reason);
    },
  },
  {
    id: 'chat.tools.auto',
    title: 'tool_choice: auto, and none given, answer with text or with well-formed calls',
    why: 'Every agent sends this first.',
    async run(context) {
      for (const more of [{}, { tool_choice: 'auto' }]) {
        const answer = await chat(context, toolBody({ messages: ask(TOOL_QUESTION), ...more, max_tokens: 48 }));
        const { message, finish_reason } = answer.choices[0]!;
        if ((message.tool_calls ?? []).length === 0) expectThat(typeof message.content === 'string', 'text', message);
        else for (const { function: called } of callsOf(answer)) expectThat(TOOL_NAMES.includes(called.name), 'a known tool', called); // prettier-ignore
        expectThat(
          FINISH_REASONS.some((word) => word === finish_reason),
          FINISH_REASONS.join(', '),
          finish_reason,
        );
      }
    },
  },
  {
    id: 'chat.tools.required',
    title: 'tool_choice: required gives at least one call of a known tool, with arguments of its schema',
    why: 'Extraction and routing code reads tool_calls[0] without a check.',
    async run(context) {
      const answer = await required(context);
      for (const call of finished(callsOf(answer), answer.choices[0]!.finish_reason)) {
        expectThat(TOOL_NAMES.includes(call.function.name), `one of ${TOOL_NAMES.join(', ')}`, call);
        expectArguments(call);
      }
    },
  },
  {
    id: 'chat.tools.finish-reason',
    title: 'an answer with required calls finishes with tool_calls',
    why: 'Agents run the tools when they read this value.',
    async run(context) {
      const answer = await oneCall(context);
      callsOf(answer);
      expectEqual(answer.choices[0]!.finish_reason ?? null, 'tool_calls', 'finish_reason');
    },
  },
  {
    id: 'chat.tools.content-null',
    title: 'content is null beside calls',
    why: 'Clients show a content that is a string, such as an empty message.',
    async run(context) {
      const answer = await required(context);
      callsOf(answer);
      const { message } = answer.choices[0]!;
      expectThat(message.content === null, 'content: null', message);
    },
  },
  {
    id: 'chat.tools.id-unique',
    title: 'each call has an id of its own, over answers too',
    why: 'Results are matched by id, in histories of many turns.',
    async run(context) {
      const again = await chat(context, toolBody({ tool_choice: 'required' }));
      const ids = [...callsOf(await required(context)), ...callsOf(again)].map(({ id }) => id);
      expectThat(new Set(ids).size === ids.length, 'different ids', ids);
    },
  },
  {
    id: 'chat.tools.named',
    title: 'a named tool is called, and no other',
    why: 'instructor, LangChain’s structured output and compatibility tests force one tool.',
    async run(context) {
      // The examples call get_weather, so a server that ignores the choice calls it for get_time too.
      for (const name of TOOL_NAMES) {
        const answer = await chat(context, toolBody({ tool_choice: named(name) }));
        for (const call of callsOf(answer)) {
          expectEqual(call.function.name, name, 'the name of the tool');
          if (name === WEATHER.function.name) expectArguments(call);
        }
        const { finish_reason: reason } = answer.choices[0]!;
        if (name === WEATHER.function.name) expectThat(reason === 'stop' || reason === 'tool_calls', 'finish_reason stop or tool_calls', reason); // prettier-ignore
      }
    },
  },
  {
    id: 'chat.tools.strict',
    title: 'strict: true is taken and the arguments are exactly those of the schema',
    why: 'The helpers of the official SDKs (zod, pydantic) always send it.',
    async run(context) {
      const tools = [tool('get_weather', { strict: true })];
      for (const tool_choice of ['required', named('get_weather')])
        for (const call of callsOf(await chat(context, toolBody({ tools, tool_choice })))) expectArguments(call);
    },
  },
  {
    id: 'chat.tools.no-parameters',
    title: 'a tool without parameters is called with an empty object',
    why: 'Clients always parse the arguments, and an empty string is not JSON.',
    async run(context) {
      const answer = await chat(context, toolBody({ tools: [CLOCK], tool_choice: named('get_time') }));
      for (const call of callsOf(answer)) expectArguments(call);
    },
  },
  {
    id: 'chat.tools.parallel-false',
    title: 'parallel_tool_calls: false gives one call at most',
    why: 'Clients that send it can handle only one call.',
    async run(context) {
      expectEqual(callsOf(await oneCall(context)).length, 1, 'the number of calls');
    },
  },
  {
    id: 'chat.tools.stream.order',
    title: 'deltas of calls count from 0; id, type and name come with the first of each, then only arguments',
    why: 'Clients start a call at an id and join the rest; a repeated name becomes "get_weatherget_weather".',
    async run(context) {
      const deltas = neededDeltasOf(await requiredStream(context));
      const seen = new Set<number>();
      for (const delta of deltas) {
        const first = !seen.has(delta.index);
        if (first) expectEqual(delta.index, seen.size, 'the index of the next call');
        else expectEqual(delta.index, seen.size - 1, 'the index of a further delta');
        seen.add(delta.index);
        const head = [delta.id, delta.type, delta.function?.name];
        expectThat(head.every((value) => (first ? value : value === undefined)), first ? 'id, type and name in the first delta' : 'neither id, type nor name in a further delta', delta); // prettier-ignore
      }
    },
  },
  {
    id: 'chat.tools.stream.arguments',
    title: 'the joined pieces are the arguments',
    why: 'Clients parse them when the call is complete.',
    async run(context) {
      const stream = await requiredStream(context);
      const deltas = neededDeltasOf(stream);
      const indexes = [...new Set(deltas.map((delta) => delta.index))];
      for (const index of finished(indexes, choicesOf(stream).at(-1)?.finish_reason)) {
        const own = deltas.filter((delta) => delta.index === index);
        const text = own.map((delta) => delta.function?.arguments ?? '').join('');
        expectArguments({ function: { name: own[0]!.function?.name ?? '', arguments: text } });
      }
    },
  },
  {
    id: 'chat.tools.stream.finish',
    title: 'a stream of calls finishes with tool_calls',
    why: 'Streaming agents run the tools at this value.',
    async run(context) {
      const stream = await oneCallStream(context);
      neededDeltasOf(stream);
      expectEqual(String(choicesOf(stream).at(-1)?.finish_reason), 'tool_calls', 'finish_reason');
    },
  },
  {
    id: 'chat.tools.stream.none',
    title: 'with tool_choice: none a stream has no deltas of calls',
    why: 'Streams have the same rules as plain answers.',
    async run(context) {
      const deltas = deltasOf(
        await streamChat(context, toolBody({ messages: ask(TOOL_QUESTION), tool_choice: 'none', max_tokens: 8 })),
      );
      expectEqual(deltas.length, 0, 'the number of deltas of calls');
    },
  },
  {
    id: 'chat.tools.result',
    title: 'results of tools are read: null content beside calls, text or parts in role tool',
    why: 'The second turn of every agent has this form.',
    async run(context) {
      const short = await chat(context, toolBody({ messages: withResult('Rain.'), max_tokens: 8 }));
      const parts = [{ type: 'text', text: 'Rain in the morning, and sun with some wind from noon on.' }];
      const long = await chat(context, toolBody({ messages: withResult(parts), max_tokens: 8 }));
      const [few, more] = [short, long].map((answer) => countsOf(answer).prompt_tokens) as [number, number];
      expectThat(more > few, `more than ${few} prompt tokens with a longer result`, more);
    },
  },
  {
    id: 'chat.tools.broken-arguments',
    title: 'a history with arguments that are no JSON is answered, or refused with a 400',
    why: 'A model may write such arguments. With a 500, an agent that sends its history can never continue.',
    async run(context) {
      const messages = withResult('Rain.', '{"city": "Par');
      const answer = await tryChat(context, toolBody({ messages, max_tokens: 2 }));
      if (answer.status !== 200) expectError(answer, { status: 400 });
    },
  },
  {
    id: 'chat.tools.empty',
    title: 'an empty list of tools is like none, or a 400 that names it, as from OpenAI',
    why: 'Frameworks without tools send it.',
    async run(context) {
      const answer = await tryChat(context, { tools: [], max_tokens: 2 });
      if (answer.status === 200) expectNoCall(toJson(answer));
      else expectError(answer, { status: 400, param: 'tools' });
    },
  },
  {
    id: 'chat.tools.choice-null',
    title: '{"tool_choice":null} is fine',
    why: 'Frameworks without tools send it.',
    async run(context) {
      expectNoCall(await chat(context, { tool_choice: null, max_tokens: 2 }));
    },
  },
  ...(
    [
      ['unknown', 'a choice of a tool that is not in the list', toolBody({ tool_choice: named('get_nothing') }), 'tool_choice'], // prettier-ignore
      ['without-tools', 'tool_choice: required without tools', { tool_choice: 'required' }, 'tool_choice'],
      ['word', 'an unknown word as tool_choice', toolBody({ tool_choice: 'perhaps' }), 'tool_choice'],
      ['name', 'a tool whose name has a space', toolBody({ tools: [tool('get weather')] }), 'tools'],
      ['type', 'a tool of unknown type', toolBody({ tools: [{ type: 'hammer' }] }), 'tools'],
    ] as const
  ).map(([id, title, more, param]): Check => ({
    id: `chat.tools.invalid.${id}`,
    title: `${title} is refused`,
    why: 'Otherwise it is ignored without an error, or breaks the engine.',
    async run(context) {
      expectError(await tryChat(context, more), { status: 400, param });
    },
  })),
];
