import type { TranscribeEvent, TranscribeInput } from '@xim/engine';
import {
  recordingForms,
  Transcription,
  TranscriptionDiarized,
  TranscriptionRequest,
  TranscriptionStreamEvent,
  TranscriptionVerbose,
  TranslationRequest,
} from '@xim/openai-schema';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { AdmittedCall, RoutePlugin } from '../../context.ts';
import { methodOf } from '../../engine/method-of.ts';
import { toOpenaiError } from '../../errors/openai-error.ts';
import { failures, useZodSchemas } from '../../http/schema-compilers.ts';
import { streamAnswer } from '../../http/stream-answer.ts';
import { uploads, withUpload } from '../../http/upload.ts';
import { createTranscriptChunks } from './chunk.ts';
import { readFields } from '../form.ts';
import { readRecording, toTranscribeInput, toTranslateInput, transcribeParamNames } from './request.ts';
import { toDiarized, toTranscription, toVerbose } from './response.ts';
import { toSrt, toVtt } from './subtitles.ts';
import { joinTranscript, type Transcript } from './transcript.ts';

const texts = {
  'text/plain': { schema: z.string() },
  'application/x-subrip': { schema: z.string() },
  'text/vtt': { schema: z.string() },
};
const route = {
  config: { paramNames: transcribeParamNames },
  // The form is read by the handler, after admission; here its schema is for the documentation.
  validatorCompiler: () => () => true,
};

/** `POST /v1/audio/transcriptions` and `POST /v1/audio/translations`. */
export const transcriptions: RoutePlugin = async (app) => {
  await app.register(uploads);
  useZodSchemas(app);
  const { xim } = app;

  const transcriptionSchema = {
    tags: ['audio'],
    summary: 'Write what a recording says, at once or as a stream of events',
    consumes: ['multipart/form-data'],
    body: recordingForms.transcription,
    response: {
      200: {
        description: 'By response_format; with stream: true, server-sent events.',
        content: {
          'application/json': { schema: z.union([Transcription, TranscriptionDiarized, TranscriptionVerbose]) },
          'text/event-stream': { schema: TranscriptionStreamEvent },
          ...texts,
        },
      },
      ...failures,
    },
  };
  app.post('/v1/audio/transcriptions', { ...route, schema: transcriptionSchema }, (request, reply) =>
    withUpload(request, { lists: recordingForms.lists }, async (upload, call) => {
      const form = readFields(upload, TranscriptionRequest);
      xim.resolve(form.model);
      const input = toTranscribeInput(form, readRecording(upload), xim.info());
      const events = transcribe(call, input);
      const format = form.response_format ?? 'json';
      const logprobs = input.logprobs === true;

      if (form.stream === true) {
        const toEvents = createTranscriptChunks({ diarized: format === 'diarized_json', logprobs });
        return streamAnswer(reply, events, {
          toFrames: (event) => toEvents(event).map((one) => JSON.stringify(one)),
          toErrorFrame: (error) => JSON.stringify(toOpenaiError(error, transcribeParamNames).body),
        });
      }
      const transcript = await joinTranscript(events);
      if (format === 'json') return toTranscription(transcript, logprobs);
      if (format === 'diarized_json') return toDiarized(transcript);
      if (format !== 'verbose_json') return sendText(reply, format, transcript);
      const granularities = form.timestamp_granularities?.length ? form.timestamp_granularities : ['segment'];
      const [words, segments] = ['word', 'segment'].map((name) => granularities.includes(name as 'word'));
      return toVerbose(transcript, { task: 'transcribe', words: words!, segments: segments! });
    }),
  );

  const translationSchema = {
    tags: ['audio'],
    summary: 'Write in English what a recording says',
    consumes: ['multipart/form-data'],
    body: recordingForms.translation,
    response: {
      200: {
        description: 'By response_format.',
        content: {
          'application/json': { schema: z.union([Transcription.pick({ text: true }), TranscriptionVerbose]) },
          ...texts,
        },
      },
      ...failures,
    },
  };
  app.post('/v1/audio/translations', { ...route, schema: translationSchema }, (request, reply) =>
    withUpload(request, { lists: recordingForms.lists }, async (upload, call) => {
      const form = readFields(upload, TranslationRequest);
      xim.resolve(form.model);
      const input = toTranslateInput(form, readRecording(upload), xim.info());
      const transcript = await joinTranscript(transcribe(call, input));
      const format = form.response_format ?? 'json';
      if (format === 'json') return { text: transcript.text };
      if (format !== 'verbose_json') return sendText(reply, format, transcript);
      return toVerbose(transcript, { task: 'translate', words: false, segments: true });
    }),
  );
};

function transcribe(call: AdmittedCall, input: TranscribeInput): AsyncIterable<TranscribeEvent> {
  return call.stream((engine, options) => methodOf(engine, 'transcribe')(input, options));
}

/** Bare text: the transcript or subtitles. */
function sendText(reply: FastifyReply, format: 'text' | 'srt' | 'vtt', { text, segments }: Transcript): FastifyReply {
  if (format === 'srt') return reply.type('application/x-subrip; charset=utf-8').send(toSrt(segments));
  if (format === 'vtt') return reply.type('text/vtt; charset=utf-8').send(toVtt(segments));
  return reply.type('text/plain; charset=utf-8').send(`${text}\n`);
}
