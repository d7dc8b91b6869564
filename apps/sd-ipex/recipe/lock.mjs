// Writes the files of the folder `model` into models.json, with sizes and checksums.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const app = join(import.meta.dirname, '..');
const folder = join(app, 'model');
const file = join(app, 'models.json');
const models = JSON.parse(readFileSync(file, 'utf8'));
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  .sort()
  .map((path) => {
    const bytes = readFileSync(join(folder, path));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { path, size: bytes.length, sha256, sources: [`file:./model/${path}`] };
  });
models.models.main.artifacts = { safetensors: { files } };
writeFileSync(file, `${JSON.stringify(models, undefined, 2)}\n`);
