import { z } from 'zod';

/** An entry of `GET /v1/models`, and the answer of `GET /v1/models/{model}`. */
export const Model = z
  .object({
    id: z.string().describe('A value that requests may send as model.'),
    object: z.literal('model'),
    created: z.int().describe('Unix seconds; the same in every answer.'),
    owned_by: z.string(),
  })
  .meta({ id: 'Model' });
export type Model = z.infer<typeof Model>;

export const ModelList = z.object({ object: z.literal('list'), data: z.array(Model) }).meta({ id: 'ModelList' });
export type ModelList = z.infer<typeof ModelList>;
