import { z } from 'zod';
import { countsOf, seconds, Usage } from '../chat-calls.ts';
import type { Check } from '../check.ts';
import {
  complete, completionUsageStream, joinedText, PROMPT, streamCompletion, streamedCompletion, wholeCompletion,
} from '../completion-calls.ts'; // prettier-ignore
import { expectEqual, expectShape, expectThat } from '../expectations.ts';
import { SHARED } from '../kinds.ts';
import { DONE } from '../sse.ts';

const Chunk = z.looseObject({
  id: z.string().min(1),
  object: z.literal('text_completion'),
  created: seconds,
  model: z.string().min(1),
  choices: z
    .array(
      z.looseObject({
        index: z.int(),
        text: z.string(),
        finish_reason: z.enum(['stop', 'length', 'content_filter']).nullable(),
      }),
    )
    .min(1),
});

export const completionStreamChecks: readonly Check[] = [
  {
    id: 'completions.stream.content-type',
    title: 'a stream is of type text/event-stream, without length or compression',
    why: 'SDKs check the type, and compression delays the text.',
    async run(context) {
      const { headers } = (await streamedCompletion(context)).answer;
      expectThat(headers['content-type']?.startsWith('text/event-stream'), 'text/event-stream', headers['content-type']); // prettier-ignore
      const { 'content-length': length, 'content-encoding': encoding } = headers;
      expectThat(length === undefined && encoding === undefined, 'no length, no compression', { length, encoding });
    },
  },
  {
    id: 'completions.stream.frames',
    title: 'each frame is one data line of JSON and an empty line',
    why: 'Simple clients read line by line and know only data fields.',
    async run(context) {
      const { frames, rest } = await streamedCompletion(context);
      for (const { lines, data } of frames)
        expectThat(data === undefined ? lines.length === 0 : lines.length === 1, 'one data line per frame', lines);
      expectEqual(rest, '', 'what follows the last empty line');
    },
  },
  {
    id: 'completions.stream.done-once',
    title: 'data: [DONE] ends the stream, once',
    why: 'Clients wait for it, and some parse data after it.',
    async run(context) {
      const data = (await streamedCompletion(context)).frames.flatMap((frame) => frame.data ?? []);
      expectEqual(data.at(-1) ?? null, DONE, 'the last frame');
      expectEqual(data.filter((text) => text === DONE).length, 1, `the number of ${DONE}`);
    },
  },
  {
    id: 'completions.stream.fields',
    title: 'each chunk has the fields of the API, under one id',
    why: 'Typed clients fail to decode a chunk that lacks one.',
    async run(context) {
      const chunks = (await streamedCompletion(context)).chunks.map((chunk, i) => expectShape(Chunk, chunk, `chunk ${i}`)); // prettier-ignore
      const heads = new Set(chunks.map(({ id, created, model }) => JSON.stringify([id, created, model])));
      expectThat(heads.size === 1, 'one id, created and model', [...heads], SHARED.heads);
    },
  },
  {
    id: 'completions.stream.finish-once',
    title: 'one finish_reason, in the last chunk',
    why: 'Clients close the text at the finish_reason.',
    async run(context) {
      const { chunks } = await streamedCompletion(context);
      const reasons = chunks.flatMap(({ choices }) => choices.map((choice) => choice.finish_reason ?? null));
      expectThat(reasons.filter(Boolean).length === 1 && reasons.at(-1), 'one finish_reason, at the end', reasons);
    },
  },
  {
    id: 'completions.stream.same-text',
    title: 'the joined pieces equal the text that is not streamed',
    why: 'This check finds a space that is lost between tokens.',
    async run(context) {
      const whole = [(await wholeCompletion(context)).choices[0]!.text];
      const streamed = [joinedText(await streamedCompletion(context))];
      for (let i = 0; i < 2 && !whole.some((text) => streamed.includes(text)); i += 1) {
        whole.push((await complete(context)).choices[0]!.text);
        streamed.push(joinedText(await streamCompletion(context)));
      }
      expectThat(
        whole.some((text) => streamed.includes(text)),
        `the text ${JSON.stringify(whole[0])}`,
        streamed[0],
      );
    },
  },
  {
    id: 'completions.stream.usage',
    title: 'include_usage gives one more chunk without choices, and null elsewhere',
    why: 'Cost tools read the last chunk.',
    async run(context) {
      const { chunks } = await completionUsageStream(context);
      expectThat(chunks.at(-1)?.choices.length === 0, 'no choices in the last chunk', chunks.at(-1));
      const streamed = expectShape(Usage, chunks.at(-1)!.usage, 'usage');
      for (const chunk of chunks.slice(0, -1)) expectThat(chunk.usage === null, 'usage: null', chunk, SHARED.usageNull);
      const whole = countsOf(await wholeCompletion(context));
      expectEqual(streamed.prompt_tokens, whole.prompt_tokens, 'prompt_tokens');
    },
  },
  {
    id: 'completions.stream.usage-unasked',
    title: 'without include_usage no chunk carries usage',
    why: 'Older clients read choices[0] of each chunk.',
    async run(context) {
      for (const chunk of (await streamedCompletion(context)).chunks)
        expectThat(!chunk.usage && chunk.choices.length > 0, 'no usage, and choices', chunk);
    },
  },
  {
    id: 'completions.stream.prompts',
    title: 'with several prompts each chunk has the index of its choice',
    why: 'Clients sort the pieces by index.',
    async run(context) {
      const { chunks } = await streamCompletion(context, { prompt: [PROMPT, 'A, B, C, D,'], max_tokens: 4 });
      const choices = chunks.flatMap((chunk) => chunk.choices);
      for (const choice of choices)
        expectThat(
          [0, 1].some((i) => i === choice.index),
          'index 0 or 1',
          choice,
        );
      for (const index of [0, 1]) {
        const finished = choices.filter((choice) => choice.index === index && choice.finish_reason);
        expectEqual(finished.length, 1, `the number of finish_reasons of choice ${index}`);
      }
    },
  },
];
