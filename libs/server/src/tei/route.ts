import type { EmbedInput } from '@xim/engine';
import type { FastifyRequest } from 'fastify';
import type { RoutePlugin } from '../context.ts';
import { methodOf } from '../engine/method-of.ts';
import { refusal } from '../errors/errors.ts';
import { tgiFailures, useZodSchemas } from '../http/schema-compilers.ts';
import { toListJson } from '../http/loop-turns.ts';
import { rowsPerTurn, toRows, toShortNumber, toShortNumbers } from '../openai/embeddings/response.ts';
import { EmbedRequest, EmbedResponse, SimilarityRequest, SimilarityResponse } from './schema.ts';

const tags = ['embeddings'];
const api = 'tgi' as const; // that server's errors have the same shape

/** The routes of Text Embeddings Inference for vectors: `POST /embed` and `POST /similarity`. */
export const textEmbeddings: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;
  const embed = (request: FastifyRequest, input: EmbedInput) =>
    xim.calls.once(request, input.items.length, (engine, options) => methodOf(engine, 'embed')(input, options));

  app.post<{ Body: EmbedRequest }>(
    '/embed',
    {
      config: { api, paramNames: { items: 'inputs', prompt: 'prompt_name' } },
      schema: {
        ...{ tags, summary: 'Turn texts into vectors', body: EmbedRequest },
        response: { 200: EmbedResponse, ...tgiFailures },
      },
    },
    async (request, reply) => {
      const { inputs, normalize, truncate, dimensions, prompt_name: prompt } = request.body;
      if (normalize === false)
        throw refusal('normalize', '"normalize": false is not supported', 'Leave it out: vectors have unit length');
      refuseTruncation('truncate', truncate);
      const items = [inputs].flat().map((text) => ({ text }));
      const output = await embed(request, { items, dimensions: dimensions ?? undefined, prompt: prompt ?? undefined });
      reply.type('application/json; charset=utf-8');
      return toListJson(toRows(output), rowsPerTurn(output), toShortNumbers);
    },
  );
  app.post<{ Body: SimilarityRequest }>(
    '/similarity',
    {
      config: { api, paramNames: { items: 'inputs', prompt: 'parameters.prompt_name' } },
      schema: {
        ...{ tags, summary: 'How alike sentences are to one', body: SimilarityRequest },
        response: { 200: SimilarityResponse, ...tgiFailures },
      },
    },
    async (request) => {
      const { inputs, parameters } = request.body;
      refuseTruncation('parameters.truncate', parameters?.truncate);
      const items = [inputs.source_sentence, ...inputs.sentences].map((text) => ({ text }));
      const [source, ...rows] = toRows(await embed(request, { items, prompt: parameters?.prompt_name ?? undefined }));
      return rows.map((row) => toShortNumber(Math.fround(toDot(source!, row))));
    },
  );
};

function refuseTruncation(param: string, truncate: boolean | null | undefined): void {
  if (truncate) throw refusal(param, `"${param}": true is not supported`, 'Leave it out, and send shorter texts');
}

/** The cosine, since vectors have unit length. */
function toDot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
