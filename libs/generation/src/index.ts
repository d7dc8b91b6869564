import { pythonFolder } from '@xim/worker';

/** The folder of the Python package `xim_generation`, for the PYTHONPATH of an engine's worker. */
export function generationPython(): string {
  return pythonFolder(import.meta.url, 'xim_generation');
}
