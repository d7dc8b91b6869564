import type { Prompt } from '@xim/engine';
import { GenerateRequest, TokenizeResponse } from '@xim/tgi-schema';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RoutePlugin } from '../context.ts';
import { methodOf } from '../engine/method-of.ts';
import { failures, tgiFailures, useZodSchemas } from '../http/schema-compilers.ts';
import { generateParamNames } from '../openai/chat/request.ts';
import { tgiParamNames } from '../tgi/request.ts';
import { toTgiTokens } from '../tgi/tokens.ts';
import * as wire from './schema.ts';
import { toConversation, toPrompt, toTokens } from './tokens.ts';

const tags = ['tokens'];
/** The field that holds the prompt says whose body it is. */
const TokenizeBody = z.union([GenerateRequest, wire.VllmTextRequest, wire.VllmChatRequest, wire.LlamaTextRequest]);
type TokenizeBody = z.infer<typeof TokenizeBody>;

/**
 * `POST /tokenize` in the shapes of Text Generation Inference, vLLM and llama.cpp, `POST /detokenize` of the latter
 * two, and llama.cpp's `POST /apply-template`. They generate nothing.
 */
export const tokenization: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;
  const ask = (request: FastifyRequest, name: string | null | undefined, prompt: Prompt) => {
    xim.resolve(name);
    return xim.calls.once(request, 1, (engine, options) => methodOf(engine, 'tokenize')({ prompt }, options));
  };

  app.post<{ Body: TokenizeBody }>(
    '/tokenize',
    {
      config: { paramNames: tgiParamNames, api: 'tgi' },
      schema: {
        ...{ tags, summary: 'The tokens of a text or a conversation', body: TokenizeBody },
        response: { 200: z.union([TokenizeResponse, wire.VllmTokens, wire.LlamaTokens]), ...tgiFailures },
      },
    },
    async (request) => {
      const { body } = request;
      if ('inputs' in body) return toTgiTokens(await ask(request, xim.model.id, { text: body.inputs }));
      const output = await ask(request, 'model' in body ? body.model : undefined, toPrompt(body));
      return toTokens(body, output, xim.info()?.contextLength ?? xim.model.shape.contextLength);
    },
  );
  app.post<{ Body: wire.DetokenizeRequest }>(
    '/detokenize',
    {
      config: { paramNames: { 'prompt.tokens': 'tokens', prompt: 'tokens' } },
      schema: {
        ...{ tags, summary: 'The text of tokens', body: wire.DetokenizeRequest },
        response: { 200: wire.DetokenizedText, ...failures },
      },
    },
    async (request) => {
      const { model, tokens } = request.body;
      const text = tokens.length === 0 ? '' : (await ask(request, model, { tokens })).text;
      return { prompt: text, content: text };
    },
  );
  app.post<{ Body: wire.TemplateRequest }>(
    '/apply-template',
    {
      config: { paramNames: generateParamNames },
      schema: {
        ...{ tags, summary: 'A conversation as the model reads it', body: wire.TemplateRequest },
        response: { 200: wire.TemplatedText, ...failures },
      },
    },
    async (request) => ({ prompt: (await ask(request, request.body.model, toConversation(request.body))).text }),
  );
};
