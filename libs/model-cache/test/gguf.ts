/** A GGUF header (version 3) with these keys: numbers as 32-bit (fractions as floats), texts, and lists of either. */
export function makeGguf(keys: Readonly<Record<string, number | string | readonly (number | string)[]>>): Buffer {
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const u64 = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return bytes;
  };
  const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
  const f32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    return bytes;
  };
  const number = (value: number): Buffer => (Number.isInteger(value) ? u32(value) : f32(value));
  const scalar = (value: number | string): Buffer => (typeof value === 'number' ? number(value) : text(value));
  const type = (value: unknown): Buffer => u32(typeof value !== 'number' ? 8 : Number.isInteger(value) ? 4 : 6);
  const entries = Object.entries(keys).flatMap(([key, value]) =>
    typeof value === 'object'
      ? [text(key), u32(9), type(value[0]), u64(value.length), ...value.map(scalar)]
      : [text(key), type(value), scalar(value)],
  );
  return Buffer.concat([Buffer.from('GGUF'), u32(3), u64(0), u64(Object.keys(keys).length), ...entries]);
}

/** Keys of a small llama, as converters write them: the tokenizer last. */
export const LLAMA = {
  'general.architecture': 'llama',
  'general.name': 'Tiny',
  'llama.block_count': 30,
  'llama.context_length': 8192,
  'llama.embedding_length': 576,
  'llama.attention.head_count': 9,
  'llama.attention.head_count_kv': 3,
  'tokenizer.ggml.tokens': ['a', 'b'],
};
