import { z } from 'zod';
import { expectError, toJson } from '../answers.ts';
import { ask, CHAT, chat, chatBody, tryChat } from '../chat-calls.ts';
import type { Check } from '../check.ts';
import { expectShape } from '../expectations.ts';
import { longText } from '../long-text.ts';

/** Values below and above the ranges of OpenAI's specification. */
const ranges: readonly (readonly [param: string, values: readonly unknown[], more?: object])[] = [
  ['temperature', [-0.1, 2.1]],
  ['top_p', [-0.1, 1.1]],
  ['presence_penalty', [-2.1, 2.1]],
  ['frequency_penalty', [-2.1, 2.1]],
  ['n', [0, 129, 1.5]],
  ['max_completion_tokens', [-1], { max_tokens: undefined }],
  ['max_tokens', [-1]],
  ['top_logprobs', [-1, 21], { logprobs: true }],
  ['logit_bias', [{ 1000: 101 }, { 1000: -101 }]],
];

const Named = z.looseObject({ model: z.string().min(1), choices: z.array(z.unknown()).min(1) });

/** A server without logprobs may name logprobs instead of top_logprobs. */
const wordOf = (param: string) => (param === 'top_logprobs' ? 'logprobs' : param);

const wrong: readonly (readonly [id: string, title: string, more: object, param: string])[] = [
  ['messages-missing', 'a request without messages is refused', { messages: undefined }, 'messages'],
  ['messages-empty', 'an empty list of messages is refused', { messages: [] }, 'messages'],
  ['messages-type', 'messages that are no list are refused', { messages: 'Hello' }, 'messages'],
  ['role-unknown', 'an unknown role is refused', { messages: [{ role: 'robot', content: 'Hi' }] }, 'role'],
  ['content-missing', 'a user message without content is refused', { messages: [{ role: 'user' }] }, 'content'],
  ['part-unknown', 'a part of unknown type is refused', { messages: ask([{ type: 'smell', text: 'x' }]) }, 'content'],
  ['temperature-type', 'a temperature in words is refused', { temperature: 'hot' }, 'temperature'],
  ['stream-type', 'stream: "yes" is refused', { stream: 'yes' }, 'stream'],
  ['top-logprobs-alone', 'top_logprobs without logprobs is refused', { top_logprobs: 2 }, 'top_logprobs'],
  [
    'stream-options-alone',
    'stream_options without stream is refused',
    { stream_options: { include_usage: true } },
    'stream_options',
  ],
];

export const chatLimitChecks: readonly Check[] = [
  ...ranges.map(([param, values, more]): Check => ({
    id: `chat.range.${param.replaceAll('_', '-')}`,
    title: `${param} out of range is a 400 that names it`,
    why: 'Clients show the error. They retry a 422 or a 500, or treat it as a broken server.',
    async run(context) {
      for (const value of values)
        expectError(await tryChat(context, { ...more, [param]: value }), { status: 400, param: wordOf(param) });
    },
  })),
  {
    id: 'chat.range.ends',
    title: 'the ends of the ranges are allowed',
    why: 'Clients send 0 and 1, and 2 as the extreme value.',
    async run(context) {
      const low = { temperature: 0, top_p: 0, presence_penalty: -2, frequency_penalty: -2, n: 1 };
      const high = { temperature: 2, top_p: 1, presence_penalty: 2, frequency_penalty: 2 };
      for (const more of [low, high]) await chat(context, { ...more, max_tokens: 2 });
    },
  },
  ...wrong.map(([id, title, more, param]): Check => ({
    id: `chat.invalid.${id}`,
    title,
    why: 'A wrong request must get an error that the SDKs can read.',
    async run(context) {
      expectError(await tryChat(context, more), { status: 400, param });
    },
  })),
  {
    id: 'chat.invalid.model-missing',
    title: 'a request without a model is refused, or the answer names the served model',
    why: 'Otherwise a gateway that omits the model gets an unknown model without notice.',
    async run(context) {
      const answer = await tryChat(context, { model: undefined });
      if (answer.status === 200) expectShape(Named, toJson(answer), 'answer');
      else expectError(answer, { status: 400, param: 'model' });
    },
  },
  {
    id: 'chat.unknown-model',
    title: 'an unknown model is a 404 with code model_not_found',
    why: 'Routers (LiteLLM, OpenRouter clients) fall back to another model by this code.',
    async run(context) {
      const answer = await tryChat(context, { model: 'no-such-model' });
      expectError(answer, { status: 404, code: 'model_not_found' });
    },
  },
  {
    id: 'chat.context-length',
    title: 'a prompt that does not fit is a 400 with code context_length_exceeded',
    why: 'Agents shorten their history only after this code.',
    async run(context) {
      const answer = await tryChat(context, { messages: ask(longText(context)), max_tokens: 1 });
      expectError(answer, { status: 400, code: 'context_length_exceeded' });
    },
  },
  {
    id: 'chat.context-length.stream',
    title: 'the same error for a stream request is a plain answer, not a stream',
    why: 'SDKs check the status. A 200 with an error in the stream looks like an empty text.',
    async run(context) {
      const answer = await tryChat(context, { messages: ask(longText(context)), max_tokens: 1, stream: true });
      expectError(answer, { status: 400, code: 'context_length_exceeded' });
    },
  },
  {
    id: 'chat.stream.error-plain',
    title: 'a wrong field in a stream request is a plain 400',
    why: 'SDKs check the status, and no client expects such an error inside a stream.',
    async run(context) {
      const body = chatBody(context, { stream: true, temperature: 3 });
      expectError(await context.send({ path: CHAT, body }), { status: 400, param: 'temperature', title: 'temperature out of range is refused' }); // prettier-ignore
    },
  },
];
