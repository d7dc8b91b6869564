import { z } from 'zod';

/** The longest `instructions` of OpenAI's API, in characters. */
const MAX_INSTRUCTIONS = 4096;

/**
 * The body of `POST /v1/audio/speech`: every field of OpenAI's API, and the extension `seed`. Unknown fields are
 * dropped; an explicit null of an optional field means absent. A setting of the service limits the length of `input`.
 */
export const SpeechRequest = z
  .object({
    model: z.string(),
    input: z.string().min(1, 'expected a text of at least one character').describe('The text to speak.'),
    voice: z
      .union([z.string().min(1), z.object({ id: z.string().min(1) })])
      .describe('The name of a voice, or an object with the name as id.'),
    instructions: z
      .string()
      .max(MAX_INSTRUCTIONS)
      .nullish()
      .describe('The style of speech. Refused by models that take no instructions.'),
    response_format: z
      .enum(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'])
      .nullish()
      .describe('Default mp3. opus is in an Ogg container; pcm is 24 kHz, signed 16-bit, little-endian, mono.'),
    speed: z
      .number()
      .min(0.25)
      .max(4)
      .nullish()
      .describe('Default 1. 2 halves the duration; the pitch does not change.'),
    stream_format: z
      .enum(['audio', 'sse'])
      .nullish()
      .describe('Default audio: sends the bytes of the file. sse: sends them in server-sent events.'),
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

/** The last event of the answer with `stream_format: "sse"`. */
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
        id: z.string().describe('A value that requests may send as voice.'),
        name: z.string().describe('The voice of the model: the id itself, or the voice for which the id is an alias.'),
        object: z.literal('audio.voice'),
        created_at: z.int().describe('The time of the model’s publication, in Unix seconds.'),
      }),
    ),
  })
  .meta({ id: 'VoiceList' });
export type VoiceList = z.infer<typeof VoiceList>;
