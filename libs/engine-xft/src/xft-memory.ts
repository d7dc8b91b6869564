import { fileBytes, type MemoryNeeds, type ModelEntry, type Profile } from '@xim/engine';
import { DEFAULT_CONTEXT, type XftOptions } from './xft-options.ts';

/** Bytes of a weight in the memory of the library. */
const WIDTHS: Readonly<Record<string, number>> = {
  ...{ bf16: 2, fp16: 2, int8: 1, w8a8: 1, fp8_e4m3: 1 },
  ...{ int4: 0.5, nf4: 0.5 },
};

/** Bytes of a weight in the files, where it is not 2. */
const FILE_WIDTHS: Readonly<Record<string, number>> = { fp32: 4, fp8_e4m3: 1 };

/** Python, PyTorch, the library's buffers and Node. */
const RESERVE_BYTES = 1024 ** 3;

/**
 * Tokens × bytes of weights that a thread computes in a second. Measured: SmolLM2-135M in bf16 (326 MB of files), a prompt
 * of 6,000 tokens at 950 tokens/s on two cores with AMX; a quarter of it for hosts without.
 */
const TOKEN_BYTES_PER_THREAD_SECOND = (950 / 2 / 4) * 326_000_000;

/**
 * Each slot reserves its longest sequence, so slots are planned by whole contexts. A prompt is one step, so the longest
 * step has as many tokens as a context.
 */
export function xftMemory(model: ModelEntry, profile: Profile): MemoryNeeds {
  const { dtype = 'bf16', weights = 'fp16', contextLength }: XftOptions = profile.options ?? {};
  const parts = dtype in WIDTHS ? [dtype] : dtype.split('_');
  const width = parts.reduce((sum, part) => sum + (WIDTHS[part] ?? 2), 0);
  const weightBytes =
    model.shape.weightBytes ?? Math.ceil((fileBytes(model, profile) * width) / (FILE_WIDTHS[weights] ?? 2));
  return {
    weightBytes,
    kvBytesPerToken: kvBytesPerToken(model, profile),
    reserveBytes: RESERVE_BYTES,
    tokensPerThreadSecond: weightBytes > 0 ? TOKEN_BYTES_PER_THREAD_SECOND / weightBytes : undefined,
    reservedTokens: contextLength ?? Math.min(model.shape.contextLength ?? DEFAULT_CONTEXT, DEFAULT_CONTEXT),
  };
}

/** In int8 with a scale (f32) for each head of keys and of values. */
function kvBytesPerToken({ shape: { layers, kvHeads, headDim } }: ModelEntry, profile: Profile): number | undefined {
  if (layers === undefined || kvHeads === undefined || headDim === undefined) return undefined;
  const { kvDtype }: XftOptions = profile.options ?? {};
  const head = kvDtype === 'int8' ? headDim + 4 : 2 * headDim;
  return 2 * layers * kvHeads * head;
}
