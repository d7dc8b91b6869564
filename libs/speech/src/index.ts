import { pythonFolder } from '@xim/worker';

/** The folder with the Python package `xim_speech`, for the PYTHONPATH of an engine's worker. */
export function speechPython(): string {
  return pythonFolder(import.meta.url, 'xim_speech');
}
