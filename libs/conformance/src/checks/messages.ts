import { z } from 'zod';
import { expectSuccess, toJson } from '../answers.ts';
import { ask, QUESTION } from '../chat-calls.ts';
import type { Check } from '../check.ts';
import { SkippedError } from '../errors.ts';
import { expectEqual, expectShape, expectThat, retryMismatch } from '../expectations.ts';
import {
  countTokens, expectMessageError, INPUT_TOOL, inputOf, inputToolBody, message, MESSAGES, messageBody, messageText, MessageUsage, STOP_REASONS, ToolUse, tryMessage, wholeMessage,
} from '../message-calls.ts'; // prettier-ignore
import { SHARED } from '../kinds.ts';
import { expectArguments } from '../tool-calls.ts';

const Message = z.looseObject({
  id: z.string().min(1),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string().min(1),
  content: z.array(z.looseObject({ type: z.string() })).min(1),
  stop_reason: z.enum(STOP_REASONS),
  stop_sequence: z.string().nullable(),
  usage: MessageUsage,
});

const blocks = (...texts: string[]) => texts.map((text) => ({ type: 'text', text }));
const withResult = (content: unknown) => [
  ...ask('What is the weather in Paris?'),
  {
    role: 'assistant',
    content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Paris', unit: 'c' } }],
  },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content }] },
];

const wrong: readonly (readonly [id: string, title: string, more: object, word: string])[] = [
  ['max-tokens', 'a request without max_tokens is refused', { max_tokens: undefined }, 'max_tokens'],
  ['messages', 'an empty list of messages is refused', { messages: [] }, 'messages'],
  ['role', 'an unknown role is refused', { messages: [{ role: 'robot', content: 'Hi' }] }, 'role'],
  ['temperature', 'a temperature above 1 is refused', { temperature: 1.5 }, 'temperature'],
  ['tool-choice', 'a choice of a tool that is not in the list is refused', inputToolBody({ tool_choice: { type: 'tool', name: 'get_nothing' } }), 'get_nothing'], // prettier-ignore
];

