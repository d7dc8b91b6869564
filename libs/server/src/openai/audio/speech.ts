import type { SpeakEvent } from '@xim/engine';
import { SpeechAudioDeltaEvent, SpeechAudioDoneEvent, SpeechRequest } from '@xim/openai-schema';
import { z } from 'zod';
import type { RoutePlugin } from '../../context.ts';
import { methodOf } from '../../engine/method-of.ts';
import { answerBytes } from '../../http/byte-stream.ts';
import { streamAnswer } from '../../http/stream-answer.ts';
import { failures, useZodSchemas } from '../../http/schema-compilers.ts';
import { toOpenaiError } from '../../errors/openai-error.ts';
import { speakParamNames, toSpeakInput, toSpeechFrames } from './speech-wire.ts';
import { createVoices } from './voices.ts';

const bytes = { schema: z.string().meta({ format: 'binary' }) };
const schema = {
  tags: ['audio'],
  summary: 'Speak a text, as bytes or as events',
  body: SpeechRequest,
  response: {
    200: {
      description: 'One file of the format asked for; with stream_format: "sse", its bytes in server-sent events.',
      content: {
        'audio/mpeg': bytes,
        'audio/ogg': bytes,
        'audio/aac': bytes,
        'audio/flac': bytes,
        'audio/wav': bytes,
        'audio/pcm': bytes,
        'text/event-stream': { schema: z.union([SpeechAudioDeltaEvent, SpeechAudioDoneEvent]) },
      },
    },
    ...failures,
  },
};

/** `POST /v1/audio/speech`, and the extension `GET /v1/audio/voices`. */
export const speech: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;
  const voices = createVoices(xim);
  await app.register(voices.route);

  app.post<{ Body: SpeechRequest }>(
    '/v1/audio/speech',
    { schema, config: { paramNames: speakParamNames } },
    async (request, reply) => {
      const { body } = request;
      xim.resolve(body.model);
      const input = toSpeakInput(body, voices.resolve, xim.config.maxInputCharacters);
      const events: AsyncIterable<SpeakEvent> = xim.calls.stream(request, 1, (engine, options) =>
        methodOf(engine, 'speak')(input, options),
      );
      if (body.stream_format !== 'sse') return answerBytes(reply, events);
      return streamAnswer(reply, events, {
        toFrames: toSpeechFrames,
        toErrorFrame: (error) => JSON.stringify({ type: 'error', ...toOpenaiError(error, speakParamNames).body }),
      });
    },
  );
};
