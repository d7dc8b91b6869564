import { z } from 'zod';

const seconds = z.number().min(0);
const tokens = z.int().min(0);

/** The usage in tokens, if the model counts tokens. */
export const TranscriptionTokenUsage = z.object({
  type: z.literal('tokens'),
  input_tokens: tokens,
  output_tokens: tokens,
  total_tokens: tokens,
});
export const TranscriptionDurationUsage = z.object({ type: z.literal('duration'), seconds });
export const TranscriptionUsage = z.union([TranscriptionTokenUsage, TranscriptionDurationUsage]);
export type TranscriptionUsage = z.infer<typeof TranscriptionUsage>;

export const TranscriptionLogprob = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.int().min(0).max(255)),
});
export type TranscriptionLogprob = z.infer<typeof TranscriptionLogprob>;

const logprobs = z.array(TranscriptionLogprob).optional().describe('With include[]: logprobs.');

/** The answer with `response_format: "json"`. */
export const Transcription = z
  .object({ text: z.string(), logprobs, usage: TranscriptionUsage.optional() })
  .meta({ id: 'Transcription' });
export type Transcription = z.infer<typeof Transcription>;

const speaker = z.string().optional().describe('An extension: the speaker, if the request asked for speakers.');

export const TranscriptionWord = z.object({ word: z.string(), start: seconds, end: seconds, speaker });
export type TranscriptionWord = z.infer<typeof TranscriptionWord>;

export const TranscriptionSegment = z.object({
  id: z.int().min(0),
  seek: z.int().min(0).describe('Hundredths of a second.'),
  start: seconds,
  end: seconds,
  text: z.string(),
  tokens: z.array(z.int()).describe('Empty if the model reports no tokens.'),
  temperature: z.number(),
  avg_logprob: z.number().describe('0 if the model does not report it.'),
  compression_ratio: z.number(),
  no_speech_prob: z.number().describe('0 if the model does not report it.'),
  speaker,
});
export type TranscriptionSegment = z.infer<typeof TranscriptionSegment>;

/** The answer with `response_format: "verbose_json"`. */
export const TranscriptionVerbose = z
  .object({
    task: z.enum(['transcribe', 'translate']),
    language: z.string().describe('The English name of the language in lower case, such as "english".'),
    duration: seconds,
    text: z.string(),
    words: z.array(TranscriptionWord).optional(),
    segments: z.array(TranscriptionSegment).optional(),
    usage: TranscriptionDurationUsage.optional(),
  })
  .meta({ id: 'TranscriptionVerbose' });
export type TranscriptionVerbose = z.infer<typeof TranscriptionVerbose>;

/** A turn of one speaker; in a stream it is an event. */
export const TranscriptionDiarizedSegment = z.object({
  type: z.literal('transcript.text.segment'),
  id: z.string(),
  start: seconds,
  end: seconds,
  text: z.string(),
  speaker: z
    .string()
    .describe('The name of a known speaker, or A, B … in the order of first speech, or "unknown" without a voice.'),
});
export type TranscriptionDiarizedSegment = z.infer<typeof TranscriptionDiarizedSegment>;

/** The answer with `response_format: "diarized_json"`. */
export const TranscriptionDiarized = z
  .object({
    task: z.literal('transcribe'),
    duration: seconds,
    text: z.string(),
    segments: z.array(TranscriptionDiarizedSegment),
    usage: TranscriptionUsage.optional(),
  })
  .meta({ id: 'TranscriptionDiarized' });
export type TranscriptionDiarized = z.infer<typeof TranscriptionDiarized>;

/** One event of a stream. */
export const TranscriptionStreamEvent = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('transcript.text.delta'),
      delta: z.string(),
      logprobs,
      segment_id: z.string().optional().describe('With diarized_json: the segment of the delta.'),
    }),
    TranscriptionDiarizedSegment,
    z.object({
      type: z.literal('transcript.text.done'),
      text: z.string(),
      logprobs,
      usage: TranscriptionTokenUsage.optional().describe('Absent if the model does not count tokens.'),
    }),
  ])
  .meta({ id: 'TranscriptionStreamEvent' });
export type TranscriptionStreamEvent = z.infer<typeof TranscriptionStreamEvent>;
