import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ImageError } from './errors.ts';
import { isOnPath, read, tryRead } from './program.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The image of a folder with a Dockerfile. */
export interface Image {
  /** From the root of the workspace: `apps/chat`, `xim/oneapi`. */
  readonly folder: string;
  readonly kind: 'app' | 'engine';
  /** The last part of its name in a registry: `chat`, `xim-oneapi`. */
  readonly name: string;
  /** Its name in the local engine: `opea-xim/chat`, `xim-oneapi`. */
  readonly local: string;
  /** The name that `@nx/docker` gives it in the local engine, its path: `apps-chat`, `xim-oneapi`. */
  readonly byPath: string;
  readonly version: string;
  readonly description: string;
  /** Folder of the records that targets write about this image. */
  readonly notes: string;
  readonly dockerfile: string;
}

/** The image that `docker-build` made last, as its labels describe it. */
export interface Built {
  readonly version: string;
  /** Commit, with `-dirty` where files differ from it. */
  readonly revision: string;
  /** The id of `docker image inspect`. */
  readonly id: string;
  /** A hash of the layers: the content that an SBOM describes. */
  readonly layers: string;
  /** The digests under which a registry may know it. */
  readonly digests: readonly string[];
}

export function readImage(folder: string | undefined): Image {
  const root = folder?.replace(/\/$/, '') ?? '';
  if (!/^(apps|xim)\/[^/]+$/.test(root) || !existsSync(join(ROOT, root, 'Dockerfile')))
    throw new ImageError(`"${root}" is no folder of an image; expected apps/<app> or xim/<engine>, with a Dockerfile.`);
  const { version, description } = JSON.parse(readFileSync(join(ROOT, root, 'package.json'), 'utf8'));
  const kind = dirname(root) === 'apps' ? 'app' : 'engine';
  const name = kind === 'app' ? basename(root) : `xim-${basename(root)}`;
  return {
    folder: root,
    kind,
    name,
    local: kind === 'app' ? `opea-xim/${name}` : name,
    byPath: root.replace('/', '-'),
    version,
    description: description ?? `The ${basename(root)} layer of XIM's services`,
    notes: join(ROOT, 'dist/images', name),
    dockerfile: readFileSync(join(ROOT, root, 'Dockerfile'), 'utf8'),
  };
}

/** The ARG of a Dockerfile whose default is a base image of ours, and the name of that image. */
export function toBase(dockerfile: string): { arg: string; name: string } | undefined {
  const [, arg, name] = /^ARG\s+(\w+)=["']?(xim-[a-z0-9-]+)["']?\s*$/m.exec(dockerfile) ?? [];
  return arg && name ? { arg, name } : undefined;
}

export function writeNote(image: Image, file: string, value: unknown): void {
  mkdirSync(image.notes, { recursive: true });
  writeFileSync(join(image.notes, file), `${JSON.stringify(value, null, 2)}\n`);
}

export function readNote<T>(image: Image, file: string): T | undefined {
  const path = join(image.notes, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}

/** Throws ImageError where the image was not built, or the engine no longer has it. */
export function readBuilt(image: Image): Built {
  // Fields of `docker build --metadata-file`. The id is the first digest in a store of containerd, else the second.
  const { 'containerimage.digest': manifest, 'containerimage.config.digest': config } =
    readNote<Record<string, string>>(image, 'build.json') ?? {};
  const inspect = (digest: string | undefined) =>
    digest && tryRead('docker', ['image', 'inspect', '--format={{json .}}', digest]);
  const text = inspect(manifest) || inspect(config);
  if (!text) throw new ImageError(`${image.local} is not built: run "npx nx run ${image.name}:docker-build".`);
  const {
    Id: id,
    Config,
    RootFS,
    RepoDigests,
  } = JSON.parse(text) as {
    Id: string;
    Config: { Labels: Record<string, string> | null };
    RootFS: { Layers: string[] };
    RepoDigests: string[] | null;
  };
  const label = (name: string) => Config.Labels?.[`org.opencontainers.image.${name}`] ?? '';
  return {
    ...{ id, version: label('version'), revision: label('revision') },
    layers: createHash('sha256').update(RootFS.Layers.join()).digest('hex'),
    digests: [id, ...(RepoDigests ?? []).map((name) => name.split('@')[1] ?? '')],
  };
}

/** The commit of this repository, with `-dirty` where files differ from it; `unknown` without git. */
export function readRevision(): string {
  const commit = isOnPath('git') ? tryRead('git', ['-C', ROOT, 'rev-parse', '--short=12', 'HEAD']) : undefined;
  if (!commit) return 'unknown';
  return read('git', ['-C', ROOT, 'status', '--porcelain', '--untracked-files=no']) ? `${commit}-dirty` : commit;
}
