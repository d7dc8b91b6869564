import { deflateSync } from 'node:zlib';
import type { Segment, TokenChance, Usage, Word } from '@xim/engine';
import type {
  Transcription,
  TranscriptionDiarized,
  TranscriptionDiarizedSegment,
  TranscriptionLogprob,
  TranscriptionSegment,
  TranscriptionUsage,
  TranscriptionVerbose,
  TranscriptionWord,
} from '@xim/openai-schema';
import { toLanguageName } from './languages.ts';
import { toSpeakerName, type Transcript } from './transcript.ts';

/** The options of a `verbose_json`. */
export interface VerboseOptions {
  readonly task: 'transcribe' | 'translate';
  readonly words: boolean;
  readonly segments: boolean;
}

export function toTranscription({ text, segments, usage, duration }: Transcript, logprobs: boolean): Transcription {
  return {
    text,
    ...(logprobs && { logprobs: segments.flatMap((segment) => toLogprobs(segment.logprobs)) }),
    usage: toUsage(usage, duration),
  };
}

export function toVerbose(transcript: Transcript, { task, words, segments }: VerboseOptions): TranscriptionVerbose {
  const { duration, text } = transcript;
  return {
    task,
    language: task === 'translate' ? 'english' : toLanguageName(transcript.language),
    duration,
    text,
    ...(words && { words: transcript.segments.flatMap((segment) => (segment.words ?? []).map(toWord)) }),
    ...(segments && { segments: transcript.segments.map(toSegment) }),
    ...(task === 'transcribe' && { usage: { type: 'duration' as const, seconds: duration } }),
  };
}

export function toDiarized({ duration, text, segments, usage }: Transcript): TranscriptionDiarized {
  return {
    task: 'transcribe',
    duration,
    text,
    segments: segments.filter((segment) => segment.text.trim() !== '').map(toDiarizedSegment),
    usage: toUsage(usage, duration),
  };
}

export function toDiarizedSegment({ id, start, end, text, speaker }: Segment): TranscriptionDiarizedSegment {
  const type = 'transcript.text.segment';
  return { type, id: `seg_${id}`, start, end, text: text.trim(), speaker: toSpeakerName(speaker) };
}

export function toLogprobs(chances: readonly TokenChance[] = []): TranscriptionLogprob[] {
  return chances.map(({ token, logprob, bytes }) => ({ token, logprob, bytes: [...bytes] }));
}

export function toTokenUsage({ inputTokens, outputTokens }: Usage): Extract<TranscriptionUsage, { type: 'tokens' }> {
  const total = inputTokens + outputTokens;
  return { type: 'tokens', input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: total };
}

function toUsage(usage: Usage | undefined, duration: number): TranscriptionUsage {
  return usage ? toTokenUsage(usage) : { type: 'duration', seconds: duration };
}

function toWord({ word, start, end, speaker }: Word): TranscriptionWord {
  return { word: word.trim(), start, end, ...(speaker !== undefined && { speaker: toSpeakerName(speaker) }) };
}

function toSegment(segment: Segment): TranscriptionSegment {
  const { id, start, end, text, speaker } = segment;
  return {
    id,
    seek: Math.floor(start * 100),
    start,
    end,
    text,
    tokens: [...(segment.tokens ?? [])],
    temperature: segment.temperature ?? 0,
    avg_logprob: segment.averageLogprob ?? 0,
    compression_ratio: segment.compressionRatio ?? toCompressionRatio(text),
    no_speech_prob: segment.noSpeechProbability ?? 0,
    ...(speaker !== undefined && { speaker: toSpeakerName(speaker) }),
  };
}

function toCompressionRatio(text: string): number {
  const bytes = Buffer.from(text);
  return bytes.length / deflateSync(bytes).length;
}
