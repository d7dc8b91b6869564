import { z } from 'zod';
import { expectError } from '../answers.ts';
import type { Check } from '../check.ts';
import { MismatchError } from '../errors.ts';
import { expectEqual, expectShape, expectThat, toShown } from '../expectations.ts';
import { FLAT_TOOL, flatToolBody, functionCallsOf, outputText, respond, streamResponse, tryRespond } from '../responses-calls.ts'; // prettier-ignore
import { expectArguments } from '../tool-calls.ts';
import { joinKey, ofType } from '../named-events.ts';

/** All values are finite, so any model reaches the end of the grammar. */
const schema = {
  type: 'object',
  properties: { status: { type: 'string', enum: ['ok', 'failed'] }, done: { type: 'boolean' } },
  required: ['status', 'done'],
  additionalProperties: false,
};
const Report = z.strictObject({ status: z.enum(['ok', 'failed']), done: z.boolean() });

const formatted = (format: object) => ({
  input: 'Report the status of the job, as JSON.',
  text: { format },
  max_output_tokens: 512,
});
const FORMAT = { type: 'json_schema', name: 'report', strict: true, schema };

function expectReport(text: string): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MismatchError('a text that is JSON', toShown(text));
  }
  expectShape(Report, value, 'text');
}

const withResult = (output: string) => [
  { role: 'user', content: 'What is the weather in Paris?' },
  { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Paris","unit":"c"}' },
  { type: 'function_call_output', call_id: 'call_1', output },
];

export const responseOutputChecks: readonly Check[] = [
  {
    id: 'responses.format.json-schema',
    title: 'text.format json_schema: the text parses and validates, streamed too',
    why: 'responses.parse of the official SDKs throws on any other text.',
    async run(context) {
      expectReport(outputText(await respond(context, formatted(FORMAT))));
      const stream = await streamResponse(context, formatted(FORMAT));
      expectReport(joinKey(ofType(stream, 'response.output_text.delta'), 'delta'));
    },
  },
  ...(
    [
      ['type', 'an unknown type of format', { type: 'xml' }],
      ['name', 'a format without a name', { type: 'json_schema', schema }],
      ['schema', 'a schema with an unknown type', { ...FORMAT, schema: { type: 'nonsense' } }],
    ] as const
  ).map(([id, title, format]): Check => ({
    id: `responses.format.invalid.${id}`,
    title: `${title} is refused, and the next request is answered`,
    why: 'An error of one client must not end the service for all clients.',
    async run(context) {
      expectError(await tryRespond(context, formatted(format)), { status: 400, param: 'text.format' });
      await respond(context);
    },
  })),
  {
    id: 'responses.tools.required',
    title: 'a required call is an item of type function_call, with arguments of its schema',
    why: 'Agents of the official SDKs run the tool of each such item.',
    async run(context) {
      for (const tool_choice of ['required', { type: 'function', name: 'get_weather' }]) {
        const calls = functionCallsOf(await respond(context, flatToolBody({ tool_choice })));
        expectEqual(calls.length, 1, 'the number of calls with parallel_tool_calls: false');
        const [{ name, arguments: text }] = calls as [(typeof calls)[number]];
        expectEqual(name, 'get_weather', 'the name of the tool');
        expectArguments({ function: { name, arguments: text } });
      }
    },
  },
  {
    id: 'responses.tools.none',
    title: 'tool_choice: none gives no call',
    why: 'Agents request their last answer this way.',
    async run(context) {
      const { output } = await respond(context, flatToolBody({ tool_choice: 'none', max_output_tokens: 16 }));
      expectThat(!output.some(({ type }) => type === 'function_call'), 'no function_call', output);
    },
  },
  {
    id: 'responses.tools.result',
    title: 'results of tools reach the model',
    why: 'The second turn of every agent has this form.',
    async run(context) {
      const ask = (output: string) => respond(context, { input: withResult(output), tools: [FLAT_TOOL] });
      const [few, more] = [await ask('Rain.'), await ask('Rain in the morning, and sun with some wind from noon on.')];
      const { input_tokens: least } = few.usage;
      expectThat(more.usage.input_tokens > least, `more than ${least} input tokens with a longer result`, more.usage);
    },
  },
  {
    id: 'responses.tools.invalid',
    title: 'a choice of a tool that is not in the list is refused',
    why: 'Otherwise it is ignored without an error, or breaks the engine.',
    async run(context) {
      const more = flatToolBody({ tool_choice: { type: 'function', name: 'get_nothing' } });
      expectError(await tryRespond(context, more), { status: 400, param: 'tool_choice' });
    },
  },
];
