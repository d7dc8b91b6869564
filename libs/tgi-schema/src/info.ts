import { z } from 'zod';

const count = z.int().min(0);

/** The answer of `GET /info`. */
export const Info = z
  .object({
    model_id: z.string(),
    model_sha: z.string().nullable(),
    model_dtype: z.string().optional().describe('The dtype of the computation; absent until the engine reports it.'),
    model_device_type: z.string(),
    model_pipeline_tag: z.string().nullable(),
    max_concurrent_requests: count.describe('The most requests that run or wait; further requests are refused.'),
    max_best_of: count,
    max_stop_sequences: count,
    max_input_tokens: count,
    max_total_tokens: count.describe('The most tokens of inputs and answer together.'),
    validation_workers: count,
    max_client_batch_size: count,
    router: z.string(),
    version: z.string(),
    sha: z.string().nullable(),
    docker_label: z.string().nullable(),
  })
  .meta({ id: 'TgiInfo' });
export type Info = z.infer<typeof Info>;
