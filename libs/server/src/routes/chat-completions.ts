import { EngineRequestError, type Engine, type GenerateEvent, InvalidInputError, XimError } from '@xim/engine';
import { ChatCompletion, ChatCompletionChunk, ChatCompletionRequest } from '@xim/openai-schema';
import type { FastifyReply } from 'fastify';
import type { RoutePlugin } from '../context.ts';
import { type EventStream, openEventStream } from '../sse.ts';
import { createChatHead, toFingerprint } from '../wire/chat-head.ts';
import { failures, useZodSchemas } from '../wire/schema-compilers.ts';
import { toEngineModel } from '../wire/to-engine-model.ts';
import { toChatChunk, toChunkShape } from '../wire/to-chat-chunk.ts';
import { joinGenerated, toChatCompletion } from '../wire/to-chat-completion.ts';
import { generateParamNames, toGenerateInput } from '../wire/to-generate-input.ts';
import { toOpenaiError } from '../wire/to-openai-error.ts';
import { refuseUnsupported } from '../wire/unsupported-chat.ts';

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
    { schema, config: { paramNames: generateParamNames } },
    async (request, reply) => {
      const { body } = request;
      const served = xim.resolve(body.model);
      refuseUnsupported(body);
      const input = toGenerateInput(body);
      const choices = input.choices ?? 1;
      const head = createChatHead(served.id, toFingerprint(xim.model, xim.info()));
      const events = xim.calls.stream(request, choices, (engine, options) =>
        generateOf(engine)(input, { ...options, model: toEngineModel(served, xim) }),
      );

      if (body.stream !== true) return toChatCompletion(head, await joinGenerated(events, choices));
      const shape = toChunkShape(head, choices, body.stream_options?.include_usage === true);
      await streamChat(reply, events, (event) => toChatChunk(shape, event));
      return reply;
    },
  );
};

function generateOf(engine: Engine): NonNullable<Engine['generate']> {
  if (engine.generate) return engine.generate.bind(engine);
  throw new InvalidInputError('The model of this service does not generate text. Use a service for chat.', {
    param: 'model',
    code: 'XIM_UNSUPPORTED_PARAMETER',
  });
}

/** Sends an answer as it comes. What fails before the first event is thrown; later failures are the stream's last frame. */
async function streamChat(
  reply: FastifyReply,
  events: AsyncIterable<GenerateEvent>,
  toFrames: (event: GenerateEvent) => readonly string[],
): Promise<void> {
  let stream: EventStream | undefined;
  let last: GenerateEvent | undefined;
  try {
    for await (const event of events) {
      stream ??= openEventStream(reply);
      for (const frame of toFrames(event)) stream.send(frame);
      if (stream.full) await stream.drained();
      last = event;
    }
    if (last?.type !== 'end') throw new EngineRequestError('The engine ended the call without its end event.');
    stream?.send('[DONE]');
  } catch (error) {
    if (!stream) throw error;
    if (!XimError.isInstance(error)) reply.log.error({ frames: framesOf(error) }, 'a stream failed');
    stream.send(JSON.stringify(toOpenaiError(error, generateParamNames).body));
  }
  stream?.end();
}

/** Where a bug is; its words may quote the client. */
function framesOf(error: unknown): string[] | undefined {
  return error instanceof Error ? error.stack?.split('\n').filter((line) => line.startsWith('    at ')) : undefined;
}
