import { z } from 'zod';
import type { Check } from '../check.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';
import { expectMessageError, inputOf, inputToolBody, MessageUsage, STOP_REASONS, streamedMessage, streamMessage, ToolUse, tryMessage, wholeMessage } from '../message-calls.ts'; // prettier-ignore
import { SHARED } from '../kinds.ts';
import { type EventStream, expectNamedFrames, joinKey, type NamedEvent, ofType } from '../named-events.ts';
import { expectArguments } from '../tool-calls.ts';

const index = z.int().min(0);
const Delta = z.looseObject({ index, delta: z.looseObject({ type: z.string() }) });

/** The deltas of one type, in order. */
const deltasOf = (stream: EventStream, type: string) =>
  ofType(stream, 'content_block_delta')
    .map((event) => expectShape(Delta, event, 'event').delta)
    .filter((delta) => delta.type === type);

/** The types of the events without pings and repetitions of deltas. */
function stepsOf({ events }: EventStream): string[] {
  const types = events.map(({ type }) => type).filter((type) => type !== 'ping');
  return types.filter((type, i) => !(type === 'content_block_delta' && types[i - 1] === type));
}

const BLOCK = ['content_block_start', 'content_block_delta', 'content_block_stop'];

const Start = z.looseObject({
  message: z.looseObject({
    id: z.string().min(1),
    type: z.literal('message'),
    role: z.literal('assistant'),
    model: z.string().min(1),
    content: z.array(z.unknown()).length(0),
    stop_reason: z.null(),
    usage: MessageUsage,
  }),
});
const End = z.looseObject({
  delta: z.looseObject({ stop_reason: z.enum(STOP_REASONS), stop_sequence: z.string().nullable() }),
  usage: z.looseObject({ output_tokens: z.int().min(1) }),
});

const only = (stream: EventStream, type: string): NamedEvent => {
  const [event, ...more] = ofType(stream, type);
  expectThat(event && more.length === 0, `one event ${type}`, [event, ...more]);
  return event;
};

export const messageStreamChecks: readonly Check[] = [
  {
    id: 'messages.stream.frames',
    title: 'each frame has the name of its event and one line of data with the same type',
    why: 'Anthropic’s SDKs select their handler by the name.',
    async run(context) {
      expectNamedFrames(await streamedMessage(context));
    },
  },
  {
    id: 'messages.stream.order',
    title: 'the events come in order: message, each block with its deltas, the end of the message',
    why: 'The SDKs throw on a delta of a block that has not begun.',
    async run(context) {
      const stream = await streamedMessage(context);
      const steps = stepsOf(stream);
      const blocks = ofType(stream, 'content_block_start').length;
      const wanted = ['message_start', ...Array.from({ length: blocks }, () => BLOCK).flat(), 'message_delta', 'message_stop']; // prettier-ignore
      expectThat(steps.join() === wanted.join() && blocks > 0, wanted.join(', '), steps);
      for (const type of BLOCK.filter((name) => name !== 'content_block_delta'))
        ofType(stream, type).forEach((event, i) => expectEqual(expectShape(z.looseObject({ index }), event, 'event').index, i, `the index of ${type}`)); // prettier-ignore
    },
  },
  {
    id: 'messages.stream.start',
    title: 'message_start has the message without content, with its input tokens',
    why: 'The SDKs make their snapshot of the message from it.',
    async run(context) {
      const { message } = expectShape(Start, only(await streamedMessage(context), 'message_start'), 'message_start');
      expectEqual(inputOf(message), inputOf(await wholeMessage(context)), 'the input tokens');
    },
  },
  {
    id: 'messages.stream.end',
    title: 'message_delta has the reason of the end and the number of output tokens',
    why: 'Agents and cost tools read them from this event.',
    async run(context) {
      const { usage, delta } = expectShape(End, only(await streamedMessage(context), 'message_delta'), 'message_delta');
      expectThat(usage.output_tokens <= 16, 'at most 16 output tokens', usage);
      if (usage.output_tokens === 16) expectEqual(delta.stop_reason, 'max_tokens', 'stop_reason after 16 tokens');
    },
  },
  {
    id: 'messages.stream.text',
    title: 'the text comes in several deltas of type text_delta',
    why: 'User interfaces show the text while it is written.',
    async run(context) {
      const deltas = deltasOf(await streamMessage(context, { max_tokens: 512 }), 'text_delta');
      expectThat(deltas.length > 1, 'more than one text_delta', deltas);
      expectThat(joinKey(deltas, 'text').trim() !== '', 'a text', deltas);
    },
  },
  {
    id: 'messages.stream.tools',
    title: 'a streamed call begins with its id and name, and its pieces join to the input',
    why: 'Agents run the tool when the block ends.',
    async run(context) {
      const stream = await streamMessage(context, inputToolBody());
      const Begun = z.looseObject({ content_block: ToolUse });
      const Typed = z.looseObject({ content_block: z.looseObject({ type: z.literal('tool_use') }) });
      const begun = ofType(stream, 'content_block_start').find((event) => Typed.safeParse(event).success);
      expectThat(begun, 'a block of type tool_use', stepsOf(stream), SHARED.noCall);
      const { name } = expectShape(Begun, begun, 'content_block_start').content_block;
      const text = joinKey(deltasOf(stream, 'input_json_delta'), 'partial_json');
      expectArguments({ function: { name, arguments: text } });
      const { delta } = expectShape(End, only(stream, 'message_delta'), 'message_delta');
      expectEqual(delta.stop_reason, 'tool_use', 'stop_reason');
    },
  },
  {
    id: 'messages.stream.error-plain',
    title: 'an error before the first event is a plain answer, not a stream',
    why: 'Clients retry and report by the status.',
    async run(context) {
      const answer = await tryMessage(context, { stream: true, temperature: 9 });
      expectMessageError(answer, 400, 'invalid_request_error', 'temperature', 'temperature out of range is refused');
    },
  },
];
