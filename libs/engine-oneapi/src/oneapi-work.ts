import { type Artifact, fileBytes, type ModelEntry, type Profile, type Work } from '@xim/engine';

/** Bits of a weight in a file of weights, by the marks in its name and folder; block scales of ggml included. */
const BITS: readonly (readonly [RegExp, number])[] = [
  [/q4_0|q4_k|iq4/, 4.5],
  [/q4_1|int4|awq|gptq/, 5],
  [/q5_/, 5.5],
  [/q6_k/, 6.6],
  [/q8_0|int8|i8/, 8.5],
  [/f16|bf16|fp16/, 16],
];

/** Cycles of one thread beside the network, for a step of text and for a request of one text: fitted, on AVX-512. */
const SERIAL = { step: 4e6, text: 4e6 };

/** Documents of a request, which are computed together. */
const DOCUMENTS = 25;

/**
 * Every weight takes part once in a token, and a multiply-add is two operations; the other tasks are the counts of their
 * networks. OpenVINO computes in bf16 where it has kernels for it, but voices in f32. The shares were measured with
 * SmolLM2-135M Q4_1, MiniLM int8, whisper-base int8 and a medium voice of Piper on two cores with AVX2 and on two with
 * AVX-512; that of voices lies between what the two reached.
 */
export function oneapiWork(model: ModelEntry, profile: Profile): Work | undefined {
  const bytes = fileBytes(model, profile);
  if (bytes === 0) return undefined;
  const weights = (bytes * 8) / bitsOf(profile, model.artifacts[profile.artifact ?? '']);
  switch (model.task) {
    case 'generate': {
      const { activeShare = 1 } = model.shape;
      // One row at a time: unpacking 4-bit weights leaves a sixth of the peak.
      return {
        bytes: bytes * activeShare,
        operations: 2 * weights * activeShare,
        dtype: 'fp32',
        bandwidthShare: 0.75,
        peakShare: 0.17,
        serialCycles: SERIAL.step,
      };
    }
    case 'embed':
      return { ...ofText(weights), bytes, serialCycles: SERIAL.text };
    case 'rerank':
      return { ...ofText(weights), bytes: bytes / DOCUMENTS };
    case 'transcribe':
      // Encoder of 1,500 positions and 120 tokens for a window of 30 s: 1,450 operations for each weight.
      return { bytes: bytes * 2, operations: 48 * weights, dtype: 'bf16', bandwidthShare: 0.75, peakShare: 0.45 };
    case 'speak':
      // Convolutions at 22,050 samples a second; measured.
      return { bytes, operations: 580 * weights, dtype: 'fp32', bandwidthShare: 0.75, peakShare: 0.55 };
    case 'generateImage':
      return undefined;
  }
}

/** The arithmetic of a text of 55 tokens. About half of a small encoder is its table of tokens, which is not multiplied. */
function ofText(weights: number): Omit<Work, 'bytes'> {
  return { operations: 55 * weights, dtype: 'bf16', bandwidthShare: 0.75, peakShare: 0.45 };
}

function bitsOf({ artifact = '' }: Profile, files: Artifact | undefined): number {
  const names = [artifact, ...(files?.files.map(({ path }) => path) ?? [])].join(' ').toLowerCase();
  return BITS.find(([mark]) => mark.test(names))?.[1] ?? 32;
}
