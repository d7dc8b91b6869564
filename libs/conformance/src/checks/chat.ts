import { z } from 'zod';
import { fetchJson } from '../answers.ts';
import {
  ask,
  CHAT,
  chat,
  chatBody,
  countsOf,
  FINISH_REASONS,
  QUESTION,
  seconds,
  textOf,
  Usage,
  wholeChat,
} from '../chat-calls.ts';
import type { Check, Context } from '../check.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';

const Completion = z.looseObject({
  id: z.string().min(1),
  object: z.literal('chat.completion'),
  created: seconds,
  model: z.string().min(1),
  choices: z
    .array(
      z.looseObject({
        index: z.int(),
        finish_reason: z.enum(FINISH_REASONS),
        message: z.looseObject({
          role: z.literal('assistant'),
          content: z.string().nullable(),
          refusal: z.string().nullable(),
        }),
      }),
    )
    .length(1),
});

/** Texts of different length, so that the number of prompt tokens shows a text that is ignored. */
async function promptTokens(context: Context, messages: object[], more: object = {}): Promise<number> {
  return countsOf(await chat(context, { messages, max_tokens: 1, ...more })).prompt_tokens;
}

const part = (text: string) => [{ type: 'text', text }];

export const chatChecks: readonly Check[] = [
  {
    id: 'chat.fields',
    title: 'an answer has the fields that the API requires',
    why: 'Typed clients (Java, Go, Rust, pydantic) fail to decode an answer that lacks one.',
    async run(context) {
      expectShape(Completion, await fetchJson(context, { path: CHAT, body: chatBody(context) }), 'answer');
    },
  },
  {
    id: 'chat.finish-reason',
    title: 'finish_reason says why the text ends, in the words of the API',
    why: 'Agents decide by it whether to continue. An unknown value ends them with an error.',
    async run(context) {
      const answer = await wholeChat(context);
      const { finish_reason: reason } = answer.choices[0]!;
      expectThat(
        FINISH_REASONS.some((word) => word === reason),
        `one of ${FINISH_REASONS.join(', ')}`,
        reason,
      );
      const cut = answer.usage?.completion_tokens === 16;
      if (cut) expectEqual(reason ?? null, 'length', 'finish_reason after max_tokens tokens');
    },
  },
  {
    id: 'chat.logprobs.null',
    title: 'logprobs is there and null when it was not asked for',
    why: 'The typed models of official SDKs declare it as required.',
    async run(context) {
      const [choice] = (await wholeChat(context)).choices;
      expectThat(choice!.logprobs === null, 'logprobs: null', choice);
    },
  },
  {
    id: 'chat.usage',
    title: 'usage counts, and its total is the sum',
    why: 'Cost and budget tools (LiteLLM, Langfuse) bill by these numbers.',
    async run(context) {
      const { usage } = await wholeChat(context);
      const counted = expectShape(Usage, usage, 'usage');
      expectThat(counted.completion_tokens >= 1 && counted.completion_tokens <= 16, '1 to 16 tokens', counted);
    },
  },
  {
    id: 'chat.text',
    title: 'the text is not empty',
    why: 'Every client shows the text.',
    async run(context) {
      const [choice] = (await wholeChat(context)).choices;
      const message = choice!.message as Record<string, unknown>;
      // A reasoning model may have written only thoughts.
      const text = [message['content'], message['reasoning_content'], message['reasoning']].find(Boolean);
      expectThat(typeof text === 'string' && text.trim() !== '', 'text', message);
    },
  },
  {
    id: 'chat.id-unique',
    title: 'each answer has an id of its own',
    why: 'Tracing tools and caches use it as a key, and confuse answers with the same id.',
    async run(context) {
      const ids = await Promise.all([chat(context, { max_tokens: 1 }), chat(context, { max_tokens: 1 })]);
      expectThat(
        ids[0]!.id !== ids[1]!.id,
        'two different ids',
        ids.map(({ id }) => id),
      );
    },
  },
  ...['max_completion_tokens', 'max_tokens'].map((field): Check => ({
    id: `chat.${field.replaceAll('_', '-')}`,
    title: `${field} ends the answer`,
    why: 'Old and new SDKs send different names. If a name is ignored, answers run to the end of the context.',
    async run(context) {
      const answer = await chat(context, { max_tokens: undefined, [field]: 3 });
      expectThat(countsOf(answer).completion_tokens <= 3, 'at most 3 completion tokens', answer.usage);
      expectEqual(answer.choices[0]!.finish_reason ?? null, 'length', 'finish_reason');
    },
  })),
  {
    id: 'chat.n',
    title: 'n choices come back, each with its index',
    why: 'Self-consistency and evaluation code asks for n and reads choices by index.',
    async run(context) {
      const answer = await chat(context, { n: 3, temperature: 1, max_tokens: 4 });
      const { choices } = answer;
      const indexes = choices.map(({ index }) => index);
      expectThat([0, 1, 2].every((i) => indexes.includes(i)) && choices.length === 3, 'indexes 0, 1 and 2', indexes);
      expectThat(countsOf(answer).completion_tokens >= 3, 'the tokens of all choices in usage', answer.usage);
    },
  },
  {
    id: 'chat.stable',
    title: 'temperature 0 gives the same text again',
    why: 'Evaluations and caches depend on it.',
    async run(context) {
      const texts = [textOf(await wholeChat(context))];
      for (let i = 0; i < 3; i += 1) {
        const text = textOf(await chat(context));
        if (texts.includes(text)) return;
        texts.push(text);
      }
      expectThat(false, 'two equal texts in four', texts);
    },
  },
  {
    id: 'chat.unknown-fields',
    title: 'unknown fields are ignored, at the top and in messages',
    why: 'Clients may be newer than the server. Otherwise each new field would break them.',
    async run(context) {
      const messages = [{ ...ask()[0], x_field: { deep: [1] } }];
      await chat(context, { messages, x_unknown: 'any', max_tokens: 2 });
    },
  },
  {
    id: 'chat.nulls',
    title: 'an explicit null of a nullable field equals its absence',
    why: 'Serialisers of Java, C# and Go write null for fields without a value.',
    async run(context) {
      const names =
        'temperature top_p n stop max_completion_tokens logprobs top_logprobs logit_bias presence_penalty frequency_penalty seed stream stream_options metadata store service_tier';
      const nulls = Object.fromEntries(names.split(' ').map((name) => [name, null]));
      const answer = await chat(context, { ...nulls, max_tokens: 2 });
      expectThat(answer.choices.length === 1, 'one choice', answer.choices.length);
    },
  },
  {
    id: 'chat.harmless-fields',
    title: 'fields that do not change the text are accepted',
    why: 'Frameworks send user, seed, metadata or store with each request.',
    async run(context) {
      const more = { user: 'someone', seed: 7, metadata: { run: '1' }, store: false, service_tier: 'auto' };
      await chat(context, { ...more, response_format: { type: 'text' }, max_tokens: 2 });
    },
  },
  {
    id: 'chat.multi-turn',
    title: 'a conversation of several turns, with names, is read as a whole',
    why: 'Every chat client sends the history.',
    async run(context) {
      const turns = [
        { role: 'system', content: 'Answer briefly.' },
        { role: 'user', name: 'ada', content: 'What is the capital of France?' },
        { role: 'assistant', content: 'Paris.' },
      ];
      const short = await promptTokens(context, [turns[0]!, ...ask('And of Italy?')]);
      const long = await promptTokens(context, [...turns, ...ask('And of Italy?')]);
      expectThat(long > short + 8, `more than ${short + 8} prompt tokens with two more turns`, long);
    },
  },
  ...['system', 'developer'].map((role): Check => ({
    id: `chat.role.${role}`,
    title: `the role ${role} is accepted and reaches the model`,
    why: 'LangChain and the SDKs of agents send their instructions in it.',
    async run(context) {
      const instruction = { role, content: 'You are a helpful guide to the museums of a large old city.' };
      const other = { role, content: 'You are a guide.' };
      const long = await promptTokens(context, [instruction, ...ask()]);
      const short = await promptTokens(context, [other, ...ask()]);
      expectThat(long > short, `more than ${short} prompt tokens with a longer instruction`, long);
    },
  })),
  {
    id: 'chat.parts.user',
    title: 'text parts equal the same text as a string',
    why: 'The Vercel AI SDK and LlamaIndex send parts. A server that ignores them answers to an empty message.',
    async run(context) {
      const whole = await promptTokens(context, ask());
      expectEqual(await promptTokens(context, ask(part(QUESTION))), whole, 'prompt tokens of one text part');
      const two = await promptTokens(context, ask([...part(QUESTION), ...part(' And then back again.')]));
      expectThat(two > whole, `more than ${whole} prompt tokens with a second part`, two);
    },
  },
  {
    id: 'chat.parts.all-roles',
    title: 'text parts are taken in system, developer and assistant messages too',
    why: 'Clients that use parts use them for every role.',
    async run(context) {
      const messages = [
        { role: 'system', content: part('Answer briefly.') },
        { role: 'developer', content: part('In English.') },
        { role: 'user', content: part('Hello.') },
        { role: 'assistant', content: part('Good day.') },
        { role: 'user', content: part('How are you?') },
      ];
      await chat(context, { messages, max_tokens: 2 });
    },
  },
];
