import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DefaultSampling, EngineFactory, LoadProgress, Log, ModelEntry, Profile } from '@xim/engine';
import { fetchArtifact, type Hub, readSampling, resolveCustomModel, toHub } from '@xim/model-cache';
import type { Config } from '../config/config.ts';

/**
 * The interpreter with the wheels of an engine, and of a service with wheels of its own: `bin/python` of
 * `<XIM_VENVS>/<service>@<engine>`, else of `<XIM_VENVS>/<engine>`, else `python3`.
 */
export function toPython({ venvs }: Pick<Config, 'venvs'>, service: string, engine: string): string {
  if (venvs === undefined) return 'python3';
  const paths = [`${service}@${engine}`, engine].map((environment) => join(venvs, environment, 'bin', 'python'));
  return paths.find((path) => existsSync(path)) ?? 'python3';
}

/**
 * The model to serve: the service's own, or the one that XIM_MODEL names. For a name on the hub that was never served
 * from this cache the hub is asked now, since nothing can be planned without it; its files come later.
 */
export async function resolveModel(
  shipped: ModelEntry,
  engines: readonly EngineFactory[],
  config: Config,
  hub: Hub,
): Promise<ModelEntry> {
  const { model, modelCache, offline } = config;
  if (model === undefined) return shipped;
  return resolveCustomModel({ text: model, shipped, engines, cacheDir: modelCache, hub, offline });
}

/** The hub as the configuration has it. One per process: it remembers that it could not be reached. */
export function createHub({ hubEndpoint, hubToken, hubTokenFile, network }: Config): Hub {
  return { ...toHub({ HF_ENDPOINT: hubEndpoint, HF_TOKEN: hubToken, HF_TOKEN_PATH: hubTokenFile }), network };
}

/** Resolves with the folder of the profile's files, verified; an empty string when the profile has none. */
export async function fetchModel(options: {
  model: ModelEntry;
  profile: Profile;
  config: Config;
  python: string;
  hub: Hub;
  log: Log;
  signal: AbortSignal;
  onProgress: (progress: LoadProgress) => void;
}): Promise<string> {
  const { model, profile, config, python, hub, log, signal, onProgress } = options;
  if (profile.artifact === undefined) return '';
  return fetchArtifact({
    model,
    artifact: profile.artifact,
    cacheDir: config.modelCache,
    python,
    hub,
    offline: config.offline,
    ...(config.model !== undefined && { advice: 'start the service once without XIM_OFFLINE' }),
    signal,
    onSkip: (reason) => log.warn({ reason }, 'a source of the model was passed over'),
    onProgress: ({ file, receivedBytes, totalBytes }) =>
      onProgress({ step: `fetching ${file}`, fraction: totalBytes ? receivedBytes / totalBytes : undefined }),
  });
}

/** The sampling of requests that name none: value by value the lock entry's, else that of the model's files. */
export async function readDefaultSampling(
  model: ModelEntry,
  profile: Profile,
  modelPath: string,
  log: Log,
): Promise<DefaultSampling> {
  if (model.task !== 'generate') return {};
  const { sampling, ignored } = await readSampling(model, profile, modelPath);
  if (ignored.length > 0) log.warn({ ignored }, "values of the model's recommended sampling are out of range");
  return { ...sampling, ...model.sampling };
}
