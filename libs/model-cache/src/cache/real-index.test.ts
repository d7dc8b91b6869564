import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fetchArtifact } from './fetch-artifact.ts';
import { readModels } from '../models-json/models-file.ts';

/** With XIM_MODEL_CACHE the files stay there for other tests, and come from there the next time. */
const kept = process.env['XIM_MODEL_CACHE'];
const cacheDir = kept ?? mkdtempSync(join(tmpdir(), 'xim-real-index-'));
afterAll(() => void (kept === undefined && rmSync(cacheDir, { recursive: true })));

test(
  'brings the embedding model from the real index, through the pip of this machine',
  { timeout: 900_000 },
  async () => {
    const file = new URL('../../../../apps/embedding/models.json', import.meta.url);
    const { main } = readModels(file).models;
    const snapshot = await fetchArtifact({ model: main, artifact: 'onnx-int8', cacheDir, python: 'python3' });
    const files = main.artifacts['onnx-int8']?.files ?? [];
    const sums = files.map(({ path }) =>
      createHash('sha256')
        .update(readFileSync(join(snapshot, path)))
        .digest('hex'),
    );
    expect(files.map(({ path }) => path)).toEqual(['model.onnx', 'tokenizer.json']);
    expect(sums).toEqual(files.map(({ sha256 }) => sha256));
  },
);
