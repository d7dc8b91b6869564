/** The task `speak`: speech out of text, as encoded bytes that can be played while they arrive. */

export interface SpeakInput {
  readonly text: string;
  /** One of the model's voices; absent: its first. */
  readonly voice?: string | undefined;
  readonly format: 'mp3' | 'opus' | 'aac' | 'flac' | 'wav' | 'pcm';
  /** 0.25 to 4; 1 = as recorded. */
  readonly speed?: number | undefined;
}

/** Order: `start`, `audio` at least once, `end`. The joined bytes are one valid file of `mediaType`. */
export type SpeakEvent =
  | { readonly type: 'start'; readonly mediaType: string; readonly sampleRate: number; readonly inputTokens: number }
  | { readonly type: 'audio'; readonly bytes: Uint8Array }
  /** `duration` of the speech in seconds. */
  | { readonly type: 'end'; readonly duration: number };
