import { fileBytes, type MemoryNeeds, type ModelEntry, type Profile } from '@xim/engine';

/** Weights in 16-bit files take twice as much where the host computes in f32, which is not known before the start. */
const UNPACKING = 2;

/** Measured: Node, Python, PyTorch, Transformers and diffusers take 0.8 GiB; the rest is for a picture of 512 x 512 in bf16. */
const RESERVE_BYTES = 1536 * 1024 ** 2;

export function ipexMemory(model: ModelEntry, profile: Profile): MemoryNeeds {
  const weightBytes = model.shape.weightBytes ?? fileBytes(model, profile) * UNPACKING;
  return { weightBytes, reserveBytes: RESERVE_BYTES };
}
