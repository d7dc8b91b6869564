import { pythonFolder } from '@xim/worker';

/** The folder with the Python package `xim_transcription`, for the PYTHONPATH of an engine's worker. */
export function transcriptionPython(): string {
  return pythonFolder(import.meta.url, 'xim_transcription');
}
