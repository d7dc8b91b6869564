import { ResponseObject, ResponsesRequest, ResponseStreamEvent } from '@xim/openai-schema';
import type { RoutePlugin } from '../../context.ts';
import { IncompleteError } from '../../errors/errors.ts';
import { toOpenaiError } from '../../errors/openai-error.ts';
import { generate } from '../../generate/call.ts';
import { failures, useZodSchemas } from '../../http/schema-compilers.ts';
import { streamAnswer } from '../../http/stream-answer.ts';
import { createAnswerHead, toFingerprint } from '../answer-head.ts';
import { toLine } from '../chunk-text.ts';
import { refuseExtensions } from '../extensions.ts';
import { withFormatPlace } from '../output-format.ts';
import { responseParamNames, toGenerateInput, toResponseFormat } from './request.ts';
import { toOpenResponse } from './response.ts';
import { refuseUnsupported } from './unsupported.ts';
import { createResponseWriter } from './writer.ts';

const schema = {
  tags: ['responses'],
  summary: 'Answer items, at once or as a stream of events; nothing is kept',
  body: ResponsesRequest,
  response: {
    200: {
      description:
        'The response; with stream: true, server-sent events that end with response.completed or response.incomplete.',
      content: {
        'application/json': { schema: ResponseObject },
        'text/event-stream': { schema: ResponseStreamEvent },
      },
    },
    ...failures,
  },
};

/** `POST /v1/responses`, without a memory: what a conversation needs comes with each request. */
export const responses: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;

  app.post<{ Body: ResponsesRequest }>(
    '/v1/responses',
    { schema, config: { paramNames: responseParamNames }, preValidation: refuseExtensions('responses') },
    async (request, reply) => {
      const { body } = request;
      const served = xim.resolve(body.model);
      refuseUnsupported(body);
      const events = withFormatPlace(generate(xim, request, toGenerateInput(body)), toResponseFormat(body));
      const head = createAnswerHead('resp', served.id, toFingerprint(xim.model, xim.info()), '_');
      const writer = createResponseWriter(toOpenResponse(head, body, xim.sampling()));

      if (body.stream !== true) {
        for await (const event of events) writer.write(event);
        if (writer.response.status === 'in_progress') throw new IncompleteError();
        return writer.response;
      }
      return streamAnswer(reply, events, {
        toFrames: (event) => writer.write(event).map((one) => ({ event: one.type, data: toLine(one) })),
        toErrorFrame: (thrown) => {
          const { error } = toOpenaiError(thrown, responseParamNames).body;
          const { message, code, param } = error;
          const last = { type: 'error', message, code, param, error, sequence_number: writer.nextNumber };
          return { event: 'error', data: JSON.stringify(last) };
        },
      });
    },
  );
};
