import { fileBytes, type MemoryNeeds, type ModelEntry, type Profile } from '@xim/engine';
import { ipexWork } from './ipex-work.ts';

/** Weights in 16-bit files take twice as much where the host computes in f32, which is not known before the start. */
const UNPACKING = 2;

/**
 * Measured with Stable Diffusion 1.5 in bf16: OpenVINO keeps the weights of its networks in a second layout, 2.7 GB beside the 2.1 GB
 * that PyTorch has.
 */
const LAYOUTS = 2.25;

/** Measured: Node, Python, PyTorch, Transformers and diffusers take 0.8 GiB; the rest is for a picture of 512 x 512 in bf16. */
const RESERVE_BYTES = 1536 * 1024 ** 2;

/** Measured: Python, PyTorch and Transformers take 0.63 GiB with SmolLM2-135M loaded, without weights; Node adds 0.1 GiB. */
const TEXT_RESERVE_BYTES = 768 * 1024 ** 2;

/**
 * Tokens × bytes of weights that a thread computes in a second. Measured: SmolLM2-135M in f32 (538 MB), a prompt of 512 tokens
 * at 200 tokens/s on one AVX2 core that other programs used too.
 */
const TOKEN_BYTES_PER_THREAD_SECOND = 200 * 538_060_800;

export function ipexMemory(model: ModelEntry, profile: Profile): MemoryNeeds {
  const weightBytes = model.shape.weightBytes ?? fileBytes(model, profile) * UNPACKING;
  const work = ipexWork(model, profile);
  if (model.task === 'generateImage') {
    const layouts = profile.options?.['networks'] === 'pytorch' ? 1 : LAYOUTS;
    return { weightBytes: weightBytes * layouts, reserveBytes: RESERVE_BYTES, work };
  }
  if (model.task !== 'generate') return { weightBytes, reserveBytes: RESERVE_BYTES, work };
  return {
    weightBytes,
    kvBytesPerToken: kvBytesPerToken(model, profile),
    reserveBytes: TEXT_RESERVE_BYTES,
    tokensPerThreadSecond: weightBytes > 0 ? TOKEN_BYTES_PER_THREAD_SECOND / weightBytes : undefined,
    work,
  };
}

/** Keys and values in the dtype of the computation; f32 unless the profile names bf16, since the host decides at the start. */
function kvBytesPerToken({ shape: { layers, kvHeads, headDim } }: ModelEntry, profile: Profile): number | undefined {
  if (layers === undefined || kvHeads === undefined || headDim === undefined) return undefined;
  return 2 * layers * kvHeads * headDim * (profile.options?.['dtype'] === 'bf16' ? 2 : 4);
}
