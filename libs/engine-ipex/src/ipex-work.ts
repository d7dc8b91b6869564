import { fileBytes, type ModelEntry, type Profile, type Work } from '@xim/engine';

/** Bytes of a weight in the files of most pipelines and models. */
const FILE_WIDTH = 2;

/**
 * Operations per weight of a Stable Diffusion pipeline at 512 x 512: a step of its U-Net is 340 billion multiply-adds, and the
 * decoder of its picture 1.24 trillion, of 1.07 billion weights in all.
 */
const PICTURE = { step: 640, decoder: 2350, pixels: 512 * 512 };

/** Steps of a profile that leaves them to the pipeline's scheduler. */
const USUAL_STEPS = 25;

/** Cycles of one thread for a picture and for each of its steps, whatever the size: Python, the scheduler, the file. */
const SERIAL = { picture: 50e6, step: 6e6 };

/**
 * The share of the peak of a picture was measured with the networks of Stable Diffusion 1.5: 0.5 on two cores with AVX2 by PyTorch
 * (a step of 8 s), and in bf16 on two with AVX-512 by OpenVINO; PyTorch reached 0.3 there. bf16 where the host has kernels for it,
 * as the worker chooses.
 */
export function ipexWork(model: ModelEntry, profile: Profile): Work | undefined {
  const bytes = fileBytes(model, profile);
  if (bytes === 0) return undefined;
  const weights = bytes / FILE_WIDTH;
  switch (model.task) {
    case 'generate': {
      const { activeShare = 1 } = model.shape;
      const operations = 2 * weights * activeShare;
      return { bytes: bytes * activeShare, operations, dtype: 'bf16', bandwidthShare: 0.5, peakShare: 0.17 };
    }
    case 'generateImage': {
      const { steps = USUAL_STEPS, guidance, size = '512x512' } = (profile.options ?? {}) as Options;
      const [width = 512, height = 512] = size.split('x').map(Number);
      const each = PICTURE.step * (guidance === undefined || guidance <= 1 ? 1 : 2);
      const operations = ((weights * (steps * each + PICTURE.decoder)) / PICTURE.pixels) * width * height;
      return {
        ...{ bytes: bytes * steps, operations, dtype: 'bf16', bandwidthShare: 0.5, peakShare: 0.5 },
        serialCycles: SERIAL.picture + SERIAL.step * steps,
      };
    }
    case 'embed':
    case 'rerank':
      return { bytes, operations: 110 * weights, dtype: 'bf16', bandwidthShare: 0.5, peakShare: 0.4 };
    case 'transcribe':
    case 'speak':
      return undefined;
  }
}

interface Options {
  readonly steps?: number;
  readonly guidance?: number;
  readonly size?: string;
}
