import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ModelEntry } from '@xim/engine';
import { repoFolder } from '../cache/cache-layout.ts';
import { hubFiles } from '../hub/hub-files.ts';
import { listRepo } from '../hub/hub-listing.ts';
import { toHubReference } from '../hub/hub-reference.ts';
import { CONVERTED_TASKS, formatsOf } from './choose-format.ts';
import { isRecorded } from './custom-hub-model.ts';
import type { CustomModelOptions } from './custom-model-options.ts';
import { isPath } from './is-path.ts';
import { localFiles } from './local-files.ts';
import type { ModelFiles } from './model-format.ts';

type Options = Pick<CustomModelOptions, 'text' | 'cacheDir' | 'hub' | 'offline' | 'signal'> & {
  readonly task: ModelEntry['task'];
};

/**
 * Whether the model that a user names is there only as safetensors of Transformers. False also where nothing is found or
 * it cannot be reached: the service says what is wrong. Sends no request for a model that was served before.
 */
export async function needsConversion(options: Options): Promise<boolean> {
  if (!CONVERTED_TASKS.includes(options.task)) return false;
  const found = await findFiles(options).catch(() => undefined);
  if (found === undefined) return false;
  try {
    const format = formatsOf(options.task).find((one) => one.choose(found.files, found.asked) !== undefined);
    return format?.name === 'safetensors';
  } catch {
    return false;
  }
}

async function findFiles({
  text,
  task,
  cacheDir,
  hub,
  offline,
  signal,
}: Options): Promise<{ files: ModelFiles; asked: string | undefined } | undefined> {
  if (isPath(text)) {
    const path = resolve(text);
    const isFile = (await stat(path)).isFile();
    const files = await localFiles(isFile ? dirname(path) : path, text);
    return { files, asked: isFile ? basename(path) : undefined };
  }
  const reference = toHubReference(text);
  if (reference === undefined || offline) return undefined;
  if (await isRecorded(join(cacheDir, repoFolder(reference.repo)), reference, task)) return undefined;
  const files = hubFiles(hub, await listRepo(hub, reference, signal), signal);
  return { files, asked: reference.path };
}
