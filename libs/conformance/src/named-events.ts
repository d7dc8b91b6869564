import { z } from 'zod';
import { expectSuccess } from './answers.ts';
import type { Answer } from './client.ts';
import { expectEqual, expectShape, expectThat } from './expectations.ts';
import { type Frames, toFrames, toObjects } from './sse.ts';

/** An event of a stream whose frames carry a name: `/v1/responses` and `/v1/messages`. */
const Event = z.looseObject({ type: z.string() });
export type NamedEvent = z.infer<typeof Event>;

export interface EventStream extends Frames {
  readonly answer: Answer;
  readonly events: readonly NamedEvent[];
}

/** Throws a MismatchError for another answer than a stream of objects with `type`. */
export function toEventStream(answer: Answer): EventStream {
  expectSuccess(answer);
  const type = answer.headers['content-type'];
  expectThat(type?.startsWith('text/event-stream'), 'content-type text/event-stream', type);
  const frames = toFrames(answer.text);
  const events = toObjects(frames).map((value) => expectShape(Event, value, 'event'));
  return { ...frames, answer, events };
}

/** Expects that each frame has one line with the name of its event and one line of data, in this order. */
export function expectNamedFrames({ frames, rest }: Frames): void {
  for (const { lines, data } of frames) {
    if (data === undefined && lines.length === 0) continue; // a comment
    const { type } = expectShape(Event, toObjects({ frames: [{ lines, data }], rest: '' })[0], 'event');
    expectThat(lines.length === 2 && lines[0] === `event: ${type}`, `event: ${type} and one data line`, lines);
  }
  expectEqual(rest, '', 'what follows the last empty line');
}

export const ofType = ({ events }: EventStream, type: string): readonly NamedEvent[] =>
  events.filter((event) => event.type === type);

/** The strings at one key of events, joined. */
export const joinKey = (events: readonly Readonly<Record<string, unknown>>[], key: string): string =>
  events.map((event) => expectShape(z.string(), event[key], `event.${key}`)).join('');
