import type { EmbeddingsBase64Response, EmbeddingsResponse } from '@xim/openai-schema';
import { describe, expect, it } from 'vitest';
import { toEmbeddingsJson, toShortNumber } from './response.ts';

/** Deterministic numbers in [0, 1). */
function* numbers(count: number) {
  let state = 1;
  for (let i = 0; i < count; i++) yield (state = (state * 48271) % 2147483647) / 2147483647;
}

describe('toShortNumber', () => {
  it('names the same float32 in nine significant digits at most, whatever its size', () => {
    for (const exponent of [-30, -13, -12, -9, -6, -3, -2, -1, 0, 1, 3, 6, 9, 30]) {
      for (const unit of numbers(2000)) {
        const value = Math.fround((unit - 0.5) * 10 ** exponent);
        const text = JSON.stringify(toShortNumber(value));
        expect(Math.fround(JSON.parse(text) as number)).toBe(value);
        const digits = text.replace(/e.*/, '').replace(/^-?0?\.?0*|\./g, '');
        if (Math.abs(value) >= 1e-12 && Math.abs(value) < 1e6) expect(digits.length).toBeLessThanOrEqual(9);
      }
    }
  });

  it.each([0, 1, -1, 0.5, 0.1, -0.1, 0.05, 123456.7, 1e6, 3.4e38, 1.4e-45])('keeps %d', (value) => {
    expect(Math.fround(toShortNumber(Math.fround(value)))).toBe(Math.fround(value));
  });

  it('prints 0.1 as 0.1', () => {
    expect(JSON.stringify(toShortNumber(Math.fround(0.1)))).toBe('0.1');
  });
});

describe('toEmbeddingsJson', () => {
  // A view into a larger buffer, as the worker's frames are.
  const vectors = new Float32Array([9, 9, 0.1, -0.25, 1, 0.5, 0, -1]).subarray(2);
  const output = { vectors, dimensions: 3, inputTokens: 11 };

  it('cuts rows in order, as numbers', async () => {
    expect(JSON.parse(await toEmbeddingsJson(output, 'm', 'float'))).toEqual({
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [0.1, -0.25, 1] },
        { object: 'embedding', index: 1, embedding: [0.5, 0, -1] },
      ],
      model: 'm',
      usage: { prompt_tokens: 11, total_tokens: 11 },
    });
  });

  it('writes base64 of little-endian float32', async () => {
    const { data } = JSON.parse(await toEmbeddingsJson(output, 'm', 'base64')) as EmbeddingsBase64Response;
    const bytes = Buffer.from(data[1]!.embedding, 'base64');
    expect([0, 4, 8].map((at) => bytes.readFloatLE(at))).toEqual([0.5, 0, -1]);
    expect(bytes.length).toBe(12);
  });

  it('writes many rows, in several turns of the event loop, without losing one', async () => {
    const many = { vectors: Float32Array.from({ length: 30_000 }, (_, i) => i / 8), dimensions: 3, inputTokens: 1 };
    const { data } = JSON.parse(await toEmbeddingsJson(many, 'm', 'float')) as EmbeddingsResponse;
    expect(data.map(({ index }) => index)).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    expect(data.flatMap(({ embedding }) => embedding)).toEqual(Array.from(many.vectors));
  });
});
