import type { RoutePlugin } from '../context.ts';
import { methodOf } from '../engine/method-of.ts';
import { toAnthropicError } from '../errors/anthropic-error.ts';
import { IncompleteError } from '../errors/errors.ts';
import { generate } from '../generate/call.ts';
import { useZodSchemas } from '../http/schema-compilers.ts';
import { streamAnswer } from '../http/stream-answer.ts';
import { createAnswerHead, toFingerprint } from '../openai/answer-head.ts';
import { toLine } from '../openai/chunk-text.ts';
import { withFormatPlace } from '../openai/output-format.ts';
import { CountTokensAnswer, MessageAnswer, MessageError, MessageEvent } from './answer-schema.ts';
import { CountTokensRequest, MessagesRequest } from './request-schema.ts';
import { messageParamNames, toFormatPlace, toGenerateInput, toPrompt } from './request.ts';
import { refuseUnsupported } from './unsupported.ts';
import { createMessageWriter } from './writer.ts';

const tags = ['messages'];
const config = { paramNames: messageParamNames, api: 'anthropic' as const };
const failures = {
  default: {
    description: 'The error. The types are Anthropic’s.',
    content: { 'application/json': { schema: MessageError } },
  },
};

/** The routes of Anthropic's API: `POST /v1/messages` and `POST /v1/messages/count_tokens`. */
export const messages: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;

  app.post<{ Body: MessagesRequest }>(
    '/v1/messages',
    {
      config,
      schema: {
        tags,
        summary: 'Answer a conversation in the shape of Anthropic’s API, at once or as a stream of events',
        body: MessagesRequest,
        response: {
          200: {
            description: 'The message; with stream: true, server-sent events that end with message_stop.',
            content: {
              'application/json': { schema: MessageAnswer },
              'text/event-stream': { schema: MessageEvent },
            },
          },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const served = xim.resolve(body.model);
      refuseUnsupported(body);
      const input = toGenerateInput(body);
      const asked = input.format && { format: input.format, place: toFormatPlace(body) };
      const events = withFormatPlace(generate(xim, request, input), asked);
      const head = createAnswerHead('msg', served.id, toFingerprint(xim.model, xim.info()), '_');
      const writer = createMessageWriter(head.id, head.model);

      if (body.stream !== true) {
        for await (const event of events) writer.write(event);
        if (writer.message.stop_reason === null) throw new IncompleteError();
        return writer.message;
      }
      return streamAnswer(reply, events, {
        toFrames: (event) => writer.write(event).map((one) => ({ event: one.type, data: toLine(one) })),
        toErrorFrame: (error) => ({
          event: 'error',
          data: JSON.stringify(toAnthropicError(error, messageParamNames).body),
        }),
      });
    },
  );

  app.post<{ Body: CountTokensRequest }>(
    '/v1/messages/count_tokens',
    {
      config,
      schema: {
        ...{ tags, summary: 'How many tokens a conversation has', body: CountTokensRequest },
        response: { 200: CountTokensAnswer, ...failures },
      },
    },
    async (request) => {
      const { body } = request;
      xim.resolve(body.model);
      refuseUnsupported(body);
      const { tokens } = await xim.calls.once(request, 1, (engine, options) =>
        methodOf(engine, 'tokenize')({ prompt: toPrompt(body) }, options),
      );
      return { input_tokens: tokens.length };
    },
  );
};
