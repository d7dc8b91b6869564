import type { RerankInput } from '@xim/engine';
import { ErrorResponse } from '@xim/openai-schema';
import { TgiErrorResponse } from '@xim/tgi-schema';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RoutePlugin } from '../context.ts';
import { methodOf } from '../engine/method-of.ts';
import { refusal } from '../errors/errors.ts';
import { toInvalidInput } from '../errors/invalid-input.ts';
import { failures, tgiFailures, useZodSchemas } from '../http/schema-compilers.ts';
import { refuseExtensions } from '../openai/extensions.ts';
import { takesAddress } from '../tei/address.ts';
import { textEmbeddingsInfo } from '../tei/info.ts';
import {
  rerankParamNames,
  scoreParamNames,
  teiRerankParamNames,
  toRerankInput,
  toScoreInput,
  toTeiRerankInput,
} from './request.ts';
import { toRerankResponse, toScoreResponse, toTeiRerankResponse } from './response.ts';
import {
  RerankRequest,
  RerankResponse,
  ScoreRequest,
  ScoreResponse,
  TeiRerankRequest,
  TeiRerankResponse,
} from './schema.ts';

const tags = ['reranking'];
const rank = {
  summary: 'Order documents by their relevance to a query',
  config: { paramNames: rerankParamNames },
  preValidation: refuseExtensions('rerank'),
};

/**
 * Cohere's `POST /v1/rerank` and `/v2/rerank`, vLLM's `POST /v1/score`, and `POST /rerank`, which clients of Text
 * Embeddings Inference use with `texts` and all others with `documents`; with it come that server's `POST /` and
 * `GET /info`.
 */
export const reranking: RoutePlugin = async (app) => {
  useZodSchemas(app);
  await app.register(textEmbeddingsInfo);
  const { xim } = app;
  const rerank = (request: FastifyRequest, input: RerankInput, name: string | null | undefined) => {
    xim.resolve(name);
    return xim.calls.once(request, input.documents.length, (engine, options) =>
      methodOf(engine, 'rerank')(input, options),
    );
  };
  const answerRerank = async (request: FastifyRequest<{ Body: RerankRequest }>) => {
    const input = toRerankInput(request.body);
    const output = await rerank(request, input, request.body.model);
    return toRerankResponse(output, input, request.body, xim.model.id);
  };

  const answerTei = async (request: FastifyRequest, body: TeiRerankRequest) =>
    toTeiRerankResponse(await rerank(request, toTeiRerankInput(body), xim.model.id), body);

  for (const path of ['/v1/rerank', '/v2/rerank']) {
    app.post<{ Body: RerankRequest }>(
      path,
      {
        config: rank.config,
        preValidation: rank.preValidation,
        schema: {
          ...{ tags, summary: rank.summary, body: RerankRequest },
          response: { 200: RerankResponse, ...failures },
        },
      },
      answerRerank,
    );
  }

  app.post<{ Body: RerankRequest | TeiRerankRequest }>(
    '/rerank',
    {
      config: {
        ...rank.config,
        ofBody: (body) => (isTei(body) ? { api: 'tgi', paramNames: teiRerankParamNames } : {}),
      },
      preValidation: (request, reply, done) => {
        if (!isTei(request.body)) return rank.preValidation.call(app, request, reply, done);
        const mixed = ofOthers.find((name) => (request.body as Record<string, unknown>)[name] != null);
        const named = `"${mixed}" does not go together with "texts", the field of Text Embeddings Inference`;
        done(mixed === undefined ? undefined : refusal(mixed, named, 'Use the fields of one API'));
      },
      validatorCompiler: () => (value: unknown) => {
        const parsed = (isTei(value) ? TeiRerankRequest : RerankRequest).safeParse(value);
        return parsed.success ? { value: parsed.data } : { error: toInvalidInput(parsed.error) };
      },
      schema: {
        ...{ tags, summary: rank.summary, body: z.union([RerankRequest, TeiRerankRequest]) },
        response: {
          200: z.union([RerankResponse, TeiRerankResponse]),
          default: {
            description: 'The error: OpenAI’s, or for a request with "texts" that of Text Embeddings Inference.',
            content: { 'application/json': { schema: z.union([ErrorResponse, TgiErrorResponse]) } },
          },
        },
      },
    },
    async (request) => {
      const { body } = request;
      if (!('texts' in body)) return answerRerank(request as FastifyRequest<{ Body: RerankRequest }>);
      return answerTei(request, body);
    },
  );
  if (takesAddress(app)) {
    app.post<{ Body: TeiRerankRequest }>(
      '/',
      {
        config: { api: 'tgi', paramNames: teiRerankParamNames },
        schema: {
          ...{ tags, summary: rank.summary, body: TeiRerankRequest },
          response: { 200: TeiRerankResponse, ...tgiFailures },
        },
      },
      (request) => answerTei(request, request.body),
    );
  }

  for (const path of ['/v1/score', '/score']) {
    app.post<{ Body: ScoreRequest }>(
      path,
      {
        config: { paramNames: scoreParamNames },
        preValidation: refuseExtensions('score'),
        schema: {
          ...{ tags, summary: 'The relevance of texts to a query, in their order', body: ScoreRequest },
          response: { 200: ScoreResponse, ...failures },
        },
      },
      async (request) => {
        const { body } = request;
        const output = await rerank(request, toScoreInput(body), body.model);
        return toScoreResponse(output, body.use_activation, xim.model.id);
      },
    );
  }
};

/** Fields of the other APIs, which a request of Text Embeddings Inference does not have. */
const ofOthers = [
  ...['documents', 'top_n', 'return_documents', 'max_tokens_per_doc'],
  ...['truncate_prompt_tokens', 'truncation_side', 'use_activation'],
];

function isTei(body: unknown): boolean {
  return typeof body === 'object' && body !== null && (body as { texts?: unknown }).texts != null;
}
