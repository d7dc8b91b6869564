import type { Media } from './task.ts';

/** The task `generateImage`: pictures out of text, or out of text and a picture. */

export interface ImageInput {
  readonly prompt: string;
  readonly negativePrompt?: string | undefined;
  /** Pictures to make, numbered from 0. Default 1. */
  readonly count?: number | undefined;
  /** Width in pixels; absent: the engine's default. */
  readonly width?: number | undefined;
  /** Height in pixels; absent: the engine's default. */
  readonly height?: number | undefined;
  /** Denoising steps; absent: the model's own number. */
  readonly steps?: number | undefined;
  readonly guidance?: number | undefined;
  /** The same seed gives the same picture; picture i of several has seed + i. */
  readonly seed?: number | undefined;
  readonly format: 'png' | 'jpeg' | 'webp';
  /** 0 to 100, for jpeg and webp. */
  readonly quality?: number | undefined;
  /** Start from this picture instead of noise. */
  readonly image?: Media | undefined;
  /** Same size as `image`; white is repainted. */
  readonly mask?: Media | undefined;
  /** How far from `image` to go, 0 to 1. */
  readonly strength?: number | undefined;
  /** Unfinished pictures to send on the way, 0 to 3. */
  readonly partials?: number | undefined;
}

/** Order: `start`, then `progress` and `image` (partials of a picture rise and come before the finished one), `end`. */
export type ImageEvent =
  | { readonly type: 'start' }
  /** Steps done of all pictures together. */
  | { readonly type: 'progress'; readonly step: number; readonly of: number }
  /** `partial` is absent on the finished picture. */
  | {
      readonly type: 'image';
      readonly index: number;
      readonly partial?: number;
      readonly bytes: Uint8Array;
      readonly mediaType: string;
    }
  | { readonly type: 'end' };
