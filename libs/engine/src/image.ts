import type { Media } from './task.ts';

/** The task `generateImage`: pictures out of text, or out of text and a picture. */

export interface ImageInput {
  readonly prompt: string;
  readonly negativePrompt?: string | undefined;
  /** Pictures to make, numbered from 0. Default 1. */
  readonly count?: number | undefined;
  /** Width in pixels; absent: that of `image`, else of `EngineInfo.imageDefaults`. */
  readonly width?: number | undefined;
  /** Height in pixels; absent: that of `image`, else of `EngineInfo.imageDefaults`. */
  readonly height?: number | undefined;
  /** Denoising steps of a whole run; absent: that of `EngineInfo.imageDefaults`. */
  readonly steps?: number | undefined;
  /** Weight of the prompt against no prompt; absent: the model's own value. */
  readonly guidance?: number | undefined;
  /**
   * An integer of any size and sign, taken modulo 2^64. The same seed gives the same picture; picture i of several has
   * seed + i. Absent: the engine's choice.
   */
  readonly seed?: number | undefined;
  readonly format: 'png' | 'jpeg' | 'webp';
  /** 0 to 100, for jpeg and webp; png keeps every pixel and ignores it. */
  readonly quality?: number | undefined;
  /**
   * Start from this picture instead of noise: PNG, JPEG or WebP, turned as its EXIF says. Where another size is asked
   * for, the picture is scaled to cover that size and its middle is taken.
   */
  readonly image?: Media | undefined;
  /**
   * Marks the pixels to repaint: transparent pixels, or white pixels of a mask without an alpha channel. It has the size
   * of `image` and marks at least one pixel. Absent: the transparent pixels of `image`; without any, all of it.
   */
  readonly mask?: Media | undefined;
  /** How far from `image` to go, above 0 and up to 1; absent: the model's own value. */
  readonly strength?: number | undefined;
  /** Unfinished pictures to send on the way, 0 to 3. */
  readonly partials?: number | undefined;
}

/** Order: `start`, then `progress` and `image` (partials of a picture rise and come before the finished one), `end`. */
export type ImageEvent =
  /** The size of every picture, in pixels. */
  | { readonly type: 'start'; readonly width: number; readonly height: number }
  /** Steps done of all pictures together. */
  | { readonly type: 'progress'; readonly step: number; readonly of: number }
  /** `partial` is absent on the finished picture. */
  | {
      readonly type: 'image';
      readonly index: number;
      readonly partial?: number;
      readonly bytes: Uint8Array;
      readonly mediaType: string;
      /** True: the model's safety checker rejected the picture, which is black instead. */
      readonly rejected?: boolean;
    }
  | { readonly type: 'end'; readonly usage: ImageUsage };

export interface ImageUsage {
  /** Tokens of the prompt and the negative prompt, as the model's first text encoder counts them. */
  readonly textTokens: number;
  /** Latent positions that were read: of `image`, once. */
  readonly imageTokens: number;
  /** Latent positions that were made: of all pictures together. */
  readonly outputTokens: number;
}
