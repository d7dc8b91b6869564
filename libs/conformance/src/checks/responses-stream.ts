import { z } from 'zod';
import { expectError } from '../answers.ts';
import type { Check } from '../check.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';
import { SHARED } from '../kinds.ts';
import { type EventStream, expectNamedFrames, joinKey, type NamedEvent, ofType } from '../named-events.ts';
import { functionCallsOf, outputText, ResponseUsage, streamedCall, streamedResponse, toResponse, tryRespond } from '../responses-calls.ts'; // prettier-ignore
import { expectArguments } from '../tool-calls.ts';

const WithResponse = z.looseObject({ response: z.looseObject({ id: z.string(), status: z.string() }) });
const Placed = z.looseObject({ output_index: z.int().min(0) });

const LAST = ['response.completed', 'response.incomplete'];

/** The response of the last event. */
function finalOf({ events }: EventStream) {
  const last = events.at(-1);
  expectThat(LAST.includes(last?.type ?? ''), `${LAST.join(' or ')} as the last event`, last?.type);
  return toResponse(last!['response']);
}

/** The types of the events of one item without repetitions: deltas of one part are one step. */
function stepsOf(events: readonly NamedEvent[]): string[] {
  const types = events.map(({ type }) => type.replace(/^response\./, ''));
  return types.filter((type, i) => !(type.endsWith('.delta') && types[i - 1] === type));
}

const PART = ['content_part.added', 'output_text.delta', 'output_text.done', 'content_part.done'];
const CALL = ['function_call_arguments.delta', 'function_call_arguments.done'];
const wrapped = (steps: readonly string[]) => ['output_item.added', ...steps, 'output_item.done'];

/** The events of the first item of a type, by its output_index. */
function ofItem({ events }: EventStream, type: string): NamedEvent[] {
  const Added = z.looseObject({ type: z.literal('response.output_item.added'), item: z.looseObject({ type: z.literal(type) }) }); // prettier-ignore
  const added = events.find((event) => Added.safeParse(event).success);
  expectThat(added, `response.output_item.added for an item of type ${type}`, events.map((event) => event.type), type === 'function_call' ? SHARED.noCall : undefined); // prettier-ignore
  const { output_index: index } = expectShape(Placed, added, 'event');
  return events.filter((event) => event['output_index'] === index);
}

function expectSteps(found: readonly string[], wanted: readonly string[]): void {
  expectThat(found.join() === wanted.join(), wanted.join(', '), found);
}

export const responseStreamChecks: readonly Check[] = [
  {
    id: 'responses.stream.frames',
    title: 'each frame has the name of its event and one line of data with the same type',
    why: 'Clients select their handler by the name or by the type.',
    async run(context) {
      expectNamedFrames(await streamedResponse(context));
    },
  },
  {
    id: 'responses.stream.sequence',
    title: 'sequence_number counts the events from 0',
    why: 'Clients find lost and repeated events by it.',
    async run(context) {
      const numbers = (await streamedResponse(context)).events.map((event) => event['sequence_number']);
      expectThat(numbers.every((number, i) => number === i), '0, 1, 2, …', numbers); // prettier-ignore
    },
  },
  {
    id: 'responses.stream.begin',
    title: 'response.created and response.in_progress begin a stream, with a response in progress',
    why: 'The SDKs make their snapshot of the response from the first event.',
    async run(context) {
      const { events } = await streamedResponse(context);
      expectSteps(events.slice(0, 2).map(({ type }) => type), ['response.created', 'response.in_progress']); // prettier-ignore
      const { status } = expectShape(WithResponse, events[0], 'event').response;
      expectEqual(status, 'in_progress', 'the status of the created response');
    },
  },
  {
    id: 'responses.stream.end',
    title: 'the stream ends with response.completed or response.incomplete, which has the whole response and its usage',
    why: 'Clients read the final response and its usage from this event, and no other event follows.',
    async run(context) {
      const stream = await streamedResponse(context);
      const { id, usage } = finalOf(stream);
      expectShape(ResponseUsage, usage, 'usage');
      expectEqual(id, expectShape(WithResponse, stream.events[0], 'event').response.id, 'the id of the last response');
      const ends = stream.events.filter(({ type }) => LAST.includes(type));
      expectEqual(ends.length, 1, 'the number of last events');
    },
  },
  {
    id: 'responses.stream.order',
    title: 'the events of a message come in order: item, part, deltas, text, part, item',
    why: 'The SDKs throw on a delta of a part that was not announced.',
    async run(context) {
      expectSteps(stepsOf(ofItem(await streamedResponse(context), 'message')), wrapped(PART));
    },
  },
  {
    id: 'responses.stream.text',
    title: 'the joined deltas equal the text of output_text.done and of the last response',
    why: 'Clients show the deltas and store the last response.',
    async run(context) {
      const stream = await streamedResponse(context);
      const text = outputText(finalOf(stream));
      expectThat(text !== '', 'a text', text);
      for (const [type, key] of [
        ['delta', 'delta'],
        ['done', 'text'],
      ] as const)
        // prettier-ignore
        expectEqual(joinKey(ofType(stream, `response.output_text.${type}`), key), text, `the joined output_text.${type}`);
    },
  },
  {
    id: 'responses.stream.tools',
    title: 'a streamed call is an item, pieces of arguments, and the whole arguments',
    why: 'Agents run the tool when the arguments are complete.',
    async run(context) {
      const stream = await streamedCall(context);
      expectSteps(stepsOf(ofItem(stream, 'function_call')), wrapped(CALL));
      const [call] = functionCallsOf(finalOf(stream));
      const { name, arguments: text } = call!;
      expectArguments({ function: { name, arguments: text } });
      for (const [type, key] of [['delta', 'delta'], ['done', 'arguments']] as const) // prettier-ignore
        expectEqual(joinKey(ofType(stream, `response.function_call_arguments.${type}`), key), text, `the joined ${type}`); // prettier-ignore
    },
  },
  {
    id: 'responses.stream.error-plain',
    title: 'an error before the first event is a plain answer, not a stream',
    why: 'Clients retry and report by the status.',
    async run(context) {
      expectError(await tryRespond(context, { stream: true, temperature: 9 }), { status: 400, param: 'temperature', title: 'temperature out of range is refused' }); // prettier-ignore
    },
  },
];
