import type { EmbedOutput } from '@xim/engine';
import type { EmbeddingsBase64Response, EmbeddingsResponse } from '@xim/openai-schema';

/** The vectors as the client asked for them, in the order of its items. */
export function toEmbeddingsResponse(
  output: EmbedOutput,
  model: string,
  format: 'float' | 'base64',
): EmbeddingsResponse | EmbeddingsBase64Response {
  const tokens = output.inputTokens;
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  const list = <Vector>(write: (row: Float32Array) => Vector) => ({
    object: 'list' as const,
    data: rows(output).map((row, index) => ({ object: 'embedding' as const, index, embedding: write(row) })),
    model,
    usage,
  });
  return format === 'base64' ? list(toBase64) : list(toShortNumbers);
}

function rows({ vectors, dimensions }: EmbedOutput): Float32Array[] {
  return Array.from({ length: vectors.length / dimensions }, (_, i) =>
    vectors.subarray(i * dimensions, (i + 1) * dimensions),
  );
}

/** Little-endian float32, as this machine has it in memory: XIM runs on x86-64 only. */
function toBase64(row: Float32Array): string {
  return Buffer.from(row.buffer, row.byteOffset, row.byteLength).toString('base64');
}

/**
 * The same float32 values as doubles that print in few digits: JSON of 0.1 as float32 is otherwise
 * 0.10000000149011612. Seven to nine significant digits name a float32; the fewest that do are taken.
 */
function toShortNumbers(row: Float32Array): number[] {
  const numbers = new Array<number>(row.length);
  for (let i = 0; i < row.length; i++) numbers[i] = toShortNumber(row[i]!);
  return numbers;
}

export function toShortNumber(value: number): number {
  let size = Math.abs(value);
  // Outside lie zero, and numbers whose scale below would not be exact: printed in full they are right as well.
  if (!(size >= 1e-12 && size < 1e6)) return value;
  let scale = 1e7;
  for (; size < 0.1; size *= 10) scale *= 10;
  for (; size >= 1; size /= 10) scale /= 10;
  for (let digits = 7; digits <= 9; digits++, scale *= 10) {
    const short = Math.round(value * scale) / scale;
    if (Math.fround(short) === value) return short;
  }
  return value;
}
