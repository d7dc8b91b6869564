import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadProgress, ModelEntry, Profile } from '@xim/engine';
import { fetchArtifact } from '@xim/model-cache';
import type { Config } from './config.ts';

/** The interpreter with an engine's wheels: `<XIM_VENVS>/<engine>/bin/python` where it is there, else `python3`. */
export function toPython({ venvs }: Pick<Config, 'venvs'>, engine: string): string {
  const path = venvs === undefined ? undefined : join(venvs, engine, 'bin', 'python');
  return path !== undefined && existsSync(path) ? path : 'python3';
}

/** Resolves with the folder of the profile's files, verified; an empty string when the profile has none. */
export async function fetchModel(options: {
  model: ModelEntry;
  profile: Profile;
  config: Config;
  python: string;
  signal: AbortSignal;
  onProgress: (progress: LoadProgress) => void;
}): Promise<string> {
  const { model, profile, config, python, signal, onProgress } = options;
  if (profile.artifact === undefined) return '';
  return fetchArtifact({
    model,
    artifact: profile.artifact,
    cacheDir: config.modelCache,
    python,
    offline: config.offline,
    signal,
    onProgress: ({ file, receivedBytes, totalBytes }) =>
      onProgress({ step: `fetching ${file}`, fraction: totalBytes ? receivedBytes / totalBytes : undefined }),
  });
}
