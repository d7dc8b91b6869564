import { z } from 'zod';

const jsonSchema = z.union([z.record(z.string(), z.unknown()), z.boolean()]);
/** A JSON Schema, as an object or as JSON text. */
const schemaOrText = z.union([
  jsonSchema,
  z.string().transform((text, context) => {
    try {
      const parsed = jsonSchema.safeParse(JSON.parse(text));
      if (parsed.success) return parsed.data;
    } catch {
      // reported below
    }
    context.addIssue({ code: 'custom', message: 'expected a JSON Schema, or the JSON of one' });
    return z.NEVER;
  }),
]);
const choices = z.array(z.string().min(1)).min(1).max(1000);
const tokens = z.array(z.int().min(0));
const pattern = z.string().min(1);

/** Formats of a text, with the names of vLLM. */
export const StructuredOutputs = z
  .strictObject({
    json: schemaOrText.nullish(),
    regex: pattern.nullish(),
    choice: choices.nullish(),
    grammar: pattern.nullish(),
    json_object: z.boolean().nullish(),
  })
  .meta({ id: 'StructuredOutputs' });
export type StructuredOutputs = z.infer<typeof StructuredOutputs>;

/** Extension fields of chat and completions, with the names of other servers (see `extensionFields`). */
export const generateExtensions = {
  top_k: z.int().nullish().describe('Sample from the k most probable tokens; below 1: from all.'),
  min_p: z
    .number()
    .min(0)
    .max(1)
    .nullish()
    .describe('Least probability of a token, relative to the most probable token.'),
  typical_p: z.number().positive().max(1).nullish().describe('Locally typical sampling; 1 turns it off.'),
  repetition_penalty: z.number().positive().nullish().describe('1 turns it off.'),
  repeat_penalty: z.number().positive().nullish().describe('Another name of repetition_penalty.'),

  ignore_eos: z.boolean().nullish().describe('Generate up to the limit of tokens, for measurements.'),
  stop_token_ids: tokens.nullish().describe('Tokens that end a text, in addition to the model’s end tokens.'),
  min_tokens: z.int().min(0).nullish().describe('The least number of tokens before the end.'),
  min_new_tokens: z.int().min(0).nullish().describe('Another name of min_tokens.'),
  allowed_token_ids: tokens
    .min(1)
    .nullish()
    .describe('Generate only these tokens. An end token is possible only if it is in the list.'),
  bad_words: z.array(z.string().min(1)).max(1000).nullish().describe('Texts that are not generated.'),
  include_stop_str_in_output: z.boolean().nullish().describe('Keep the stop text at the end of the text.'),
  no_stop_trim: z.boolean().nullish().describe('Another name of include_stop_str_in_output.'),

  truncate_prompt_tokens: z
    .int()
    .min(1)
    .nullish()
    .describe('Read only the last tokens of the prompt, up to this number.'),
  prompt_logprobs: z.int().min(0).max(20).nullish().describe('Alternatives per token of the prompt. Not for streams.'),
  return_token_ids: z.boolean().nullish().describe('Return the token ids of the prompt and of the text.'),

  structured_outputs: StructuredOutputs.nullish(),
  guided_json: schemaOrText.nullish().describe('A JSON Schema, as an object or as JSON text.'),
  guided_choice: choices.nullish().describe('The text is one of these texts.'),
  guided_regex: pattern.nullish().describe('A regular expression (ECMA-262) that the text matches.'),
  guided_grammar: pattern.nullish().describe('A grammar in GBNF, or in the Lark dialect of llguidance.'),
  grammar: pattern.nullish().describe('A grammar in GBNF, or in the Lark dialect of llguidance.'),
  ebnf: pattern.nullish().describe('A grammar in GBNF, or in the Lark dialect of llguidance.'),
  json_schema: schemaOrText.nullish().describe('A JSON Schema, as an object or as JSON text.'),
  regex: pattern.nullish().describe('A regular expression (ECMA-262) that the text matches.'),
};

/** Extension fields of chat only. */
export const chatExtensions = {
  add_generation_prompt: z.boolean().nullish().describe('The template begins an answer. Default true.'),
  continue_final_message: z
    .boolean()
    .nullish()
    .describe('Continue the text of the last message, which is the assistant’s.'),
  chat_template_kwargs: z.record(z.string(), z.unknown()).nullish().describe('Variables of the chat template.'),
};

/** The fields that set the format of a text; a request may have only one of them. */
export const shapeFields = [
  ...(['response_format', 'structured_outputs', 'guided_json', 'guided_choice', 'guided_regex'] as const),
  ...(['guided_grammar', 'grammar', 'ebnf', 'json_schema', 'regex'] as const),
] as const;

type ShapeFields = { readonly [Name in (typeof shapeFields)[number]]?: unknown };

interface Fields extends ShapeFields {
  readonly repetition_penalty?: number | null | undefined;
  readonly repeat_penalty?: number | null | undefined;
  readonly min_tokens?: number | null | undefined;
  readonly min_new_tokens?: number | null | undefined;
  readonly prompt_logprobs?: number | null | undefined;
  readonly stream?: boolean | null | undefined;
  readonly add_generation_prompt?: boolean | null | undefined;
  readonly continue_final_message?: boolean | null | undefined;
}

/** Checks that two fields for one setting do not contradict each other. */
export function checkExtensions(request: Fields, context: z.RefinementCtx): void {
  const issue = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', path, message });
  const shapes = shapeFields.filter((name) => request[name] != null);
  if (shapes.length > 1) issue(`expected one shape of the text; ${shapes[0]} is another one`, shapes[1]!);
  const outputs = Object.entries(request.structured_outputs ?? {}).filter(([, value]) => value != null);
  if (request.structured_outputs != null && outputs.length !== 1)
    issue('expected one of json, regex, choice, grammar and json_object', 'structured_outputs');
  const { repetition_penalty: penalty, repeat_penalty: other } = request;
  if (penalty != null && other != null && penalty !== other)
    issue('contradicts repetition_penalty; send one of the two', 'repeat_penalty');
  const { min_tokens: least, min_new_tokens: otherLeast } = request;
  if (least != null && otherLeast != null && least !== otherLeast)
    issue('contradicts min_tokens; send one of the two', 'min_new_tokens');
  if (request.prompt_logprobs != null && request.stream === true)
    issue('only allowed without stream', 'prompt_logprobs');
  if (request.continue_final_message === true && request.add_generation_prompt === true)
    issue('expected false with continue_final_message', 'add_generation_prompt');
}
