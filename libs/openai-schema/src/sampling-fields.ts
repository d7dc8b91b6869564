import { z } from 'zod';
import { generateExtensions } from './generate-extensions.ts';

const penalty = z.number().min(-2).max(2);

/** Texts that end a choice, at most four, as in OpenAI's API. */
export const Stop = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(4)]);

export const StreamOptions = z.object({
  include_usage: z
    .boolean()
    .nullish()
    .describe('Sends one more chunk before [DONE], without choices and with the whole usage.'),
  include_obfuscation: z.boolean().nullish(),
  continuous_usage_stats: z
    .boolean()
    .nullish()
    .describe('Together with include_usage: each chunk has the usage so far. Not in OpenAI’s API.'),
});
export type StreamOptions = z.infer<typeof StreamOptions>;

/** Fields that chat and completions share. */
export const samplingFields = {
  temperature: z
    .number()
    .min(0)
    .max(2)
    .nullish()
    .describe(
      'Absent: the model’s own, see /v1/metadata; 1 where it has none. 0: the most probable token each time. Where the ' +
        'engine computes in bf16 or with quantised activations, rounding differs with the number of rows in a step: ' +
        'the text may depend on what else runs. XIM_EXACT=1 of the service ends that.',
    ),
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

  // Not in OpenAI's API.
  ...generateExtensions,
};

type SamplingFields = z.infer<z.ZodObject<typeof samplingFields>>;
/** The fields that concern only the text. */
export type SamplingRequest = Omit<SamplingFields, 'n' | 'stream' | 'stream_options' | 'user'>;

interface StreamFields {
  readonly stream?: boolean | null | undefined;
  readonly stream_options?: StreamOptions | null | undefined;
}

/** Checks that the fields for streaming do not contradict each other. */
export function checkStreamOptions(request: StreamFields, context: z.RefinementCtx): void {
  if (request.stream_options != null && request.stream !== true)
    context.addIssue({ code: 'custom', path: ['stream_options'], message: 'only allowed with stream: true' });
  const { continuous_usage_stats: continuous, include_usage: usage } = request.stream_options ?? {};
  if (continuous === true && usage !== true)
    context.addIssue({
      code: 'custom',
      path: ['stream_options', 'continuous_usage_stats'],
      message: 'only allowed with include_usage: true',
    });
}
