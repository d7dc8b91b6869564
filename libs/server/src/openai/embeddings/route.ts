import { EmbeddingsBase64Response, EmbeddingsRequest, EmbeddingsResponse } from '@xim/openai-schema';
import { z } from 'zod';
import type { RoutePlugin } from '../../context.ts';
import { methodOf } from '../../engine/method-of.ts';
import { failures, useZodSchemas } from '../../http/schema-compilers.ts';
import { textEmbeddings } from '../../tei/route.ts';
import { refuseExtensions } from '../extensions.ts';
import { embedParamNames, toEmbedInput } from './request.ts';
import { toEmbeddingsJson } from './response.ts';

const schema = {
  tags: ['embeddings'],
  summary: 'Turn texts into vectors',
  body: EmbeddingsRequest,
  response: {
    200: z.union([EmbeddingsResponse, EmbeddingsBase64Response]).describe('One vector per item, in their order.'),
    ...failures,
  },
};

/** `POST /v1/embeddings`, and the routes of Text Embeddings Inference for the same task. */
export const embeddings: RoutePlugin = async (app) => {
  useZodSchemas(app);
  await app.register(textEmbeddings);
  const { xim } = app;

  app.post<{ Body: EmbeddingsRequest }>(
    '/v1/embeddings',
    { schema, config: { paramNames: embedParamNames, tokens: true }, preValidation: refuseExtensions('embeddings') },
    async (request, reply) => {
      const { body } = request;
      const served = xim.resolve(body.model);
      const input = toEmbedInput(body);
      const output = await xim.calls.once(request, input.items.length, (engine, options) =>
        methodOf(engine, 'embed')(input, options),
      );
      reply.type('application/json; charset=utf-8');
      return toEmbeddingsJson(output, served.id, body.encoding_format ?? 'float');
    },
  );
};
