import { z } from 'zod';

const penalty = z.number().min(-2).max(2);

/** Texts that end a choice. OpenAI's limit is four. */
export const Stop = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(4)]);

export const StreamOptions = z.object({
  include_usage: z.boolean().nullish().describe('One more chunk before [DONE]: no choices, the whole usage.'),
  include_obfuscation: z.boolean().nullish(),
});

/** Fields that chat and completions share. */
export const samplingFields = {
  temperature: z
    .number()
    .min(0)
    .max(2)
    .nullish()
    .describe('Absent: the model’s own, see /v1/metadata; 1 where it has none.'),
  top_p: z.number().min(0).max(1).nullish().describe('Absent: the model’s own, see /v1/metadata; 1 where it has none.'),
  seed: z.number().refine(Number.isInteger, 'expected an integer').meta({ type: 'integer' }).nullish(),
  stop: Stop.nullish(),
  presence_penalty: penalty.nullish(),
  frequency_penalty: penalty.nullish(),
  n: z.int().min(1).max(128).nullish().describe('Choices per prompt.'),
  logit_bias: z
    .record(z.string().regex(/^\d+$/, 'expected token ids as keys'), z.number().min(-100).max(100))
    .nullish(),

  stream: z.boolean().nullish(),
  stream_options: StreamOptions.nullish(),
  user: z.string().nullish(),

  // Beyond OpenAI's API, by the names that other servers use.
  top_k: z.int().nullish().describe('Only the k most probable tokens; below 1: all. Not in OpenAI’s API.'),
  min_p: z
    .number()
    .min(0)
    .max(1)
    .nullish()
    .describe('Only tokens with at least this share of the best one’s probability. Not in OpenAI’s API.'),
  repetition_penalty: z.number().positive().nullish().describe('1 = none. Not in OpenAI’s API.'),
  ignore_eos: z.boolean().nullish().describe('Go on to the limit of tokens, for measurements. Not in OpenAI’s API.'),
};

interface StreamFields {
  readonly stream?: boolean | null | undefined;
  readonly stream_options?: object | null | undefined;
}

/** What a request says of how its answer travels must agree. */
export function checkStreamOptions(request: StreamFields, context: z.RefinementCtx): void {
  if (request.stream_options != null && request.stream !== true)
    context.addIssue({ code: 'custom', path: ['stream_options'], message: 'only allowed with stream: true' });
}
