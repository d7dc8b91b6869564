/** What the chat benchmark asks for: plain text, an answer of a schema's shape, or a call of a tool. */
export interface ChatKind {
  readonly name: string;
  readonly request: object;
  /** The part of the engine's input from which the bare loop makes the same grammar. */
  readonly constraint?: object;
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

/** A schema that keeps a model busy for a while; the name of its property tells schemas apart. */
export function listSchema(property: string): object {
  return parameters({
    [property]: { type: 'array', items: { type: 'string', maxLength: 120 }, minItems: 3, maxItems: 6 },
  });
}

const schema = listSchema('facts');

export const CHAT_KINDS: readonly ChatKind[] = [
  { name: 'plain', request: {} },
  {
    name: 'schema',
    request: { response_format: toFormat(schema) },
    constraint: { format: { type: 'json-schema', schema } },
  },
  {
    name: 'tools',
    request: { tools: [weather, tide].map((tool) => ({ type: 'function', function: tool })), tool_choice: 'required' },
    constraint: { prompt: { tools: [weather, tide], toolChoice: { mode: 'required', parallel: true } } },
  },
];

/** OpenAI's response_format for a schema. */
export function toFormat(schema: object): object {
  return { type: 'json_schema', json_schema: { name: 'bench', schema, strict: true } };
}
