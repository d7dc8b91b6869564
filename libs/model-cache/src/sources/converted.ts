import type { ModelFile } from '@xim/engine';
import { ModelFetchError } from '../errors.ts';
import type { Source } from './source.ts';

/** Entries that were written before have no task and engine in it. */
const RECIPE = /^(?:(\w+)\/(\w+)\/)?(fp32|fp16|bf16|fp8_e4m3|int8|int4):(\S+)$/;

/**
 * Where a converted file comes from: not a place but a recipe. It is never followed by a fetch, which would install
 * gigabytes in the middle of a service's start.
 */
export const converted: Source = {
  form: 'convert:task/engine/weights:model (written by xim-models convert)',

  accepts: (reference) => RECIPE.test(reference),

  async open(reference) {
    const [, task, engine, weights, model] = RECIPE.exec(reference)!;
    const settings = task === undefined ? '' : `--task ${task} --to ${engine} `;
    throw new ModelFetchError(
      `it was converted from ${model}; do that here too (npx xim-models convert models.json --from ${model} ` +
        `${settings}--weights ${weights}), or bring what another machine has (npx xim-models export, npx xim-models import)`,
    );
  },
};

/** Whether files were made by `xim-models convert`: each then has the recipe among its sources. */
export function isConverted(files: readonly Pick<ModelFile, 'sources'>[]): boolean {
  return files.length > 0 && files.every(({ sources }) => sources.some((source) => source.startsWith('convert:')));
}
