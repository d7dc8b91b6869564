import { z } from 'zod';
import { expectError } from '../answers.ts';
import { ask, chat, type ChatAnswer, choicesOf, joined, streamChat, textOf, tryChat } from '../chat-calls.ts';
import type { Check } from '../check.ts';
import { MismatchError } from '../errors.ts';
import { expectEqual, expectShape, expectThat, toShown } from '../expectations.ts';

/** All values are finite, so any model reaches the end of the grammar and `stop`. */
const schema = {
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['ok', 'failed'] },
    done: { type: 'boolean' },
    level: { type: 'integer', enum: [1, 2, 3] },
    detail: {
      type: 'object',
      properties: { colour: { type: 'string', enum: ['red', 'blue'] } },
      required: ['colour'],
      additionalProperties: false,
    },
  },
  required: ['status', 'done', 'level', 'detail'],
  additionalProperties: false,
};
const Report = z.strictObject({
  status: z.enum(['ok', 'failed']),
  done: z.boolean(),
  level: z.literal([1, 2, 3]),
  detail: z.strictObject({ colour: z.enum(['red', 'blue']) }),
});

const jsonSchema = (json_schema: object) => ({
  messages: ask('Report the status of the job, as JSON.'),
  response_format: { type: 'json_schema', json_schema },
  max_tokens: 128,
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MismatchError('content that is JSON', toShown(text));
  }
}

function expectReport(text: string, reason: unknown): void {
  expectShape(Report, parse(text), 'content');
  expectThat(reason === 'stop', 'finish_reason "stop"', reason);
}
const reasonOf = (answer: ChatAnswer) => answer.choices[0]!.finish_reason;

const WORDS = ['日本語 🙂 Ünïcödé', 'Ελληνικά 🦊 naïve'];

export const chatFormatChecks: readonly Check[] = [
  ...[true, false].map((strict): Check => ({
    id: `chat.format.json-schema${strict ? '-strict' : ''}`,
    title: `json_schema, ${strict ? 'strict' : 'not strict'}: the text parses and validates`,
    why: 'Structured output (zod and pydantic helpers, LangChain, Vercel AI SDK) throws on any other text.',
    async run(context) {
      const answer = await chat(context, jsonSchema({ name: 'report', schema, ...(strict ? { strict } : {}) }));
      expectReport(textOf(answer), reasonOf(answer));
    },
  })),
  {
    id: 'chat.format.json-schema-sampled',
    title: 'json_schema holds at temperature 1, for each of n choices',
    why: 'A format that is only a request in the prompt fails when the text varies.',
    async run(context) {
      const more = { temperature: 1, n: 3, seed: 11 };
      const { choices } = await chat(context, { ...jsonSchema({ name: 'report', schema, strict: true }), ...more });
      for (const { message, finish_reason } of choices) expectReport(message.content ?? '', finish_reason);
    },
  },
  {
    id: 'chat.format.json-schema-stream',
    title: 'a streamed json_schema answer joins to a text that validates',
    why: 'User interfaces fill forms while the object arrives.',
    async run(context) {
      const stream = await streamChat(context, jsonSchema({ name: 'report', schema, strict: true }));
      expectReport(joined(stream), choicesOf(stream).at(-1)?.finish_reason);
    },
  },
  {
    id: 'chat.format.utf8',
    title: 'characters of several bytes come whole, streamed too',
    why: 'The schema forces them for any model. An incomplete character would break the JSON.',
    async run(context) {
      const format = jsonSchema({
        name: 'words',
        strict: true,
        schema: {
          type: 'object',
          properties: { word: { type: 'string', enum: WORDS } },
          required: ['word'],
          additionalProperties: false,
        },
      });
      const texts = [textOf(await chat(context, format)), joined(await streamChat(context, format))];
      for (const text of texts) expectShape(z.strictObject({ word: z.enum(WORDS) }), parse(text), 'content');
    },
  },
  {
    id: 'chat.format.json-object',
    title: 'json_object gives JSON',
    why: 'Older code requests it and parses the text.',
    async run(context) {
      const messages = ask('Give a JSON object with the key "name" and your name as its value. Nothing else.');
      const answer = await chat(context, { messages, response_format: { type: 'json_object' }, max_tokens: 200 });
      const text = textOf(answer);
      // OpenAI also returns incomplete JSON if max_tokens cuts the text.
      if (reasonOf(answer) === 'length')
        expectThat(text.trimStart().startsWith('{'), 'the beginning of an object', text); // prettier-ignore
      else expectThat(typeof parse(text) === 'object' && text.trimStart().startsWith('{'), 'a JSON object', text);
    },
  },
  {
    id: 'chat.format.text',
    title: 'response_format: text has the same effect as the default',
    why: 'Frameworks send it explicitly.',
    async run(context) {
      await chat(context, { response_format: { type: 'text' }, max_tokens: 2 });
    },
  },
  ...(
    [
      ['type', 'an unknown type of format', { response_format: { type: 'xml' } }],
      ['schema', 'a schema with an unknown type', jsonSchema({ name: 'broken', schema: { type: 'nonsense' } })],
      [
        'reference',
        'a schema whose $ref leads nowhere',
        jsonSchema({ name: 'lost', schema: { $ref: '#/$defs/none' } }),
      ],
      ['missing', 'json_schema without its object', { response_format: { type: 'json_schema' } }],
      ['name', 'a format without a name', jsonSchema({ schema })],
    ] as const
  ).map(([id, title, more]): Check => ({
    id: `chat.format.invalid.${id}`,
    title: `${title} is refused, and the next request is answered`,
    why: 'Compilers of grammars can crash. An error of one client must not end the service for all clients.',
    async run(context) {
      expectError(await tryChat(context, more), { status: 400, param: 'response_format' });
      expectEqual((await chat(context, { max_tokens: 2 })).choices.length, 1, 'the number of choices');
    },
  })),
];
