import { z } from 'zod';
import { expectError, fetchJson, toJson } from '../answers.ts';
import { QUESTION, seconds } from '../chat-calls.ts';
import type { Check, Context } from '../check.ts';
import { SkippedError } from '../errors.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';
import { longText } from '../long-text.ts';
import {
  messagesOf, outputText, respond, responseBody, RESPONSES, ResponseUsage, toResponse, tryRespond, wholeResponse,
} from '../responses-calls.ts'; // prettier-ignore

const Response = z.looseObject({
  id: z.string().min(1),
  object: z.literal('response'),
  created_at: seconds,
  status: z.enum(['completed', 'incomplete']),
  error: z.null(),
  incomplete_details: z.looseObject({ reason: z.string() }).nullable(),
  instructions: z.string().nullable(),
  model: z.string().min(1),
  output: z.array(z.looseObject({ type: z.string(), id: z.string() })),
  parallel_tool_calls: z.boolean(),
  tools: z.array(z.unknown()),
  tool_choice: z.unknown().refine((value) => value !== undefined, 'a choice'),
  temperature: z.number().nullable(),
  top_p: z.number().nullable(),
  metadata: z.record(z.string(), z.string()).nullable(),
});

const Reasoning = z.looseObject({
  type: z.literal('reasoning'),
  id: z.string().min(1),
  summary: z.array(z.looseObject({ type: z.literal('summary_text'), text: z.string() })),
  content: z.array(z.looseObject({ type: z.literal('reasoning_text'), text: z.string() })).nullish(),
});

const inputTokens = async (context: Context, more: object): Promise<number> =>
  (await respond(context, more)).usage.input_tokens;

const wrong: readonly (readonly [id: string, title: string, more: object, param: string])[] = [
  ['input-missing', 'a request without input is refused', { input: undefined }, 'input'],
  ['role', 'an unknown role is refused', { input: [{ role: 'robot', content: 'Hi' }] }, 'input'],
  ['temperature', 'temperature out of range is refused', { temperature: 2.1 }, 'temperature'],
  ['max-output-tokens', 'a negative limit of tokens is refused', { max_output_tokens: -1 }, 'max_output_tokens'],
  ['include', 'an unknown word in include is refused', { include: ['everything'] }, 'include'],
];

