import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { ModelsFileError, type ModelsFileProblem } from '../errors.ts';
import { fromFolder } from '../sources/folder.ts';
import { readJsonPositions } from './json-positions.ts';
import { modelsSchema, openModelsSchema } from './models-schema.ts';

/** The content of a `models.json`: the entry `main`, which the service serves, and the entries of other roles. */
export type Models = z.output<typeof modelsSchema>;

/**
 * Reads and checks a `models.json`. Synchronous: it is small and nothing can start without it. The result is frozen.
 * Sources beside the file (`file:./path`) come with their paths from the root.
 * Throws a `ModelsFileError` that lists everything wrong with it, each with line and place.
 */
export function readModels(file: string | URL): Models {
  return read(file, modelsSchema);
}

/** The same before its completion: `size` and `sha256` of a file may be missing, both of them, against their types. */
export function readOpenModels(file: string | URL): Models {
  return read(file, openModelsSchema);
}

function read(file: string | URL, schema: typeof modelsSchema): Models {
  const name = file instanceof URL ? fileURLToPath(file) : file;
  const text = readText(name);
  const { lines, problem } = readJsonPositions(text);
  if (problem) throw new ModelsFileError(name, [{ path: '', line: problem.line, message: problem.message }]);

  const outcome = schema.safeParse(JSON.parse(text));
  if (outcome.success) return withFolder(outcome.data, dirname(resolve(name)));
  throw new ModelsFileError(
    name,
    outcome.error.issues.map((issue): ModelsFileProblem => ({
      path: formatPath(issue.path),
      line: lineOf(lines, issue.path),
      message: issue.message
        .replace(/^Invalid input: expected (.*), received undefined$/, 'missing; expected $1')
        .replace(/^Invalid input: /, ''),
    })),
  );
}

/** Turns the sources beside a models.json into paths from the root. */
function withFolder(file: Models, folder: string): Models {
  type Entry = Models['models']['main'];
  const toEntry = (entry: Entry): Entry => {
    const artifacts = Object.entries(entry.artifacts).map(([name, { files }]) => {
      const resolved = files.map((one) =>
        Object.freeze({ ...one, sources: Object.freeze(one.sources.map((source) => fromFolder(source, folder))) }),
      );
      return [name, Object.freeze({ files: Object.freeze(resolved) })];
    });
    return Object.freeze({ ...entry, artifacts: Object.freeze(Object.fromEntries(artifacts)) });
  };
  const models = Object.entries(file.models).map(([role, entry]) => [role, toEntry(entry)]);
  return Object.freeze({ ...file, models: Object.freeze(Object.fromEntries(models)) });
}

function readText(name: string): string {
  try {
    return readFileSync(name, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(error);
    const message = `${reason}; expected a models.json, the list of a service's models`;
    throw new ModelsFileError(name, [{ path: '', message }], { cause: error });
  }
}

/** The line of the value, or of the nearest value around it when it is missing. */
function lineOf(lines: ReadonlyMap<string, number>, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const line = lines.get(JSON.stringify(path.slice(0, length)));
    if (line !== undefined) return line;
  }
  return undefined;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}
