// `npx nx run <app>:docker-build [--embedded] [arguments of docker build]`
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageError } from './errors.ts';
import { type Built, type Image, readImage, readNote, ROOT, toBase, writeNote } from './image.ts';
import { isOnPath, main, read, run, tryRead } from './program.ts';
import { readSettings, type Settings } from './settings.ts';

/** What the target `licences` found out, as long as the image has the layers that it looked at. */
export interface Licences {
  readonly layers: string;
  /** SPDX expression. */
  readonly expression: string;
}

/**
 * Whether an image carries notices and a label of its licences. A base image does not: what stands on it lists all that
 * is in both, and would have to be built again.
 */
export const takesNotices = ({ dockerfile }: Image) => /\bAS notices$/m.test(dockerfile);

/** Builds an image from the base that was built last, by its digest, and labels it. */
export function buildImage(image: Image, args: readonly string[], settings: Settings): Built {
  const base = toPinnedBase(image);
  const work = mkdtempSync(join(tmpdir(), 'xim-image-'));
  try {
    const revision = readRevision();
    const extra = [...settings.buildArgs, ...args.filter((arg) => arg !== '--embedded')];
    if (args.includes('--embedded')) extra.push(...toEmbedded(image, join(work, 'models')));
    const build = (more: readonly string[]) => {
      const command = ['build', ...toBuildArgs(image, { base, revision }), ...extra, ...more];
      run('docker', [...command, image.kind === 'app' ? image.folder : '.']);
    };
    if (base) run('docker', ['tag', base.digest, base.reference]);
    build([]);
    const layers = readLayers(image);
    const licences = readNote<Licences>(image, 'licences.json');
    // The same layers below it, so that this takes a moment.
    if (takesNotices(image) && licences?.layers === layers)
      build([
        `--label=org.opencontainers.image.licenses=${licences.expression}`,
        `--build-context=notices=${join(image.notes, 'notices')}`,
      ]);
    const id = read('docker', ['image', 'inspect', '--format={{.Id}}', image.local]);
    const built: Built = {
      ...{ version: image.version, revision, id, layers },
      ...(base && { base: { name: base.name, digest: base.digest } }),
    };
    writeNote(image, 'image.json', built);
    console.log(`${image.local}:${image.version} ${id}`);
    return built;
  } finally {
    rmSync(work, { recursive: true, force: true });
    if (base) tryRead('docker', ['image', 'rm', base.reference]);
  }
}

interface Base {
  readonly arg: string;
  readonly name: string;
  readonly digest: string;
  readonly reference: string;
}

export function toBuildArgs(image: Image, { base, revision }: { base: Base | undefined; revision: string }): string[] {
  const labels = {
    title: image.name,
    description: image.description,
    version: image.version,
    revision,
    source: 'https://github.com/opea-project/xim',
    ...(base && { 'base.name': base.name, 'base.digest': base.digest }),
  };
  return [
    `--file=${image.folder}/Dockerfile`,
    // An attestation of the build would give each build another digest; SBOM and signature are attached afterwards.
    '--provenance=false',
    ...['latest', image.version].map((tag) => `--tag=${image.local}:${tag}`),
    ...Object.entries(labels).map(([name, value]) => `--label=org.opencontainers.image.${name}=${value}`),
    ...(base ? [`--build-arg=${base.arg}=${base.reference}`] : []),
  ];
}

function toPinnedBase(image: Image): Base | undefined {
  const base = toBase(image.dockerfile);
  if (!base) return undefined;
  const digest = tryRead('docker', ['image', 'inspect', '--format={{.Id}}', base.name]);
  if (!digest) {
    read('docker', ['version', '--format={{.Server.Version}}']); // says so when it is Docker that is not there
    throw new ImageError(
      `${image.folder} stands on ${base.name}, which is not built: npx nx run ${base.name}:docker-build`,
    );
  }
  // BuildKit looks for name@digest in a registry alone; a tag that nothing else moves says the same.
  return { ...base, digest, reference: `${base.name}:${digest.replace(':', '-')}` };
}

function readRevision(): string {
  const commit = isOnPath('git') ? tryRead('git', ['-C', ROOT, 'rev-parse', '--short=12', 'HEAD']) : undefined;
  if (!commit) return 'unknown';
  return read('git', ['-C', ROOT, 'status', '--porcelain', '--untracked-files=no']) ? `${commit}-dirty` : commit;
}

function readLayers(image: Image): string {
  const layers = read('docker', ['image', 'inspect', '--format={{json .RootFS.Layers}}', image.local]);
  return createHash('sha256').update(layers).digest('hex');
}

/**
 * The weights as a part of the image: fetched here, with whatever token this environment has, and handed over as files.
 * No token enters the build.
 */
function toEmbedded(image: Image, models: string): string[] {
  if (!/\bAS models$/m.test(image.dockerfile))
    throw new ImageError(`${image.folder}/Dockerfile has no stage "models" to be replaced by weights.`);
  const cache = process.env.XIM_MODEL_CACHE ?? join(ROOT, '.model_cache');
  const lock = join(ROOT, image.folder, 'models.json');
  run(process.execPath, [
    ...['--conditions=@xim/source', '--import=tsx', 'libs/model-cache/src/bin.ts', 'pull', `--cache=${cache}`, lock],
  ]);
  for (const { id } of Object.values<{ id: string }>(JSON.parse(readFileSync(lock, 'utf8')).models)) {
    const folder = `models--${id.replaceAll('/', '--')}`;
    if (existsSync(join(cache, folder)))
      cpSync(join(cache, folder), join(models, folder), { recursive: true, verbatimSymlinks: true });
  }
  // Without the cache: an engine that was used before has been seen to take an empty layer of another build for the
  // weights. Nothing but copying is done again.
  return [`--build-context=models=${models}`, '--build-arg=XIM_OFFLINE=1', '--no-cache'];
}

if (process.argv[1] === import.meta.filename)
  await main(([folder, ...args]) => {
    const [image, settings] = [readImage(folder), readSettings(process.env)];
    if (settings.dryRun) console.log(`Would build ${image.local}:${image.version}`);
    else buildImage(image, args, settings);
  });
