// `npx nx run <app>:docker-args [--embedded]`: pins the base image and writes the arguments of `docker build` and
// `docker run` into the files that the targets `docker-build` and `docker-run` read.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ImageError } from './errors.ts';
import { type Image, readImage, readRevision, ROOT, toBase } from './image.ts';
import { main, read, refuseArguments, run, tryRead } from './program.ts';
import { readSettings, type Settings } from './settings.ts';

export interface Base {
  /** The ARG of the Dockerfile that names it. */
  readonly arg: string;
  readonly name: string;
  readonly digest: string;
  /** BuildKit looks for name@digest in a registry alone; a tag that nothing else moves says the same. */
  readonly reference: string;
}

/** The arguments of `docker build` that are known only when it starts. None of them has a space. */
export function toBuildArgs(image: Image, { base, revision }: { base: Base | undefined; revision: string }): string[] {
  const labels = {
    title: image.name,
    version: image.version,
    revision,
    source: 'https://github.com/opea-project/xim',
    ...(base && { 'base.name': base.name, 'base.digest': base.digest }),
  };
  return [
    ...['latest', image.version].map((tag) => `--tag=${image.local}:${tag}`),
    ...Object.entries(labels).map(([name, value]) => `--label=org.opencontainers.image.${name}=${value}`),
    ...(base ? [`--build-arg=${base.arg}=${base.reference}`] : []),
  ];
}

/** As a service should run anywhere: it writes to its volumes only, without capabilities or a way to more rights. */
export const CONFINED = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--pids-limit=512'];

/**
 * The arguments of `docker run`: the service at XIM_PORT (8000) of this machine alone, its weights in a volume. The volume
 * of an image that has its weights is new for each container; an older one would hide them.
 */
export function toRunArgs(
  settings: Pick<Settings, 'runArgs' | 'service'>,
  { port = '8000', modelCache, embedded }: { port?: string; modelCache?: string; embedded?: boolean },
): { args: string[]; volume: string } {
  const offline = ['1', 'true'].includes(settings.service.XIM_OFFLINE ?? '');
  const onHost = /--net(work)?[= ]host\b/.test(settings.runArgs.join(' '));
  return {
    args: [
      '--rm',
      ...CONFINED,
      ...(onHost ? ['--env=XIM_HOST=127.0.0.1', `--env=XIM_PORT=${port}`] : [`--publish=127.0.0.1:${port}:8000`]),
      // By name only: their values, keys among them, stay out of files and of the list of processes.
      ...Object.keys(settings.service).map((name) => `--env=${name}`),
    ],
    volume: embedded ? '/models' : `${modelCache ?? 'xim-models'}:/models${offline ? ':ro' : ''}`,
  };
}

/** Writes build.env and run.env, and with `embedded` the weights that become a part of the image. */
export function writeArguments(image: Image, { embedded }: { embedded: boolean }, settings: Settings): void {
  const base = toPinnedBase(image);
  mkdirSync(image.notes, { recursive: true });
  const models = join(image.notes, 'models');
  rmSync(models, { recursive: true, force: true });
  if (embedded) fetchModels(image, models);
  writeEnv(join(image.notes, 'build.env'), {
    XIM_IMAGE_DESCRIPTION: image.description,
    XIM_IMAGE_ARGS: toBuildArgs(image, { base, revision: readRevision() }).join(' '),
  });
  if (image.kind === 'app') {
    const { XIM_PORT: port, XIM_MODEL_CACHE: cache } = process.env;
    const modelCache = cache && resolve(cache);
    const { args, volume } = toRunArgs(settings, { port, modelCache, embedded });
    writeEnv(join(image.notes, 'run.env'), { XIM_IMAGE_VOLUME: volume, XIM_IMAGE_RUN_ARGS: args.join(' ') });
  }
}

/** Tags the base image by its digest. Tags of earlier digests go, so that the engine can drop those images. */
function toPinnedBase(image: Image): Base | undefined {
  const base = toBase(image.dockerfile);
  if (!base) return undefined;
  const digest = tryRead('docker', ['image', 'inspect', '--format={{.Id}}', base.name]);
  if (!digest) {
    read('docker', ['version', '--format={{.Server.Version}}']); // fails where Docker itself is missing
    throw new ImageError(
      `${image.folder} stands on ${base.name}, which is not built: npx nx run ${base.name}:docker-build`,
    );
  }
  const reference = `${base.name}:${digest.replace(':', '-')}`;
  run('docker', ['tag', digest, reference]);
  const tags = read('docker', ['image', 'ls', '--format={{.Repository}}:{{.Tag}}', `${base.name}:sha256-*`]);
  for (const tag of tags.split('\n')) if (tag && tag !== reference) tryRead('docker', ['image', 'rm', tag]);
  return { ...base, digest, reference };
}

/** Fetches the weights with the token of this environment, and hands them over as files: no token enters the build. */
function fetchModels(image: Image, models: string): void {
  if (!/\bAS models$/m.test(image.dockerfile))
    throw new ImageError(`${image.folder}/Dockerfile has no stage "models" to be replaced by weights.`);
  const cache = process.env.XIM_MODEL_CACHE ?? join(ROOT, '.model_cache');
  const lock = join(ROOT, image.folder, 'models.json');
  run(process.execPath, [
    ...['--conditions=@xim/source', '--import=tsx', 'libs/model-tools/src/bin.ts', 'pull', `--cache=${cache}`, lock],
  ]);
  mkdirSync(models);
  for (const { id } of Object.values<{ id: string }>(JSON.parse(readFileSync(lock, 'utf8')).models)) {
    const folder = join(cache, `models--${id.replaceAll('/', '--')}`);
    if (existsSync(folder)) copy(folder, models);
  }
}

/** Hard links where the file system can make them: weights are gigabytes. */
function copy(folder: string, into: string): void {
  const { status } = spawnSync('cp', ['-al', folder, into], { stdio: 'ignore' });
  if (status === 0) return;
  const to = join(into, folder.split('/').at(-1)!);
  rmSync(to, { recursive: true, force: true });
  cpSync(folder, to, { recursive: true, verbatimSymlinks: true });
}

/** In the quotes that a value does not hold. Nx expands variables in any of them, so a value has none. */
function writeEnv(file: string, values: Readonly<Record<string, string>>): void {
  const lines = Object.entries(values).map(([name, value]) => {
    const quote = ["'", '`', '"'].find((one) => !value.includes(one));
    if (quote === undefined || /[\n$\\]/.test(value))
      throw new ImageError(`${name} would be "${value}". It must not hold $, \\, a line break or all kinds of quotes.`);
    return `${name}=${quote}${value}${quote}\n`;
  });
  writeFileSync(file, lines.join(''));
}

if (process.argv[1] === import.meta.filename)
  await main(([folder, ...args]) => {
    refuseArguments('docker-args', args, ['--embedded']);
    writeArguments(readImage(folder), { embedded: args.includes('--embedded') }, readSettings(process.env));
  });
