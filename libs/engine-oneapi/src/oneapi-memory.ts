import { fileBytes, type MemoryNeeds, type ModelEntry, type Profile } from '@xim/engine';
import { oneapiWork } from './oneapi-work.ts';

/** Weights in memory per byte of files: the plugin repacks them, and holds the embedding table unpacked. */
const REPACKING = 1.5;
/** Of a GGUF file up to `LARGEST_DOUBLED`: where the host multiplies in int8, its 4-bit weights take 8 bits (int8_products.py). */
const DOUBLING = 2;
const LARGEST_DOUBLED = 2 ** 30;

/** Measured: SmolLM2-135M Q4_1, 512 tokens a step, is 0.44 GiB resident with its weights and without cache; Node adds 0.1 GiB. */
const RESERVE_BYTES = 384 * 1024 ** 2;

/** Of a compiled form of a voice, between its layers. Measured: en_US-joe-medium with sentences of up to 110 characters. */
const SPOKEN_SENTENCE_BYTES = 300 * 1024 ** 2;

/**
 * Tokens × bytes of weights that a thread gets through in a second. Measured: SmolLM2-135M Q4_1 (98 MB of files, 148 MB
 * in memory), a prompt at 490 tokens/s on two AVX2 cores; anything newer is faster.
 */
const TOKEN_BYTES_PER_THREAD_SECOND = (490 / 2) * 147_543_648;

export function oneapiMemory(model: ModelEntry, profile: Profile): MemoryNeeds {
  const bytes = fileBytes(model, profile);
  const doubles = isGguf(model, profile) && bytes <= LARGEST_DOUBLED && profile.options?.['weightBits'] !== 4;
  const of = (factor: number): number => model.shape.weightBytes ?? Math.ceil(bytes * factor);
  const read = of(REPACKING);
  return {
    weightBytes: of(doubles ? DOUBLING : REPACKING),
    kvBytesPerToken: kvBytesPerToken(model, profile),
    reserveBytes: RESERVE_BYTES + (model.task === 'speak' ? voiceForms(profile) * SPOKEN_SENTENCE_BYTES : 0),
    tokensPerThreadSecond: read > 0 ? TOKEN_BYTES_PER_THREAD_SECOND / read : undefined,
    work: oneapiWork(model, profile),
  };
}

/** Streams that divide the threads, at least two unless the profile says otherwise, and one with all threads (speak.py). */
function voiceForms({ options }: Profile): number {
  const streams = Number(options?.['streams'] ?? 2);
  return streams === 1 ? 1 : streams + 1;
}

const isGguf = ({ artifacts }: ModelEntry, { artifact = '' }: Profile): boolean =>
  artifacts[artifact]?.files.some(({ path }) => path.endsWith('.gguf')) ?? false;

/** Bytes of a number of the cache, by the profile's option `kvCache`; `u8`: see below. */
const KV_NUMBER_BYTES: Readonly<Record<string, number>> = { f16: 2, bf16: 2, f32: 4 };

/**
 * Keys and values are 8-bit numbers, unless the profile says otherwise; with the option `exact` they are f32. 8-bit keys
 * have a scale and a zero point (f32 each) per element for 32 tokens, values for each token: the blocks that OpenVINO's CPU plugin gives are `[heads, 32 + 8, size]` and `[heads, 32, size + 8]`.
 */
function kvBytesPerToken({ task, shape }: ModelEntry, { options }: Profile): number | undefined {
  const { layers, kvHeads, headDim } = shape;
  if (task !== 'generate' || layers === undefined || kvHeads === undefined || headDim === undefined) return undefined;
  const dtype = options?.['kvCache'] ?? (options?.['exact'] ? 'f32' : 'u8');
  const numberBytes = KV_NUMBER_BYTES[String(dtype)];
  if (numberBytes !== undefined) return layers * kvHeads * 2 * headDim * numberBytes;
  return layers * kvHeads * ((headDim * 40) / 32 + headDim + 8);
}
