import type { Usage } from './generate.ts';

/** The task `speak`: speech out of text, as encoded bytes that can be played while they arrive. */

export interface SpeakInput {
  readonly text: string;
  /** One of the model's voices; absent: its first. */
  readonly voice?: string | undefined;
  readonly format: 'mp3' | 'opus' | 'aac' | 'flac' | 'wav' | 'pcm';
  /** 0.25 to 4; 1 = as recorded. */
  readonly speed?: number | undefined;
  /** How to speak, in words. An engine whose model takes none refuses it by name. */
  readonly instructions?: string | undefined;
  /** An integer: the same seed and input give the same bytes. Absent: the engine's choice. */
  readonly seed?: number | undefined;
}

/** Order: `start`, `audio` at least once, `end`. The joined bytes are one valid file of `mediaType`. */
export type SpeakEvent =
  | {
      readonly type: 'start';
      readonly mediaType: string;
      readonly sampleRate: number;
      /** Unicode characters of `text`. */
      readonly inputCharacters: number;
    }
  | { readonly type: 'audio'; readonly bytes: Uint8Array }
  /**
   * `duration` of the speech in seconds; input tokens are units that the model reads, such as phonemes, output tokens
   * those that it makes, such as spectrogram frames.
   */
  | { readonly type: 'end'; readonly duration: number; readonly usage: Usage };