export const messageChecks: readonly Check[] = [
  {
    id: 'messages.fields',
    title: 'a message has the fields that the API requires',
    why: 'Typed clients fail to decode a message that lacks one.',
    async run(context) {
      const answer = await tryMessage(context);
      expectSuccess(answer);
      expectShape(Message, toJson(answer), 'answer');
    },
  },
  {
    id: 'messages.text',
    title: 'the text is in blocks of type text',
    why: 'Every client shows the text of these blocks.',
    async run(context) {
      const answer = await message(context, { max_tokens: 512 });
      expectThat(messageText(answer).trim() !== '', 'a text', answer.content);
    },
  },
  {
    id: 'messages.max-tokens',
    title: 'max_tokens ends the message with the reason max_tokens',
    why: 'Agents decide by it whether to continue.',
    async run(context) {
      const { usage, stop_reason: reason } = await message(context, { max_tokens: 3 });
      expectThat(usage.output_tokens >= 1 && usage.output_tokens <= 3, '1 to 3 output tokens', usage);
      expectEqual(String(reason), 'max_tokens', 'stop_reason');
    },
  },
  {
    id: 'messages.stop-sequences',
    title: 'a stop sequence ends the text before it, and is reported',
    why: 'Agents that read marks in the text depend on the exact end and on its name.',
    run: (context) =>
      retryMismatch(async () => {
        const text = messageText(await message(context, { max_tokens: 48 }));
        const word = /\w(\w{2,})/.exec(text.slice(text.length / 3))?.[0];
        if (word === undefined) throw new SkippedError('the text has no words');
        const answer = await message(context, { max_tokens: 48, stop_sequences: [word] });
        expectThat(!messageText(answer).includes(word), `a text without ${word}`, messageText(answer));
        expectEqual(String(answer.stop_reason), 'stop_sequence', 'stop_reason');
        expectEqual(String(answer.stop_sequence), word, 'stop_sequence');
      }),
  },
  {
    id: 'messages.system',
    title: 'system reaches the model, as a string and as blocks',
    why: 'Anthropic’s clients send their instructions in it, with marks for a cache in the blocks.',
    async run(context) {
      const tokens = async (system: unknown) => inputOf(await message(context, { system, max_tokens: 4 }));
      const few = await tokens('You are a guide.');
      const text = 'You are a helpful guide to the museums of a large city.';
      const marked = blocks(text).map((block) => ({ ...block, cache_control: { type: 'ephemeral' } }));
      for (const system of [text, marked]) {
        const more = await tokens(system);
        expectThat(more > few, `more than ${few} input tokens with a longer system`, more);
      }
    },
  },
  {
    id: 'messages.blocks',
    title: 'text blocks equal the same text as a string',
    why: 'Anthropic’s agents send blocks, simple clients send a string.',
    async run(context) {
      const whole = inputOf(await wholeMessage(context));
      const parts = await message(context, { messages: ask(blocks(QUESTION)) });
      expectEqual(inputOf(parts), whole, 'input tokens of one block');
    },
  },
  {
    id: 'messages.unknown-fields',
    title: 'unknown fields and metadata are accepted',
    why: 'Clients may be newer than the server.',
    async run(context) {
      await message(context, { x_unknown: 1, metadata: { user_id: 'someone' } });
    },
  },
  {
    id: 'messages.count-tokens',
    title: 'count_tokens gives the number of input tokens of the same message',
    why: 'Agents decide by it when to shorten their history.',
    async run(context) {
      const body = { model: context.model, messages: ask() };
      const probe = await context.send({ path: `${MESSAGES}/count_tokens`, body });
      if ([404, 405, 501].includes(probe.status)) throw new SkippedError('no such route');
      expectEqual(await countTokens(context), inputOf(await wholeMessage(context)), 'input_tokens');
    },
  },
  {
    id: 'messages.tools.required',
    title: 'tool_choice any and tool give a block of type tool_use with an input of the schema',
    why: 'Agents run the tool of each such block.',
    async run(context) {
      for (const choice of [{ type: 'any' }, { type: 'tool', name: INPUT_TOOL.name }]) {
        const more = { tool_choice: { ...choice, disable_parallel_tool_use: true } };
        const { content, stop_reason: reason } = await message(context, inputToolBody(more));
        const uses = content.filter(({ type }) => type === 'tool_use');
        expectThat(uses.length > 0, 'a block of type tool_use', content, SHARED.noCall);
        const [use] = expectShape(z.array(ToolUse).length(1), uses, 'blocks of type tool_use');
        expectEqual(use!.name, INPUT_TOOL.name, 'the name of the tool');
        expectArguments({ function: { name: use!.name, arguments: JSON.stringify(use!.input) } });
        expectEqual(String(reason), 'tool_use', 'stop_reason');
      }
    },
  },
  {
    id: 'messages.tools.none',
    title: 'tool_choice none gives no call',
    why: 'Agents request their last answer this way.',
    async run(context) {
      const { content } = await message(context, inputToolBody({ tool_choice: { type: 'none' }, max_tokens: 8 }));
      expectThat(!content.some(({ type }) => type === 'tool_use'), 'no tool_use', content);
    },
  },
  {
    id: 'messages.tools.result',
    title: 'results of tools reach the model, as a string and as blocks',
    why: 'The second turn of every agent has this form.',
    async run(context) {
      const tokens = async (content: unknown) =>
        inputOf(await message(context, { messages: withResult(content), tools: [INPUT_TOOL], max_tokens: 4 }));
      const few = await tokens('Rain.');
      const more = await tokens(blocks('Rain in the morning, and sun with some wind from noon on.'));
      expectThat(more > few, `more than ${few} input tokens with a longer result`, more);
    },
  },
  ...wrong.map(([id, title, more, word]): Check => ({
    id: `messages.invalid.${id}`,
    title,
    why: 'Anthropic’s SDKs read the error object of this API, which differs from OpenAI’s.',
    async run(context) {
      expectMessageError(await tryMessage(context, more), 400, 'invalid_request_error', word);
    },
  })),
  {
    id: 'messages.unknown-model',
    title: 'an unknown model is a 404 of type not_found_error',
    why: 'Routers fall back to another model by this type.',
    async run(context) {
      const answer = await tryMessage(context, { ...messageBody(context), model: 'no-such-model' });
      expectMessageError(answer, 404, 'not_found_error', 'no-such-model');
    },
  },
];
