import { type EngineInfo, InvalidInputError, type SpeakersHint, type TranscribeInput } from '@xim/engine';
import { type TranscriptionRequest, type TranslationRequest } from '@xim/openai-schema';
import type { Upload } from '../../http/upload.ts';
import { readFile } from '../form.ts';
import { readDataUrl } from './data-url.ts';
import { toLanguageCode } from './languages.ts';

/** Names of the task's input → names of the form, for what an engine finds wrong. */
export const transcribeParamNames = {
  audio: 'file',
  logprobs: 'include',
  words: 'timestamp_granularities',
  translate: 'model',
  voiceActivity: 'chunking_strategy',
  speakers: 'response_format',
  'speakers.count': 'num_speakers',
  'speakers.min': 'min_speakers',
  'speakers.max': 'max_speakers',
  'speakers.known': 'known_speaker_references',
  'speakers.known.*.audio': 'known_speaker_references.*',
  'speakers.known.*.name': 'known_speaker_names.*',
} as const;

/** The path of the form's recording. Throws InvalidInputError. */
export function readRecording(upload: Upload): string {
  const path = readFile(upload, { field: 'file', noun: 'recording' });
  if (path === undefined)
    throw new InvalidInputError('There is no recording. Send one as the file "file".', { param: 'file' });
  return path;
}

/** Throws InvalidInputError for what no engine can be asked for. */
export function toTranscribeInput(
  request: TranscriptionRequest,
  path: string,
  info: Pick<EngineInfo, 'languages'> | undefined,
): TranscribeInput {
  const { chunking_strategy: chunking, response_format: format, languages } = request;
  if ((languages?.length ?? 0) > 1) {
    const message = 'This service takes one language per recording. Send it as "language", or leave both out.';
    throw new InvalidInputError(message, { param: 'languages', code: 'XIM_UNSUPPORTED_PARAMETER' });
  }
  const language = request.language ?? languages?.[0];
  const hotwords = [...(request.keywords ?? []), ...(request.hotwords ?? [])];
  const speakers = toSpeakers(request);
  return {
    audio: { path },
    ...toCommon({ ...request, hotwords, language }, info),
    ...(request.timestamp_granularities?.includes('word') && { words: true }),
    ...(request.include?.includes('logprobs') && { logprobs: true }),
    ...(chunking && {
      voiceActivity:
        chunking === 'auto'
          ? true
          : {
              ...(chunking.threshold != null && { threshold: chunking.threshold }),
              ...(chunking.prefix_padding_ms != null && { padding: chunking.prefix_padding_ms / 1000 }),
              ...(chunking.silence_duration_ms != null && { silence: chunking.silence_duration_ms / 1000 }),
            },
    }),
    ...((format === 'diarized_json' || Object.keys(speakers).length > 0) && { speakers }),
  };
}

/** Throws InvalidInputError for a language that is not there. */
export function toTranslateInput(
  request: TranslationRequest,
  path: string,
  info: Pick<EngineInfo, 'languages'> | undefined,
): TranscribeInput {
  return { audio: { path }, ...toCommon(request, info), translate: true };
}

type Common = Pick<TranslationRequest, 'prompt' | 'temperature' | 'language' | 'hotwords' | 'vad_filter'>;

function toCommon(
  { prompt, temperature, language, hotwords, vad_filter: filter }: Common,
  info: Pick<EngineInfo, 'languages'> | undefined,
): Omit<TranscribeInput, 'audio'> {
  return {
    ...(language != null && { language: toLanguage(language, info?.languages) }),
    ...(prompt != null && { prompt }),
    ...(temperature != null && { temperature }),
    ...(hotwords && hotwords.length > 0 && { hotwords }),
    ...(filter != null && { voiceActivity: filter }),
  };
}

function toLanguage(sent: string, known: readonly string[] | undefined): string {
  const code = toLanguageCode(sent);
  if (code !== undefined && (known === undefined || known.includes(code))) return code;
  const expected = known ? `one of ${known.join(', ')}` : 'a code such as "en"';
  const message = `The language "${sent.slice(0, 20)}" is not known; expected ${expected}, or an English name.`;
  throw new InvalidInputError(`${message} Without it the language is detected.`, { param: 'language' });
}

function toSpeakers(request: TranscriptionRequest): SpeakersHint {
  const { num_speakers: count, min_speakers: min, max_speakers: max } = request;
  const references = request.known_speaker_references ?? [];
  const known = request.known_speaker_names?.map((name, at) => {
    const bytes = readDataUrl(references[at]!);
    if (bytes) return { name, audio: { bytes } };
    const param = `known_speaker_references.${at}`;
    throw new InvalidInputError(`"${param}" is no data URL; expected "data:audio/wav;base64,…".`, { param });
  });
  return {
    ...(count != null && { count }),
    ...(min != null && { min }),
    ...(max != null && { max }),
    ...(known?.length && { known }),
  };
}
