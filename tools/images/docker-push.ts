// `npx nx run <app>:docker-push [--latest] [--yes] [--dry-run]`
import { type Built, type Image, readBuilt, readImage, readNote, writeNote } from './image.ts';
import { ImageError } from './errors.ts';
import { main, read, run, tryRead } from './program.ts';
import { DEFAULT_REGISTRY, readSettings, type Settings } from './settings.ts';

export interface Pushed {
  /** `registry/name@sha256:…` */
  readonly reference: string;
  readonly tags: readonly string[];
}

/** The one way in which images are pushed. An existing version is never replaced by other content. */
export function pushImage(image: Image, args: readonly string[], settings: Settings): void {
  const unknown = args.find((arg) => !['--latest', '--yes', '--dry-run'].includes(arg));
  if (unknown) throw new ImageError(`docker-push does not know "${unknown}"; it takes --latest, --yes and --dry-run.`);
  const repository = `${settings.registry ?? DEFAULT_REGISTRY}/${image.name}`;
  const dryRun = settings.dryRun || args.includes('--dry-run');
  const built = dryRun ? readNote<Built>(image, 'image.json') : readBuilt(image);
  const tags = [
    image.version,
    `sha-${built?.revision ?? '<commit>'}`,
    ...(args.includes('--latest') ? ['latest'] : []),
  ];
  const targets = tags.map((tag) => `${repository}:${tag}`);
  if (dryRun || !built) {
    console.log(`Would push ${image.local} as\n${targets.map((target) => `  ${target}`).join('\n')}`);
    return;
  }
  if (!settings.registry && !args.includes('--yes'))
    throw new ImageError(
      `Nothing was pushed. ${image.local} would go to the default registry, as ${targets.join(', ')}. ` +
        'Set XIM_REGISTRY to another one, or say --yes.',
    );

  const { id, version: builtVersion } = built;
  const now = tryRead('docker', ['image', 'inspect', '--format={{.Id}}', image.local]);
  if (now !== id || builtVersion !== image.version)
    throw new ImageError(`${image.local} is not what was built: run "npx nx run ${image.name}:docker-build" again.`);
  const [version] = targets as [string];
  const there = remoteDigest(version);
  if (there !== undefined && !ownDigests(image, id).includes(there))
    throw new ImageError(
      `${version} exists, with another content (${there}). A version is pushed once: ` +
        `raise the version in ${image.folder}/package.json ("npm run release" does).`,
    );
  for (const target of there === undefined ? targets : targets.slice(1)) {
    run('docker', ['tag', id, target]);
    run('docker', ['push', '--quiet', target]);
  }
  const digest = remoteDigest(version);
  if (digest === undefined) throw new ImageError(`${version} was pushed, and the registry does not have it.`);
  const pushed: Pushed = { reference: `${repository}@${digest}`, tags };
  writeNote(image, 'pushed.json', pushed);
  console.log(pushed.reference);
}

/** The digests under which a registry may know the local image. */
function ownDigests(image: Image, id: string): string[] {
  const names = read('docker', ['image', 'inspect', '--format={{json .RepoDigests}}', image.local]);
  return [id, ...((JSON.parse(names) as string[] | null) ?? []).map((name) => name.split('@')[1] ?? '')];
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
