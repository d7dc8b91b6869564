import type { EmbedInput, Truncation } from '@xim/engine';
import type { FastifyRequest } from 'fastify';
import type { RoutePlugin } from '../context.ts';
import { methodOf } from '../engine/method-of.ts';
import { refusal } from '../errors/errors.ts';
import { tgiFailures, useZodSchemas } from '../http/schema-compilers.ts';
import { toListJson } from '../http/loop-turns.ts';
import { rowsPerTurn, toRows, toShortNumber, toShortNumbers } from '../openai/embeddings/response.ts';
import { takesAddress } from './address.ts';
import { textEmbeddingsInfo } from './info.ts';
import { EmbedRequest, EmbedResponse, SimilarityRequest, SimilarityResponse } from './schema.ts';

const tags = ['embeddings'];
const api = 'tgi' as const; // that server's errors have the same shape

/** The routes of Text Embeddings Inference for vectors: `POST /embed` (also `POST /`), `POST /similarity`, `GET /info`. */
export const textEmbeddings: RoutePlugin = async (app) => {
  useZodSchemas(app);
  await app.register(textEmbeddingsInfo);
  const { xim } = app;
  const embed = (request: FastifyRequest, input: EmbedInput) =>
    xim.calls.once(request, input.items.length, (engine, options) => methodOf(engine, 'embed')(input, options));

  // `feature_extraction` of huggingface_hub asks the address of the service itself.
  for (const path of takesAddress(app) ? ['/embed', '/'] : ['/embed'])
    app.post<{ Body: EmbedRequest }>(
      path,
      {
        config: {
          api,
          paramNames: { items: 'inputs', prompt: 'prompt_name', 'truncate.keep': 'truncation_direction' },
        },
        schema: {
          ...{ tags, summary: 'Turn texts into vectors', body: EmbedRequest },
          response: { 200: EmbedResponse, ...tgiFailures },
        },
      },
      async (request, reply) => {
        const { inputs, normalize, dimensions, prompt_name: prompt } = request.body;
        if (normalize === false)
          throw refusal('normalize', '"normalize": false is not supported', 'Leave it out: vectors have unit length');
        const items = [inputs].flat().map((text) => ({ text }));
        const truncate = toTruncation(request.body);
        const output = await embed(request, {
          ...{ items, dimensions: dimensions ?? undefined, prompt: prompt ?? undefined, truncate },
        });
        reply.type('application/json; charset=utf-8');
        return toListJson(toRows(output), rowsPerTurn(output), toShortNumbers);
      },
    );
  app.post<{ Body: SimilarityRequest }>(
    '/similarity',
    {
      config: {
        api,
        paramNames: {
          ...{ items: 'inputs', prompt: 'parameters.prompt_name' },
          'truncate.keep': 'parameters.truncation_direction',
        },
      },
      schema: {
        ...{ tags, summary: 'How alike sentences are to one', body: SimilarityRequest },
        response: { 200: SimilarityResponse, ...tgiFailures },
      },
    },
    async (request) => {
      const { inputs, parameters } = request.body;
      const items = [inputs.source_sentence, ...inputs.sentences].map((text) => ({ text }));
      const truncate = parameters ? toTruncation(parameters) : undefined;
      const output = await embed(request, { items, prompt: parameters?.prompt_name ?? undefined, truncate });
      const [source, ...rows] = toRows(output);
      return rows.map((row) => toShortNumber(Math.fround(toDot(source!, row))));
    },
  );
};

function toTruncation(fields: Pick<EmbedRequest, 'truncate' | 'truncation_direction'>): Truncation | undefined {
  const { truncate, truncation_direction: side } = fields;
  return truncate ? { keep: side?.toLowerCase() === 'left' ? 'end' : 'start' } : undefined;
}

/** The cosine, since vectors have unit length. */
function toDot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
