// The program of the executor `@xim/nx:docker-push`: `npx nx run <app>:docker-push [--latest] [--yes] [--dry-run]`.
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ExecutorContext, ProjectGraphProjectNode } from '@nx/devkit';
import { getDockerVersionPath, handleDockerVersion } from '@nx/docker/release/version-utils';
import type * as releasePublish from '@nx/docker/src/executors/release-publish/release-publish.impl';
import { ImageError } from './errors.ts';
import { type Image, readBuilt, readImage, readRevision, ROOT, writeNote } from './image.ts';
import { main, read, refuseArguments, run, tryRead } from './program.ts';
import { DEFAULT_REGISTRY, readSettings, type Settings } from './settings.ts';

// CommonJS with a default export, which Node.js and bundlers import in different ways.
const PUBLISH = '@nx/docker/src/executors/release-publish/release-publish.impl';
const { default: publish } = createRequire(import.meta.url)(PUBLISH) as typeof releasePublish.default;

export interface Pushed {
  /** `registry/name@sha256:…` */
  readonly reference: string;
  readonly tags: readonly string[];
}

/** Images are pushed in no other way. An existing version is never replaced by other content. */
export async function pushImage(image: Image, args: readonly string[], settings: Settings): Promise<void> {
  refuseArguments('docker-push', args, ['--latest', '--yes', '--dry-run']);
  if (settings.imageRefOverride)
    throw new ImageError('NX_DOCKER_IMAGE_REF names another image. Unset it: XIM_REGISTRY names the registry.');
  const registry = settings.registry ?? DEFAULT_REGISTRY;
  const repository = `${registry}/${image.name}`;
  const revision = readRevision();
  const tags = [image.version, `sha-${revision}`, ...(args.includes('--latest') ? ['latest'] : [])];
  const [version, ...aliases] = tags.map((tag) => `${repository}:${tag}`) as [string, ...string[]];
  if (settings.dryRun || args.includes('--dry-run')) {
    console.log(`Would push ${image.local} as\n${[version, ...aliases].map((target) => `  ${target}`).join('\n')}`);
    return;
  }
  if (!settings.registry && !args.includes('--yes'))
    throw new ImageError(
      `Nothing was pushed. ${image.local} would go to the default registry, as ${[version, ...aliases].join(', ')}. ` +
        'Set XIM_REGISTRY to another one, or say --yes.',
    );

  const { id, digests } = readCurrent(image, revision);
  const there = remoteDigest(version);
  if (there !== undefined && !digests.includes(there))
    throw new ImageError(
      `${version} exists, with another content (${there}). A version is pushed once: ` +
        `raise the version in ${image.folder}/package.json ("npm run release" does).`,
    );
  if (there === undefined) await pushVersion(image, registry);
  for (const alias of aliases) {
    run('docker', ['tag', id, alias]);
    run('docker', ['push', '--quiet', alias]);
  }
  const digest = remoteDigest(version);
  if (digest === undefined) throw new ImageError(`${version} was pushed, and the registry does not have it.`);
  const pushed: Pushed = { reference: `${repository}@${digest}`, tags };
  writeNote(image, 'pushed.json', pushed);
  console.log(pushed.reference);
}

/** The image of this version and commit, under the pushed name. Throws ImageError for an image of another commit. */
function readCurrent(image: Image, revision: string) {
  const built = readBuilt(image);
  const named = tryRead('docker', ['image', 'inspect', '--format={{.Id}}', image.byPath]);
  const found =
    built.version !== image.version
      ? `has the version ${built.version}, and ${image.folder}/package.json ${image.version}`
      : built.revision !== revision
        ? `was built at the commit ${built.revision}, and this is ${revision}`
        : named !== built.id && `is not what is called ${image.byPath}`;
  if (found) throw new ImageError(`${image.local} ${found}: run "npx nx run ${image.name}:docker-build" again.`);
  return built;
}

/** Tags and pushes the version with `@nx/docker`, which hands the name over in a file. */
async function pushVersion(image: Image, registryUrl: string): Promise<void> {
  const node: ProjectGraphProjectNode = { name: image.name, type: 'app', data: { root: image.folder } };
  const context: ExecutorContext = {
    ...{ root: ROOT, cwd: ROOT, isVerbose: false, projectName: image.name },
    projectGraph: { nodes: { [image.name]: node }, dependencies: {} },
    projectsConfigurations: { version: 2, projects: { [image.name]: node.data } },
    nxJsonConfiguration: {},
  };
  const file = getDockerVersionPath(ROOT, image.folder);
  try {
    const dockerOptions = { repositoryName: image.name, registryUrl };
    const config = { dockerOptions } as unknown as Parameters<typeof handleDockerVersion>[2];
    await handleDockerVersion(ROOT, node, config, undefined, image.version);
    await publish({ quiet: true }, context);
  } catch (error) {
    throw new ImageError(`${image.local} was not pushed to ${registryUrl}: ${(error as Error).message}`);
  } finally {
    rmSync(file, { force: true });
  }
}

/** Undefined where the registry has no such tag; throws ImageError where it cannot be asked. */
function remoteDigest(reference: string): string | undefined {
  try {
    const manifest = read('docker', ['buildx', 'imagetools', 'inspect', '--format={{json .Manifest}}', reference]);
    return (JSON.parse(manifest) as { digest: string }).digest;
  } catch (error) {
    if (error instanceof ImageError && /not found|manifest unknown|name unknown/i.test(error.message)) return undefined;
    throw error;
  }
}

if (process.argv[1] === import.meta.filename)
  await main(([folder, ...args]) => pushImage(readImage(folder), args, readSettings(process.env)));
