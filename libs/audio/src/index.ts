import { pythonFolder } from '@xim/worker';

/** The folder with the Python package `xim_audio`, for the PYTHONPATH of an engine's worker. */
export function audioPython(): string {
  return pythonFolder(import.meta.url, 'xim_audio');
}
