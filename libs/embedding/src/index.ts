import { pythonFolder } from '@xim/worker';

/** The folder with the Python package `xim_embedding`, for the PYTHONPATH of an engine's worker. */
export function embeddingPython(): string {
  return pythonFolder(import.meta.url, 'xim_embedding');
}