export const responseChecks: readonly Check[] = [
  {
    id: 'responses.fields',
    title: 'a response has the fields that the API requires',
    why: 'Typed clients fail to decode a response that lacks one.',
    async run(context) {
      expectShape(Response, await fetchJson(context, { path: RESPONSES, body: responseBody(context) }), 'response');
    },
  },
  {
    id: 'responses.message',
    title: 'the text is in parts of type output_text of a message of the assistant',
    why: 'output_text of the official SDKs joins these parts.',
    async run(context) {
      // A reasoning model may spend a small limit on its thoughts.
      const answer = await respond(context, { max_output_tokens: 512 });
      expectThat(messagesOf(answer).length > 0 && outputText(answer).trim() !== '', 'a text', answer.output);
    },
  },
  {
    id: 'responses.usage',
    title: 'usage counts with its details, and its total is the sum',
    why: 'Cost tools bill by these numbers; the SDKs declare the details as required.',
    async run(context) {
      const { output_tokens: made } = expectShape(ResponseUsage, (await wholeResponse(context)).usage, 'usage');
      expectThat(made >= 1 && made <= 16, '1 to 16 output tokens', made);
    },
  },
  {
    id: 'responses.incomplete',
    title: 'a response that the limit cuts is incomplete, with the reason max_output_tokens',
    why: 'Agents ask for the rest of a text by it.',
    async run(context) {
      const answer = await wholeResponse(context);
      if (answer.usage.output_tokens < 16) return expectEqual(String(answer.status), 'completed', 'status');
      const Cut = z.looseObject({
        status: z.literal('incomplete'),
        incomplete_details: z.looseObject({ reason: z.literal('max_output_tokens') }),
      });
      expectShape(Cut, answer, 'answer');
    },
  },
  {
    id: 'responses.input-items',
    title: 'items with text parts equal the same text as a string',
    why: 'Agent frameworks send items, simple clients send a string.',
    async run(context) {
      const whole = (await wholeResponse(context)).usage.input_tokens;
      const items = [
        { role: 'user', content: QUESTION },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: QUESTION }] },
      ];
      for (const item of items) expectEqual(await inputTokens(context, { input: [item] }), whole, 'input tokens');
    },
  },
  {
    id: 'responses.instructions',
    title: 'instructions reach the model',
    why: 'Agents send their system prompt in this field.',
    async run(context) {
      const short = await inputTokens(context, { instructions: 'You are a guide.' });
      const long = await inputTokens(context, { instructions: 'You are a helpful guide to the museums of a large city.' }); // prettier-ignore
      expectThat(long > short, `more than ${short} input tokens with longer instructions`, long);
    },
  },
  {
    id: 'responses.history',
    title: 'the output of a response is accepted as input of the next',
    why: 'Clients of servers without state send the conversation this way.',
    async run(context) {
      const { output, usage } = await wholeResponse(context);
      const first = { role: 'user', content: QUESTION };
      const long = await inputTokens(context, { input: [first, ...output, { role: 'user', content: 'Go on.' }] });
      expectThat(long > usage.input_tokens + 3, `more than ${usage.input_tokens + 3} input tokens`, long);
    },
  },
  {
    id: 'responses.metadata',
    title: 'fields without effect are accepted, and metadata comes back',
    why: 'Frameworks mark their requests and find them by these marks.',
    async run(context) {
      const more = { metadata: { run: '7' }, store: false, user: 'someone', include: [], x_unknown: 1 };
      const answer = await respond(context, more);
      expectThat((answer['metadata'] as { run?: unknown } | null)?.run === '7', 'metadata of the request', answer['metadata']); // prettier-ignore
    },
  },
  {
    id: 'responses.reasoning',
    title: 'reasoning.effort is honoured, and thoughts are items of type reasoning',
    why: 'Agents set the effort for every model, and show or drop these items.',
    mayRefuse: ['reasoning.effort', 'reasoning'],
    async run(context) {
      const answer = await respond(context, { reasoning: { effort: 'low' }, max_output_tokens: 64 });
      const thoughts = answer.output.filter(({ type }) => type === 'reasoning');
      for (const item of thoughts) expectShape(Reasoning, item, 'reasoning item');
      const told = expectShape(z.looseObject({ effort: z.string().nullable() }), answer['reasoning'], 'reasoning');
      expectThat(told.effort === 'low', 'reasoning.effort of the request', told);
      if (thoughts.length === 0) throw new SkippedError('the model wrote no thoughts');
    },
  },
  ...wrong.map(([id, title, more, param]): Check => ({
    id: `responses.invalid.${id}`,
    title,
    why: 'A wrong request must get an error that the SDKs can read.',
    async run(context) {
      expectError(await tryRespond(context, more), { status: 400, param });
    },
  })),
  {
    id: 'responses.unknown-model',
    title: 'an unknown model is a 404 or 400 with code model_not_found',
    why: 'Routers fall back to another model by this code.',
    async run(context) {
      const answer = await tryRespond(context, { model: 'no-such-model' });
      expectError(answer, { status: answer.status === 400 ? 400 : 404, code: 'model_not_found' });
    },
  },
  {
    id: 'responses.context-length',
    title: 'input that does not fit is a 400 with code context_length_exceeded',
    why: 'Agents shorten their history only after this code.',
    async run(context) {
      const answer = await tryRespond(context, { input: longText(context) });
      expectError(answer, { status: 400, code: 'context_length_exceeded' });
    },
  },
  {
    id: 'responses.state.store',
    title: 'a response with store: true can be fetched by its id, or store is refused by name',
    why: 'A client that stores a response expects to find it.',
    async run(context) {
      const answer = await tryRespond(context, { store: true });
      if (answer.status !== 200) return expectError(answer, { status: 400, param: 'store' });
      const { id } = toResponse(toJson(answer));
      const kept = await fetchJson(context, { path: `${RESPONSES}/${encodeURIComponent(id)}` });
      expectEqual(toResponse(kept).id, id, 'the id of the fetched response');
    },
  },
  {
    id: 'responses.state.previous-response-id',
    title: 'previous_response_id continues a kept response, and is refused by name without one',
    why: 'A server that ignores it answers without the conversation, and nobody sees it.',
    async run(context) {
      const refusal = (answer: Awaited<ReturnType<typeof tryRespond>>): void =>
        expectError(answer, { status: answer.status === 404 ? 404 : 400, param: 'previous_response_id' });
      refusal(await tryRespond(context, { previous_response_id: 'resp_unknown' }));
      const first = await tryRespond(context, { store: true });
      if (first.status !== 200) return;
      const { id, usage } = toResponse(toJson(first));
      const { usage: next } = await respond(context, { previous_response_id: id, input: 'Go on.' });
      expectThat(next.input_tokens > usage.input_tokens, `more than ${usage.input_tokens} input tokens`, next);
    },
  },
];
