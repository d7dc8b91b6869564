import { z } from 'zod';
import { toJson } from '../answers.ts';
import type { Check, Context } from '../check.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';
import { toFrames, toObjects } from '../sse.ts';
import {
  detailedStream, GENERATE_STREAM, generateStream, StreamDetails, streamGenerate, tgiBody, Token, tryGenerate, wholeGenerate,
} from '../tgi-calls.ts'; // prettier-ignore

/** TGI sends such an error as an event after its status 200. An error status is better, and is accepted too. */
async function expectRefusedStream(context: Context, parameters: object): Promise<void> {
  const answer = await tryGenerate(context, tgiBody(parameters), GENERATE_STREAM);
  expectThat([200, 422].includes(answer.status), '422, or an event with the error', `${answer.status} ${answer.text}`);
  const body = answer.status === 422 ? toJson(answer) : toObjects(toFrames(answer.text))[0];
  const error = expectShape(z.looseObject({ error: z.string(), error_type: z.string() }), body, 'the error');
  expectEqual(error.error_type, 'validation', 'error_type');
}

export const tgiStreamChecks: readonly Check[] = [
  {
    id: 'tgi.stream.content-type',
    title: 'a stream is of type text/event-stream, without length or compression',
    why: 'Clients check the type, and compression delays the text.',
    async run(context) {
      const { headers } = (await generateStream(context)).answer;
      expectThat(headers['content-type']?.startsWith('text/event-stream'), 'text/event-stream', headers['content-type']); // prettier-ignore
      const { 'content-length': length, 'content-encoding': encoding } = headers;
      expectThat(length === undefined && encoding === undefined, 'no length, no compression', { length, encoding });
    },
  },
  {
    id: 'tgi.stream.frames',
    title: 'each frame is one data line of JSON, and there is no [DONE]',
    why: 'The clients parse each data line.',
    async run(context) {
      const { frames, rest } = await generateStream(context);
      for (const { lines, data } of frames) {
        expectThat(data === undefined ? lines.length === 0 : lines.length === 1, 'one data line per frame', lines);
        expectThat(data === undefined || data.startsWith('{'), 'JSON', data);
      }
      expectEqual(rest, '', 'what follows the last empty line');
    },
  },
  {
    id: 'tgi.stream.index',
    title: 'events count from 1',
    why: 'Clients order the events by the index.',
    async run(context) {
      const indexes = (await generateStream(context)).events.map(({ index }) => index);
      expectThat(
        indexes.every((index, i) => index === i + 1),
        '1, 2, 3 …',
        indexes,
      );
    },
  },
  {
    id: 'tgi.stream.token',
    title: 'each event has a token with id, text, logprob and special',
    why: 'The typed clients declare them as required.',
    async run(context) {
      (await generateStream(context)).events.forEach(({ token }, i) => expectShape(Token, token, `event ${i}.token`));
    },
  },
  {
    id: 'tgi.stream.text-last',
    title: 'the last event has generated_text, the others have it null',
    why: 'Clients recognise the end by this key.',
    async run(context) {
      const texts = (await generateStream(context)).events.map((event) => event.generated_text);
      expectThat(typeof texts.at(-1) === 'string', 'generated_text in the last event', texts.at(-1));
      expectThat(
        texts.slice(0, -1).every((text) => text === null),
        'generated_text: null before',
        texts,
      );
    },
  },
  {
    id: 'tgi.stream.details-null',
    title: 'details are null unless asked for',
    why: 'The types declare the key, with null.',
    async run(context) {
      for (const { details } of (await generateStream(context)).events) expectThat(details === null, 'details: null', details); // prettier-ignore
    },
  },
  {
    id: 'tgi.stream.details',
    title: 'with details: true the last event has them, the others have null',
    why: 'Clients read the finish reason there.',
    async run(context) {
      const all = (await detailedStream(context)).events.map(({ details }) => details);
      const details = expectShape(StreamDetails, all.at(-1), 'details');
      expectThat(
        all.slice(0, -1).every((one) => one === null),
        'details: null before',
        all,
      );
      expectEqual(details.generated_tokens, all.length, 'generated_tokens');
    },
  },
  {
    id: 'tgi.stream.same-text',
    title: 'the joined tokens equal generated_text, and the text that is not streamed',
    why: 'This check finds a space that is lost between tokens.',
    async run(context) {
      const { events } = await generateStream(context);
      const tokens = events.map(({ token }, i) => expectShape(Token, token, `event ${i}.token`));
      const text = tokens
        .filter(({ special }) => !special)
        .map((token) => token.text)
        .join('');
      const last = String(events.at(-1)?.generated_text);
      expectThat(text.trim() === last.trim(), `tokens that join to ${JSON.stringify(last)}`, text);
      expectEqual(last, (await wholeGenerate(context)).generated_text, 'the streamed text');
    },
  },
  {
    id: 'tgi.stream.root',
    title: 'POST / with stream: true is a stream',
    why: 'Hugging Face’s Python clients stream this way.',
    async run(context) {
      const { answer, events } = await streamGenerate(context, {}, '/');
      const type = answer.headers['content-type'];
      expectThat(type?.startsWith('text/event-stream'), 'text/event-stream', type);
      expectThat(typeof events.at(-1)?.generated_text === 'string', 'generated_text in the last event', events.at(-1));
    },
  },
  ...(
    [
      ['best-of', { best_of: 2, do_sample: true }],
      ['decoder-input-details', { decoder_input_details: true }],
      ['temperature', { temperature: -1 }],
    ] as const
  ).map(([id, parameters]): Check => ({
    id: `tgi.stream.invalid.${id}`,
    title: `${JSON.stringify(parameters)} with streaming is a validation error`,
    why: 'A stream cannot have several texts or the tokens of the inputs.',
    async run(context) {
      await expectRefusedStream(context, parameters);
    },
  })),
];
