import type { TokenizeInput, TokenizeOutput } from '@xim/engine';
import { ChatCompletionRequest } from '@xim/openai-schema';
import { ChatTokenizeResponse, type SimpleToken, GenerateRequest, Info, TokenizeResponse } from '@xim/tgi-schema';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RoutePlugin } from '../context.ts';
import { methodOf } from '../engine/method-of.ts';
import { tgiFailures, useZodSchemas } from '../http/schema-compilers.ts';
import { toGenerateInput } from '../openai/chat/request.ts';
import { toTgiInfo } from './info.ts';
import { tgiParamNames } from './request.ts';

const tags = ['text generation'];
const config = { paramNames: tgiParamNames, api: 'tgi' as const };
/** A conversation is templated by the one model of this service, whatever name it is sent with. */
const ChatTokenizeRequest = z
  .object({ ...ChatCompletionRequest.shape, model: z.string().nullish() })
  .meta({ id: 'TgiChatTokenizeRequest' });

/** `POST /tokenize` and `/chat_tokenize`, which generate nothing, and `GET /info`. */
export const tokenize: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;
  const ask = (request: FastifyRequest, input: TokenizeInput) =>
    xim.calls.once(request, 1, (engine, options) => methodOf(engine, 'tokenize')(input, options));

  app.post<{ Body: GenerateRequest }>(
    '/tokenize',
    {
      config,
      schema: {
        ...{ tags, summary: 'The tokens of a text; parameters are not read', body: GenerateRequest },
        response: { 200: TokenizeResponse, ...tgiFailures },
      },
    },
    async (request) => toTgiTokens(await ask(request, { prompt: { text: request.body.inputs } })),
  );
  app.post<{ Body: z.infer<typeof ChatTokenizeRequest> }>(
    '/chat_tokenize',
    {
      config,
      schema: {
        ...{ tags, summary: 'A conversation as the model reads it', body: ChatTokenizeRequest },
        response: { 200: ChatTokenizeResponse, ...tgiFailures },
      },
    },
    async (request) => {
      const { prompt } = toGenerateInput({ ...request.body, model: xim.model.id });
      const output = await ask(request, { prompt });
      return { tokenize_response: toTgiTokens(output), templated_text: output.text };
    },
  );
  app.get(
    '/info',
    { config, schema: { tags, summary: 'The model and its limits', response: { 200: Info, ...tgiFailures } } },
    () => toTgiInfo(xim),
  );
};

export function toTgiTokens({ tokens }: TokenizeOutput): SimpleToken[] {
  return tokens.map(({ id, text, start, end }) => ({ id, text, start, stop: end }));
}
