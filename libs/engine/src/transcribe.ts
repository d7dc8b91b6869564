import type { Media } from './task.ts';

/** The task `transcribe`: text, times, words and speakers out of a recording. All times are seconds from its start. */

export interface TranscribeInput {
  /** A recording in any container and codec the engine can decode. */
  readonly audio: Media;
  /** ISO 639-1; absent: detected. */
  readonly language?: string | undefined;
  /** Write English whatever is spoken. */
  readonly translate?: boolean | undefined;
  /** Text that precedes the recording: style and spelling of names. */
  readonly prompt?: string | undefined;
  readonly temperature?: number | undefined;
  /** Report the time of every word. */
  readonly words?: boolean | undefined;
  /** Skip what is not speech. Default true. */
  readonly voiceActivity?: boolean | undefined;
  /** Tell speakers apart; the numbers are hints. */
  readonly speakers?:
    | {
        readonly count?: number;
        readonly min?: number;
        readonly max?: number;
        /** Speakers who get their name instead of a number where their voice is heard; a clip holds one voice. */
        readonly known?: readonly { readonly name: string; readonly audio: Media }[];
      }
    | undefined;
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
  | { readonly type: 'end'; readonly duration: number; readonly language: string };

export interface Segment {
  /** From 0, without gaps. */
  readonly id: number;
  readonly start: number;
  readonly end: number;
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
  /** A known speaker's name, or `SPEAKER_00` …, in order of first speech. */
  readonly speaker?: string | undefined;
}

export interface Word {
  readonly word: string;
  readonly start: number;
  readonly end: number;
  readonly probability: number;
  readonly speaker?: string | undefined;
}
