import type { DefaultSampling, ModelShape } from '@xim/engine';
import { ModelFetchError } from '../errors.ts';
import { toActiveShare } from './active-share.ts';

// Source of the format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).

/** `length` bytes from `offset`; fewer where the file ends, none behind its end. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

export interface GgufFacts {
  /** `llama`, `qwen2` …: the architecture that the file is for. */
  readonly architecture: string;
  /** The shape, from which the memory of the engine is planned. */
  readonly shape: ModelShape;
  /** The sampling that the file recommends, unchanged. */
  readonly sampling: DefaultSampling;
}

/** Source of the names: https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py (`SAMPLING_…`). */
const SAMPLING_KEYS: Readonly<Record<keyof DefaultSampling, string>> = {
  temperature: 'temp',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  repetitionPenalty: 'penalty_repeat',
};

/** Read at a time: the keys that matter stand in the first few thousand bytes. */
const CHUNK = 64 * 1024;
/** Bounds of plausible values, far beyond any real file. */
const MOST_KEYS = 65_536;
const MOST_ITEMS = 16 * 1024 * 1024;
const LONGEST_TEXT = 1024 * 1024;
const STRING = 8;
const ARRAY = 9;
/** How scalars are read, by the number of their type: unsigned and signed 8, 16 and 32 bits, float, bool, 64 bits. */
const SCALARS: Readonly<Record<number, { size: number; read: (bytes: Buffer) => number }>> = {
  0: { size: 1, read: (bytes) => bytes.readUInt8() },
  1: { size: 1, read: (bytes) => bytes.readInt8() },
  2: { size: 2, read: (bytes) => bytes.readUInt16LE() },
  3: { size: 2, read: (bytes) => bytes.readInt16LE() },
  4: { size: 4, read: (bytes) => bytes.readUInt32LE() },
  5: { size: 4, read: (bytes) => bytes.readInt32LE() },
  6: { size: 4, read: (bytes) => bytes.readFloatLE() },
  7: { size: 1, read: (bytes) => bytes.readUInt8() },
  10: { size: 8, read: (bytes) => Number(bytes.readBigUInt64LE()) },
  11: { size: 8, read: (bytes) => Number(bytes.readBigInt64LE()) },
  12: { size: 8, read: (bytes) => bytes.readDoubleLE() },
};

/**
 * Reads the facts of a model's shape out of a GGUF file's header and nothing behind it. The tokenizer's keys, megabytes
 * of them, come after the model's by convention and are not read. Rejects with a `ModelFetchError`.
 */
export async function readGguf(readAt: ReadAt, name: string): Promise<GgufFacts> {
  const keys = await readKeys(new Cursor(readAt, name));
  const architecture = keys.get('general.architecture');
  if (typeof architecture !== 'string') throw new ModelFetchError(`${name} names no architecture in its GGUF header`);
  const count = (key: string): number | undefined => {
    const value = keys.get(`${architecture}.${key}`);
    return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
  };
  const [contextLength, layers] = [count('context_length'), count('block_count')];
  if (contextLength === undefined || layers === undefined) {
    const expected = `${architecture}.context_length and ${architecture}.block_count`;
    throw new ModelFetchError(`${name} does not tell ${expected} in its GGUF header`);
  }
  const heads = count('attention.head_count');
  const width = count('embedding_length');
  const kvHeads = count('attention.head_count_kv') ?? heads;
  // A key is as wide as a head, unless the file says otherwise.
  const headDim = count('attention.key_length') ?? (heads && width && width % heads === 0 ? width / heads : undefined);
  const activeShare =
    width &&
    toActiveShare({
      layers,
      width,
      experts: count('expert_count'),
      used: count('expert_used_count'),
      expertWidth: count('expert_feed_forward_length') ?? count('feed_forward_length'),
      heads,
      kvHeads,
      headDim,
      vocabulary: count('vocab_size'),
    });
  return {
    architecture,
    shape: {
      contextLength,
      layers,
      ...(kvHeads && { kvHeads }),
      ...(headDim && { headDim }),
      ...(activeShare && { activeShare }),
    },
    sampling: toSampling(keys),
  };
}

/** Files hold 32-bit floats: six digits give back the number that was written. */
function toSampling(keys: ReadonlyMap<string, unknown>): DefaultSampling {
  const values = Object.entries(SAMPLING_KEYS).flatMap(([name, key]) => {
    const value = keys.get(`general.sampling.${key}`);
    return typeof value === 'number' ? [[name, Number(value.toPrecision(6))]] : [];
  });
  return Object.fromEntries(values) as DefaultSampling;
}

async function readKeys(at: Cursor): Promise<Map<string, unknown>> {
  if ((await at.take(4)).toString('latin1') !== 'GGUF') throw at.wrong('it does not begin with "GGUF"');
  const version = (await at.take(4)).readUInt32LE();
  if (version !== 2 && version !== 3) throw at.wrong(`it has version ${version}; expected 2 or 3, little-endian`);
  await at.take(8); // how many tensors
  const count = await at.length(MOST_KEYS);
  const keys = new Map<string, unknown>();
  for (let index = 0; index < count; index += 1) {
    const key = await at.text();
    if (key.startsWith('tokenizer.') && keys.has('general.architecture')) break;
    keys.set(key, await at.value((await at.take(4)).readUInt32LE()));
  }
  return keys;
}

/** Goes through the file from its beginning, reading ahead. */
class Cursor {
  readonly #readAt: ReadAt;
  readonly #name: string;
  #ahead = Buffer.alloc(0);
  #offset = 0;

  constructor(readAt: ReadAt, name: string) {
    this.#readAt = readAt;
    this.#name = name;
  }

  wrong(problem: string): ModelFetchError {
    return new ModelFetchError(`${this.#name} is no GGUF file that can be read: ${problem}`);
  }

  async take(length: number): Promise<Buffer> {
    while (this.#ahead.length < length) {
      const more = await this.#readAt(this.#offset, Math.max(CHUNK, length - this.#ahead.length));
      if (more.length === 0) throw this.wrong('it ends within its header');
      this.#offset += more.length;
      this.#ahead = Buffer.concat([this.#ahead, more]);
    }
    const taken = this.#ahead.subarray(0, length);
    this.#ahead = this.#ahead.subarray(length);
    return taken;
  }

  async length(most: number): Promise<number> {
    const value = (await this.take(8)).readBigUInt64LE();
    if (value > BigInt(most)) throw this.wrong(`a length of ${value} in its header is not believable`);
    return Number(value);
  }

  async text(): Promise<string> {
    return (await this.take(await this.length(LONGEST_TEXT))).toString();
  }

  /**
   * A number or a string. Of an array the largest number, since what differs from layer to layer (heads) is planned
   * for by its largest, or the first string.
   */
  async value(type: number): Promise<unknown> {
    if (type === STRING) return this.text();
    if (type !== ARRAY) {
      const scalar = SCALARS[type];
      if (!scalar) throw this.wrong(`a value of the unknown type ${type} is in its header`);
      return scalar.read(await this.take(scalar.size));
    }
    const inner = (await this.take(4)).readUInt32LE();
    if (inner === ARRAY) throw this.wrong('an array of arrays is in its header');
    const count = await this.length(MOST_ITEMS);
    let kept: unknown;
    for (let index = 0; index < count; index += 1) {
      const value = await this.value(inner);
      kept = typeof value === 'number' && typeof kept === 'number' ? Math.max(kept, value) : (kept ?? value);
    }
    return kept;
  }
}
