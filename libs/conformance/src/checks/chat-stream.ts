import { z } from 'zod';
import {
  chat, choicesOf, FINISH_REASONS, joined, seconds, streamChat, streamedChat, textOf, tryChat, twoStreams, Usage, usageStream, wholeChat, 
} from '../chat-calls.ts'; // prettier-ignore
import { expectSuccess, toJson } from '../answers.ts';
import type { Check } from '../check.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';
import { SHARED } from '../kinds.ts';
import { DONE } from '../sse.ts';

const Chunk = z.looseObject({
  id: z.string().min(1),
  object: z.literal('chat.completion.chunk'),
  created: seconds,
  model: z.string().min(1),
  choices: z
    .array(
      z.looseObject({ index: z.int(), delta: z.looseObject({}), finish_reason: z.enum(FINISH_REASONS).nullable() }),
    )
    .min(1),
});

export const chatStreamChecks: readonly Check[] = [
  {
    id: 'chat.stream.content-type',
    title: 'a stream is of type text/event-stream and has no length',
    why: 'EventSource in browsers and most SDKs check the type before they read.',
    async run(context) {
      const { headers } = (await streamedChat(context)).answer;
      const type = headers['content-type'];
      expectThat(type?.startsWith('text/event-stream'), 'content-type text/event-stream', type);
      expectThat(headers['content-length'] === undefined, 'no content-length', headers['content-length']);
    },
  },
  {
    id: 'chat.stream.not-compressed',
    title: 'a stream is not compressed, though the client offers it',
    why: 'Compression delays text until a block is full, and the SDKs offer gzip in every request.',
    async run(context) {
      const encoding = (await streamedChat(context)).answer.headers['content-encoding'];
      expectThat(encoding === undefined || encoding === 'identity', 'no content-encoding', encoding);
    },
  },
  {
    id: 'chat.stream.no-cache',
    title: 'a stream is not to be cached',
    why: 'Otherwise proxies may cache the stream, and deliver it late or again.',
    async run(context) {
      const value = (await streamedChat(context)).answer.headers['cache-control'];
      expectThat(/no-cache|no-store/.test(value ?? ''), 'cache-control: no-cache', value);
    },
  },
  {
    id: 'chat.stream.no-buffering',
    title: 'a stream tells nginx not to buffer it',
    why: 'Without X-Accel-Buffering: no, nginx sends the whole answer only at its end.',
    async run(context) {
      const value = (await streamedChat(context)).answer.headers['x-accel-buffering'];
      expectThat(value === 'no', 'x-accel-buffering: no', value);
    },
  },
  {
    id: 'chat.stream.request-id',
    title: 'a stream has its request id too',
    why: 'Support teams ask for it, and the SDKs expose it.',
    async run(context) {
      const { headers } = (await streamedChat(context)).answer;
      expectThat(headers['x-request-id'], 'x-request-id', headers, SHARED.requestId);
    },
  },
  {
    id: 'chat.stream.frames',
    title: 'each frame is one data line of JSON and an empty line',
    why: 'Simple clients read line by line and know only data fields.',
    async run(context) {
      const { frames, rest } = await streamedChat(context);
      for (const { lines, data } of frames)
        expectThat(data === undefined ? lines.length === 0 : lines.length === 1, 'one data line per frame', lines);
      expectEqual(rest, '', 'what follows the last empty line');
    },
  },
  {
    id: 'chat.stream.done-once',
    title: 'data: [DONE] ends the stream, once',
    why: 'LangChain and others wait for it. Some clients fail on data after it, which they parse as JSON.',
    async run(context) {
      const { frames } = await streamedChat(context);
      const data = frames.flatMap((frame) => frame.data ?? []);
      expectEqual(data.at(-1) ?? null, DONE, 'the last frame');
      expectEqual(data.filter((text) => text === DONE).length, 1, `the number of ${DONE}`);
    },
  },
  {
    id: 'chat.stream.fields',
    title: 'each chunk has the fields that the API requires',
    why: 'Typed clients fail to decode a chunk that lacks one, in the middle of a text.',
    async run(context) {
      const { chunks } = await streamedChat(context);
      chunks.forEach((chunk, i) => expectShape(Chunk, chunk, `chunk ${i}`));
      expectThat(chunks.length > 0, 'chunks', chunks);
    },
  },
  {
    id: 'chat.stream.same-head',
    title: 'all chunks share id, created and model',
    why: 'Clients with several streams, and tracing tools, distinguish answers by them.',
    async run(context) {
      const heads = (await usageStream(context)).chunks.map(({ id, created, model }) => ({ id, created, model }));
      const distinct = [...new Set(heads.map((head) => JSON.stringify(head)))];
      expectThat(distinct.length === 1, 'one head for all chunks', distinct, SHARED.heads);
    },
  },
  {
    id: 'chat.stream.role-first',
    title: 'the first delta of a choice has the role',
    why: 'The Vercel AI SDK and LangChain start a message with it.',
    async run(context) {
      const [first] = choicesOf(await streamedChat(context));
      expectThat(first?.delta?.role === 'assistant', 'role "assistant" in the first delta', first);
    },
  },
  {
    id: 'chat.stream.role-once',
    title: 'later deltas have no role',
    why: 'Clients that join deltas key by key get "assistantassistant…".',
    async run(context) {
      const [, ...later] = choicesOf(await streamedChat(context));
      for (const { delta } of later) expectThat(!('role' in (delta ?? {})), 'no role in later deltas', delta);
    },
  },
  {
    id: 'chat.stream.finish-once',
    title: 'each choice has one finish_reason, in its last chunk',
    why: 'Clients close the message at the finish_reason, and lose later text.',
    async run(context) {
      const choices = choicesOf(await streamedChat(context));
      const reasons = choices.map((choice) => choice.finish_reason ?? null);
      expectThat(reasons.filter(Boolean).length === 1 && reasons.at(-1), 'one finish_reason, at the end', reasons);
      expectThat(
        FINISH_REASONS.some((word) => word === reasons.at(-1)),
        FINISH_REASONS.join(', '),
        reasons.at(-1),
      );
    },
  },
  {
    id: 'chat.stream.piecewise',
    title: 'the text comes in pieces',
    why: 'A stream of one piece has no advantage over a plain answer.',
    async run(context) {
      const pieces = choicesOf(await streamedChat(context)).filter(({ delta }) => {
        const { content, reasoning_content: thought, reasoning } = (delta ?? {}) as Record<string, unknown>;
        return content || thought || reasoning;
      });
      expectThat(pieces.length >= 2, 'two pieces of text or more', pieces.length);
    },
  },
  {
    id: 'chat.stream.same-text',
    title: 'the joined deltas equal the text of the answer that is not streamed',
    why: 'Tests and caches compare them. This check finds a space that is lost between tokens.',
    async run(context) {
      const whole = [textOf(await wholeChat(context))];
      const streamed = [joined(await streamedChat(context))];
      // Batches round differently. A second and a third pair distinguish this from lost text.
      for (let i = 0; i < 2 && !whole.some((text) => streamed.includes(text)); i += 1) {
        whole.push(textOf(await chat(context)));
        streamed.push(joined(await streamChat(context)));
      }
      expectThat(
        whole.some((text) => streamed.includes(text)),
        `the text ${JSON.stringify(whole[0])}`,
        streamed[0],
      );
    },
  },
  {
    id: 'chat.stream.usage-unasked',
    title: 'without include_usage no chunk carries usage, and none is without choices',
    why: 'Older clients read choices[0] of each chunk.',
    async run(context) {
      for (const chunk of (await streamedChat(context)).chunks) {
        expectThat(chunk.usage === undefined || chunk.usage === null, 'no usage', chunk);
        expectThat(chunk.choices.length > 0, 'choices in each chunk', chunk);
      }
    },
  },
  {
    id: 'chat.stream.usage-last',
    title: 'include_usage gives one more chunk, without choices, before [DONE]',
    why: 'Cost tools read the last chunk; clients that stop at finish_reason must not lose it.',
    async run(context) {
      const { chunks } = await usageStream(context);
      const at = chunks.flatMap((chunk, i) => (chunk.usage ? [i] : []));
      expectThat(at.length === 1 && at[0] === chunks.length - 1, 'usage in the last chunk alone', at);
      expectThat(chunks.at(-1)!.choices.length === 0, 'no choices in the chunk with usage', chunks.at(-1));
      expectShape(Usage, chunks.at(-1)!.usage, 'usage');
    },
  },
  {
    id: 'chat.stream.usage-null',
    title: 'with include_usage the other chunks carry usage: null',
    why: 'Typed clients know by it that the usage follows.',
    async run(context) {
      const { chunks } = await usageStream(context);
      const others = chunks.filter((chunk) => !chunk.usage);
      for (const chunk of others) expectThat(chunk.usage === null, 'usage: null', chunk, SHARED.usageNull);
    },
  },
  {
    id: 'chat.stream.usage-equal',
    title: 'a streamed answer counts the tokens that the same answer counts unstreamed',
    why: 'Otherwise the price would depend on streaming.',
    async run(context) {
      const streamed = expectShape(Usage, (await usageStream(context)).chunks.at(-1)?.usage, 'usage');
      const whole = expectShape(Usage, (await wholeChat(context)).usage, 'usage');
      expectEqual(streamed.prompt_tokens, whole.prompt_tokens, 'prompt_tokens');
      const sameText = joined(await usageStream(context)) === textOf(await wholeChat(context));
      if (sameText) expectEqual(streamed.completion_tokens, whole.completion_tokens, 'completion_tokens');
    },
  },
  {
    id: 'chat.stream.usage-false',
    title: 'include_usage: false asks for no usage',
    why: 'LangChain sends false explicitly.',
    async run(context) {
      const { chunks } = await streamChat(context, { stream_options: { include_usage: false }, max_tokens: 2 });
      for (const chunk of chunks) expectThat(!chunk.usage, 'no usage', chunk);
    },
  },
  {
    id: 'chat.stream.n',
    title: 'with n = 2 each chunk has the index of its choice, the last chunks too',
    why: 'Clients sort the pieces by index. A missing or wrong index mixes two texts.',
    async run(context) {
      const choices = choicesOf(await twoStreams(context));
      for (const choice of choices)
        expectThat(
          [0, 1].some((i) => i === choice.index),
          'index 0 or 1',
          choice,
        );
      for (const index of [0, 1]) {
        const own = choices.filter((choice) => choice.index === index);
        expectThat(own[0]?.delta?.role === 'assistant', `the role first in choice ${index}`, own[0]);
        const finished = own.filter((choice) => choice.finish_reason);
        expectThat(finished.length === 1 && own.at(-1)!.finish_reason, `choice ${index} to finish once`, finished);
      }
    },
  },
  ...[false, null].map((stream): Check => ({
    id: `chat.stream.${stream}`,
    title: `stream: ${stream} is no stream`,
    why: 'SDKs send the value of their caller, false or null.',
    async run(context) {
      const answer = await tryChat(context, { stream, max_tokens: 2 });
      expectSuccess(answer);
      expectThat(answer.headers['content-type']?.startsWith('application/json'), 'JSON', answer.headers['content-type']); // prettier-ignore
      toJson(answer);
    },
  })),
];
