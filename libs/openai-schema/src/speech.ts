import { z } from 'zod';

/** Longest `instructions` of OpenAI's API. */
const MAX_INSTRUCTIONS = 4096;

/**
 * The body of `POST /v1/audio/speech`: every field of OpenAI's API, and the extension `seed`. Unknown fields are
 * dropped; an explicit null of an optional field equals its absence. The length of `input` is the service's setting.
 */
export const SpeechRequest = z
  .object({
    model: z.string(),
    input: z.string().min(1, 'expected a text of at least one character').describe('The text to speak.'),
    voice: z
      .union([z.string().min(1), z.object({ id: z.string().min(1) })])
      .describe('The name of a voice, or an object with it as id.'),
    instructions: z
      .string()
      .max(MAX_INSTRUCTIONS)
      .nullish()
      .describe('How to speak; refused where the model takes no instructions.'),
    response_format: z
      .enum(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'])
      .nullish()
      .describe('Default mp3. opus is in an Ogg container; pcm is 24 kHz, signed 16-bit, little-endian, mono.'),
    speed: z.number().min(0.25).max(4).nullish().describe('Default 1; 2 takes half the time, at the same pitch.'),
    stream_format: z
      .enum(['audio', 'sse'])
      .nullish()
      .describe('Default audio, the bytes as they are made; sse sends them as server-sent events.'),
    seed: z
      .number()
      .refine(Number.isSafeInteger, 'expected an integer that a double holds exactly')
      .meta({ type: 'integer' })
      .nullish()
      .describe('An extension: the same seed and request give the same bytes.'),
  })
  .meta({ id: 'SpeechRequest' });
export type SpeechRequest = z.infer<typeof SpeechRequest>;

/** One event of the answer with `stream_format: "sse"`. */
export const SpeechAudioDeltaEvent = z
  .object({ type: z.literal('speech.audio.delta'), audio: z.base64().describe('The next bytes of the file.') })
  .meta({ id: 'SpeechAudioDeltaEvent' });
export type SpeechAudioDeltaEvent = z.infer<typeof SpeechAudioDeltaEvent>;

/** The last event of such an answer. */
export const SpeechAudioDoneEvent = z
  .object({
    type: z.literal('speech.audio.done'),
    usage: z.object({ input_tokens: z.int(), output_tokens: z.int(), total_tokens: z.int() }),
  })
  .meta({ id: 'SpeechAudioDoneEvent' });
export type SpeechAudioDoneEvent = z.infer<typeof SpeechAudioDoneEvent>;

/** The answer of `GET /v1/audio/voices`, an extension. */
export const VoiceList = z
  .object({
    voices: z.array(
      z.object({
        id: z.string().describe('What a request may send as voice.'),
        name: z.string().describe('The voice of the model that speaks then: the id itself, or what it is an alias of.'),
        object: z.literal('audio.voice'),
        created_at: z.int().describe('Unix seconds of the model’s publication.'),
      }),
    ),
  })
  .meta({ id: 'VoiceList' });
export type VoiceList = z.infer<typeof VoiceList>;
