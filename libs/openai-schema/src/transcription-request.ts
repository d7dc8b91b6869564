import { z } from 'zod';
import {
  booleanField as boolean,
  listField as list,
  numberField as number,
  optionalField as optional,
} from './form-fields.ts';

function toJson(value: unknown): unknown {
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Settings of voice activity that a client may send. */
const ServerVad = z.object({
  type: z.literal('server_vad'),
  prefix_padding_ms: number(z.int().min(0)).describe('Milliseconds kept before speech. Default 300.'),
  silence_duration_ms: number(z.int().min(0)).describe('Milliseconds of silence that end speech. Default 200.'),
  threshold: number(z.number().min(0).max(1)).describe('Lowest probability at which sound is speech. Default 0.5.'),
});

/** Converts the official clients' notation of objects, `chunking_strategy[type]=server_vad`, to `{ type }`. */
function gatherObjects(form: unknown): unknown {
  if (typeof form !== 'object' || form === null) return form;
  const gathered: Record<string, unknown> = {};
  const strategy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(form)) {
    const key = /^chunking_strategy\[(\w+)\]$/.exec(name)?.[1];
    if (key === undefined) gathered[name] = value;
    else strategy[key] = value;
  }
  if (Object.keys(strategy).length > 0) gathered['chunking_strategy'] = strategy;
  return gathered;
}

const count = number(z.int().min(1).max(100));

/** Fields of both routes, without the recording. */
const common = {
  model: z.string().min(1),
  prompt: optional(z.string()).describe('Text before the recording, which sets the style and the spelling of names.'),
  temperature: number(z.number().min(0).max(1)).describe(
    'Default 0: the most probable text. If it repeats itself, higher temperatures are tried.',
  ),
  language: optional(z.string()).describe(
    'The language of the recording: a code of ISO 639-1 such as "en", or the English name. Default: detected.',
  ),
  hotwords: list(z.string().max(200)).describe('An extension: words and names that may occur.'),
  vad_filter: boolean.describe('An extension: skip sound without speech. Default true.'),
};

const transcription = z.object({
  ...common,
  languages: list(z.string().min(1)).describe('Languages that may be spoken. This service takes one language.'),
  keywords: list(z.string().max(200)).describe('Words and names that may occur.'),
  response_format: optional(z.enum(['json', 'text', 'srt', 'verbose_json', 'vtt', 'diarized_json'])).describe(
    'Default json.',
  ),
  include: list(z.enum(['logprobs'])).describe('Only with json.'),
  timestamp_granularities: list(z.enum(['word', 'segment'])).describe('Default segment; word only with verbose_json.'),
  stream: boolean.describe('Server-sent events instead of one answer; with json, text and diarized_json.'),
  chunking_strategy: optional(z.preprocess(toJson, z.union([z.literal('auto'), ServerVad]))),
  known_speaker_names: list(z.string().min(1).max(100), 4),
  known_speaker_references: list(z.string().min(1), 4).describe(
    'A data URL for each name, with 2 to 10 seconds of speech.',
  ),
  num_speakers: count.describe('An extension: the number of speakers.'),
  min_speakers: count.describe('An extension: the least number of speakers.'),
  max_speakers: count.describe('An extension: the largest number of speakers.'),
});

/**
 * The form of `POST /v1/audio/transcriptions` without its file: every field of OpenAI's API, from text. Unknown fields
 * are dropped; an empty field means absent. The service decides which fields it honours.
 */
export const TranscriptionRequest = z.preprocess(gatherObjects, transcription).superRefine((request, context) => {
  const issue = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  const format = request.response_format ?? 'json';
  const { include, known_speaker_names: names = null, known_speaker_references: references = null } = request;

  // Only segments is the default, which clients also send with json.
  if (request.timestamp_granularities?.includes('word') && format !== 'verbose_json')
    issue('timestamp_granularities', 'times of words are only allowed with response_format: verbose_json');
  if (include?.length && format !== 'json') issue('include', 'logprobs are only allowed with response_format: json');
  if (request.stream && ['srt', 'vtt', 'verbose_json'].includes(format))
    issue('stream', `a stream has no response_format ${format}; expected json, text or diarized_json`);
  if (request.vad_filter === false && request.chunking_strategy != null)
    issue('vad_filter', 'contradicts chunking_strategy; send one of the two');

  if ((names?.length ?? 0) !== (references?.length ?? 0))
    issue('known_speaker_references', 'expected one for each of known_speaker_names');
  if (new Set(names).size !== (names?.length ?? 0)) issue('known_speaker_names', 'a name is there twice');
  for (const field of ['num_speakers', 'min_speakers', 'max_speakers', 'known_speaker_names'] as const) {
    if (request[field] != null && !['diarized_json', 'verbose_json'].includes(format))
      issue(field, 'only allowed with response_format: diarized_json or verbose_json');
  }
  const { num_speakers: exact, min_speakers: least, max_speakers: most } = request;
  if (exact != null && (least != null || most != null))
    issue('num_speakers', 'send it alone, or min_speakers and max_speakers');
  if (least != null && most != null && least > most) issue('min_speakers', 'expected no more than max_speakers');
});
export type TranscriptionRequest = z.infer<typeof TranscriptionRequest>;

/** The form of `POST /v1/audio/translations` without its file. The output is English. */
export const TranslationRequest = z.object({
  ...common,
  response_format: optional(z.enum(['json', 'text', 'srt', 'verbose_json', 'vtt'])).describe('Default json.'),
  stream: boolean.refine((value) => value !== true, 'translations are not streamed; leave it out'),
  timestamp_granularities: list(z.literal('segment', 'translations have no times of words; expected "segment"')),
});
export type TranslationRequest = z.infer<typeof TranslationRequest>;

const file = z
  .custom<unknown>()
  .meta({ type: 'string', format: 'binary', description: 'The recording, in any usual container and codec.' });

/** The complete forms of both routes, for documentation, and the names of the list fields, for a form parser. */
export const recordingForms = {
  transcription: transcription.extend({ file }).meta({ id: 'TranscriptionForm' }),
  translation: TranslationRequest.extend({ file }).meta({ id: 'TranslationForm' }),
  lists: [
    ...['timestamp_granularities', 'include', 'known_speaker_names', 'known_speaker_references'],
    ...['languages', 'keywords', 'hotwords'],
  ],
} as const;
