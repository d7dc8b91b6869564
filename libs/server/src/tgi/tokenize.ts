import type { TokenizeInput } from '@xim/engine';
import { ChatCompletionRequest } from '@xim/openai-schema';
import { ChatTokenizeResponse, Info } from '@xim/tgi-schema';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RoutePlugin } from '../context.ts';
import { methodOf } from '../engine/method-of.ts';
import { tgiFailures, useZodSchemas } from '../http/schema-compilers.ts';
import { toGenerateInput } from '../openai/chat/request.ts';
import { toTgiInfo } from './info.ts';
import { tgiParamNames } from './request.ts';
import { toTgiTokens } from './tokens.ts';

const tags = ['text generation'];
const config = { paramNames: tgiParamNames, api: 'tgi' as const };
/** A conversation is templated by the one model of this service, whatever name it is sent with. */
const ChatTokenizeRequest = z
  .object({ ...ChatCompletionRequest.shape, model: z.string().nullish() })
  .meta({ id: 'TgiChatTokenizeRequest' });

/** `POST /chat_tokenize`, which generates nothing, and `GET /info`. */
export const tokenize: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;
  const ask = (request: FastifyRequest, input: TokenizeInput) =>
    xim.calls.once(request, 1, (engine, options) => methodOf(engine, 'tokenize')(input, options));

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
