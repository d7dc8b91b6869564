import type { TokenChance, Usage } from './generate.ts';
import type { Media } from './task.ts';

/** The task `transcribe`: text, times, words and speakers out of a recording. All times are seconds from its start. */

/**
 * An engine refuses a field that its model cannot honour, as `InvalidInputError` with the field's name and the code
 * `XIM_UNSUPPORTED_PARAMETER`. It drops none.
 */
export interface TranscribeInput {
  /** A recording in any container and codec the engine can decode. */
  readonly audio: Media;
  /** ISO 639-1; absent: detected. */
  readonly language?: string | undefined;
  /** Write English whatever is spoken. */
  readonly translate?: boolean | undefined;
  /** Text that precedes the recording: style and spelling of names. */
  readonly prompt?: string | undefined;
  /** Words and names that the recording may hold, to be preferred wherever they fit. */
  readonly hotwords?: readonly string[] | undefined;
  /** 0 to 1. Absent or 0: the most probable text, at higher temperatures only where that repeats itself. */
  readonly temperature?: number | undefined;
  /** Report the time of every word. */
  readonly words?: boolean | undefined;
  /** Report the probability of every token. */
  readonly logprobs?: boolean | undefined;
  /** Skip what is not speech. Default true; with settings, true. */
  readonly voiceActivity?: boolean | VoiceActivity | undefined;
  /** Tell speakers apart; the numbers are hints. */
  readonly speakers?: SpeakersHint | undefined;
}

/** How speech is told from silence; what is absent is the engine's default. */
export interface VoiceActivity {
  /** Probability from which a frame is speech, 0 to 1. */
  readonly threshold?: number | undefined;
  /** Seconds kept before the first frame of speech. */
  readonly padding?: number | undefined;
  /** Seconds without speech that end a span of speech. */
  readonly silence?: number | undefined;
}

export interface SpeakersHint {
  readonly count?: number | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Speakers who get their name instead of a number where their voice is heard. */
  readonly known?: readonly KnownSpeaker[] | undefined;
}

export interface KnownSpeaker {
  readonly name: string;
  /** A clip with no other voice. */
  readonly audio: Media;
}

/** Order: `start`, any number of `segment` (rising, not overlapping unless speakers do) and `progress`, `end`. */
export type TranscribeEvent =
  | {
      readonly type: 'start';
      readonly duration: number;
      readonly language?: string;
      readonly languageProbability?: number;
    }
  | { readonly type: 'progress'; readonly seconds: number }
  | { readonly type: 'segment'; readonly segment: Segment }
  | {
      readonly type: 'end';
      readonly duration: number;
      readonly language: string;
      /** Tokens of prompt, recording and text, where the model counts them. */
      readonly usage?: Usage;
    };

export interface Segment {
  /** From 0, without gaps. */
  readonly id: number;
  readonly start: number;
  readonly end: number;
  /** With the space that separates it from the segment before: all texts, joined, are the transcript. */
  readonly text: string;
  /** Token ids of `text`. This field and the next four are reported by Whisper models only. */
  readonly tokens?: readonly number[] | undefined;
  /** Temperature of the decoding pass that gave `text`. */
  readonly temperature?: number | undefined;
  /** Mean natural log probability of `tokens`. */
  readonly averageLogprob?: number | undefined;
  /** Bytes of `text` in UTF-8, divided by their zlib-compressed bytes. */
  readonly compressionRatio?: number | undefined;
  /** Probability of no speech in the window of the segment, 0 to 1. */
  readonly noSpeechProbability?: number | undefined;
  readonly words?: readonly Word[] | undefined;
  /** One per token of `text`, if and only if asked for. */
  readonly logprobs?: readonly TokenChance[] | undefined;
  /** A known speaker's name, or `SPEAKER_00` …, in order of first speech. Absent where no voice could be told. */
  readonly speaker?: string | undefined;
}

export interface Word {
  readonly word: string;
  readonly start: number;
  readonly end: number;
  readonly probability: number;
  readonly speaker?: string | undefined;
}
