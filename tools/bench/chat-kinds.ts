/**
 * The requests of the chat benchmark: plain text, a long prompt with one token of answer, an answer by a schema, a call
 * of a tool, or plain text with expensive sampling. The last are compared with the plain text of the bare loop.
 */
export interface ChatKind {
  readonly name: string;
  /** The message of the user, with `{number}` at its beginning where requests differ. */
  readonly message?: string;
  /** Tokens of an answer; with 1 the throughput counts the tokens of the prompts. */
  readonly tokens?: number;
  readonly request: object;
  /** The part of the engine's input from which the bare loop makes the same grammar. */
  readonly constraint?: object;
  /** Expected share of the throughput of the bare loop. */
  readonly least: number;
}

const place = { type: 'string', maxLength: 40 };
const parameters = (properties: object): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const weather = {
  name: 'weather',
  description: 'The weather at a place, hour by hour.',
  parameters: parameters({ place, days: { type: 'integer', minimum: 1, maximum: 14 } }),
};
const tide = {
  name: 'tide',
  description: 'High and low water at a harbour.',
  parameters: parameters({ harbour: place, remark: { type: 'string', maxLength: 200 } }),
};

/** A schema for a long answer; the name of its property makes each schema different. */
export function listSchema(property: string): object {
  return parameters({
    [property]: { type: 'array', items: { type: 'string', maxLength: 120 }, minItems: 3, maxItems: 6 },
  });
}

const schema = listSchema('facts');

export const CHAT_KINDS: readonly ChatKind[] = [
  { name: 'plain', request: {}, least: 1 },
  {
    name: 'prefill',
    message: `{number} reasons to go to sea: ${'the wind is fair and the water is deep, '.repeat(45)}`,
    tokens: 1,
    request: {},
    least: 1,
  },
  {
    name: 'schema',
    request: { response_format: toFormat(schema) },
    constraint: { format: { type: 'json-schema', schema } },
    least: 1,
  },
  {
    name: 'tools',
    request: { tools: [weather, tide].map((tool) => ({ type: 'function', function: tool })), tool_choice: 'required' },
    constraint: { prompt: { tools: [weather, tide], toolChoice: { mode: 'required', parallel: true } } },
    least: 1,
  },
  { name: 'sampling', request: { temperature: 0.8, top_p: 0.95, seed: 1 }, least: 0.9 },
  { name: 'alternatives', request: { logprobs: true, top_logprobs: 5 }, least: 0.9 },
  { name: 'bias', request: { logit_bias: { 5: 1 } }, least: 0.9 },
];

/** OpenAI's response_format for a schema. */
export function toFormat(schema: object): object {
  return { type: 'json_schema', json_schema: { name: 'bench', schema, strict: true } };
}
