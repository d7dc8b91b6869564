import { ChatCompletion, ChatCompletionChunk, ChatCompletionRequest } from '@xim/openai-schema';
import type { RoutePlugin } from '../../context.ts';
import { toOpenaiError } from '../../errors/openai-error.ts';
import { generate } from '../../generate/call.ts';
import { joinGenerated } from '../../generate/join.ts';
import { failures, useZodSchemas } from '../../http/schema-compilers.ts';
import { streamAnswer } from '../../http/stream-answer.ts';
import { createAnswerHead, toFingerprint } from '../answer-head.ts';
import { toChatChunk, toChunkShape } from './chunk.ts';
import { createRunningUsage } from '../running-usage.ts';
import { refuseExtensions } from '../extensions.ts';
import { toAskedFormat, withFormatPlace } from '../output-format.ts';
import { generateParamNames, toGenerateInput } from './request.ts';
import { toChatCompletion } from './response.ts';
import { refuseUnsupported } from './unsupported.ts';

const schema = {
  tags: ['chat'],
  summary: 'Answer a conversation, at once or as a stream of chunks',
  body: ChatCompletionRequest,
  response: {
    200: {
      description: 'The answer; with stream: true, server-sent events that end with [DONE].',
      content: {
        'application/json': { schema: ChatCompletion },
        'text/event-stream': { schema: ChatCompletionChunk },
      },
    },
    ...failures,
  },
};

/** `POST /v1/chat/completions`. */
export const chatCompletions: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;

  app.post<{ Body: ChatCompletionRequest }>(
    '/v1/chat/completions',
    { schema, config: { paramNames: generateParamNames }, preValidation: refuseExtensions('chat') },
    async (request, reply) => {
      const { body } = request;
      const served = xim.resolve(body.model);
      refuseUnsupported(body);
      const input = toGenerateInput(body);
      const choices = input.choices ?? 1;
      const head = createAnswerHead('chatcmpl', served.id, toFingerprint(xim.model, xim.info()));
      const events = withFormatPlace(generate(xim, request, input), toAskedFormat(body));

      if (body.stream !== true) return toChatCompletion(head, await joinGenerated(events, choices));
      const shape = toChunkShape(head, choices, body.stream_options?.include_usage === true);
      const withUsage = createRunningUsage(body.stream_options);
      return streamAnswer(reply, events, {
        toFrames: (event) => withUsage(event, toChatChunk(shape, event)),
        toErrorFrame: (error) => JSON.stringify(toOpenaiError(error, generateParamNames).body),
        done: '[DONE]',
      });
    },
  );
};
