import type { EmbedOutput } from '@xim/engine';
import type { EmbeddingsBase64Response, EmbeddingsResponse } from '@xim/openai-schema';
import { toListJson } from '../../http/loop-turns.ts';

type Element = (EmbeddingsResponse | EmbeddingsBase64Response)['data'][number];

/** Numbers of which a turn of the event loop writes the text: a few milliseconds. */
const NUMBERS_PER_TURN = 16_384;

/**
 * JSON of an `EmbeddingsResponse`, or of an `EmbeddingsBase64Response`: the vectors in the order of the client's items.
 * Millions of numbers are written in several turns of the event loop.
 */
export async function toEmbeddingsJson(
  output: EmbedOutput,
  model: string,
  format: 'float' | 'base64',
): Promise<string> {
  const toElement = (row: Float32Array, index: number): Element => {
    const start = { object: 'embedding', index } as const;
    return format === 'base64' ? { ...start, embedding: toBase64(row) } : { ...start, embedding: toShortNumbers(row) };
  };
  const data = await toListJson(toRows(output), rowsPerTurn(output), toElement);
  const tokens = output.inputTokens;
  const usage: EmbeddingsResponse['usage'] = { prompt_tokens: tokens, total_tokens: tokens };
  return `{"object":"list","data":${data},"model":${JSON.stringify(model)},"usage":${JSON.stringify(usage)}}`;
}

export function rowsPerTurn({ dimensions }: EmbedOutput): number {
  return Math.max(1, Math.floor(NUMBERS_PER_TURN / dimensions));
}

/** The vectors of the items. */
export function toRows({ vectors, dimensions }: EmbedOutput): Float32Array[] {
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
export function toShortNumbers(row: Float32Array): number[] {
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
