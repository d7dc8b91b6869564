import type { EngineFactory, ModelEntry } from '@xim/engine';
import { ModelFetchError } from '../errors.ts';
import { ENCODER_FORMATS } from './encoder-formats.ts';
import { LANGUAGE_FORMATS } from './language-formats.ts';
import { MEDIA_FORMATS } from './media-formats.ts';
import type { ChosenFiles, ModelFiles, ModelFormat } from './model-format.ts';

const FORMATS: readonly ModelFormat[] = [...LANGUAGE_FORMATS, ...ENCODER_FORMATS, ...MEDIA_FORMATS];

/** The tasks for which safetensors of Transformers are converted. */
export const CONVERTED_TASKS: readonly ModelEntry['task'][] = ['generate', 'embed', 'rerank', 'transcribe'];

type Engines = readonly Pick<EngineFactory, 'name' | 'formats'>[];

/** The formats in which a user may name a model for the task, the best first. */
export function formatsOf(task: ModelEntry['task']): ModelFormat[] {
  return FORMATS.filter(({ tasks }) => tasks.includes(task));
}

/** The engines that load a format; one may load a part of it only, such as `gguf:q4_0`. */
export function loading(engines: Engines, { name }: Pick<ModelFormat, 'name'>): Engines {
  return engines.filter(({ formats }) => formats.some((one) => one === name || one.startsWith(`${name}:`)));
}

/**
 * The files of the first format that an engine loads. Throws a `ModelFetchError` that names what was found, and what
 * would be served.
 */
export function chooseFormat(
  files: ModelFiles,
  asked: string | undefined,
  task: ModelEntry['task'],
  engines: Engines,
): { format: ModelFormat; chosen: ChosenFiles } {
  const formats = formatsOf(task);
  const served = formats.filter((format) => loading(engines, format).length > 0);
  for (const format of served) {
    const chosen = format.choose(files, asked);
    if (chosen !== undefined) return { format, chosen };
  }
  const { place, names } = files;
  const other = formats.find((format) => !served.includes(format) && format.choose(files, asked) !== undefined);
  if (other?.name === 'safetensors' && task !== 'generateImage') throw new ModelFetchError(toConvert(place, task));
  if (other !== undefined) {
    const load = engines.map((engine) => `${engine.name} loads ${engine.formats.join(', ')}`).join('; ');
    throw new ModelFetchError(`${place} is ${other.title}, which no engine of this service loads (${load})`);
  }
  const expected = served.map(({ title }) => title).join(' or ');
  throw new ModelFetchError(
    asked === undefined
      ? `${place} holds no model that is served here: expected ${expected}; it has: ${listed(names)}`
      : `${place} has no ${asked} that is served here: expected ${expected}; it has: ${listed(names)}`,
  );
}

function toConvert(place: string, task: ModelEntry['task']): string {
  const command = `npx xim-models convert models.json --task ${task} --from ${place}`;
  return CONVERTED_TASKS.includes(task)
    ? `${place} holds safetensors, which are converted first: ${command}. The folder that it prints can be named here`
    : `${place} holds safetensors, which no engine of this service loads for the task ${task}`;
}

function listed(names: readonly string[]): string {
  const most = 12;
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return names.length === 0 ? 'nothing' : `${names.slice(0, most).join(', ')}${more}`;
}
