import type { TargetConfiguration } from '@nx/devkit';
import { toName, toType } from './tags.ts';

/** The image under the images of all engines. It has no wheels. */
const COMMON = 'xim/base';

/** Files outside a folder that its image consists of: the lists of an engine's wheels lie in the engine's package. */
const toInputs = (root: string) => [
  'production',
  '^production',
  '{workspaceRoot}/tools/images/*.ts',
  ...(toType(root) === 'image' && root !== COMMON
    ? ['lock', 'pytorch.in'].map(
        (list) => `{workspaceRoot}/libs/engine-${root.split('/')[1]}/python/requirements.${list}`,
      )
    : []),
];

/**
 * The targets of a folder with a Dockerfile. `@nx/docker` infers `docker-build` and `docker-run`; this plugin adds to
 * them and has the others. Nx caches none of them: their results are in the container engine and in a registry.
 */
export function imageTargets(root: string): Record<string, TargetConfiguration> {
  const isApp = toType(root) === 'app';
  const tool = (name: string, description: string, more: TargetConfiguration = {}): TargetConfiguration => ({
    command: `tsx tools/images/${name}.ts ${root}`,
    cache: false,
    ...more,
    metadata: { description },
  });
  const push = {
    executor: '@xim/nx:docker-push',
    cache: false,
    // A dry run and a refused option build nothing, so the image is built beforehand.
    dependsOn: [],
    metadata: { description: `Pushes the image that docker-build made last, as ${toName(root)}` },
  };
  return {
    'docker-args': tool('docker-args', 'Pins the base image and writes the arguments of docker-build and docker-run', {
      // The digest of the present base image.
      dependsOn: ['^docker-build'],
      ...(isApp && { configurations: { embedded: { args: '--embedded' } } }),
    }),
    'docker-build': buildTarget(root),
    'docker-run': isApp ? runTarget(root) : REMOVED,
    sbom: tool('sbom', 'Lists the contents of the image as CycloneDX', { dependsOn: ['docker-build'] }),
    licences: tool('licences', 'Checks the licences in the image against xim/licences.json', {
      ...{ dependsOn: ['sbom'], inputs: [...toInputs(root), '{workspaceRoot}/xim/licences.json'] },
    }),
    'image-size': tool('image-size', 'Measures the image that docker-build made last and checks its budget'),
    'docker-sign': tool('docker-sign', 'Signs the pushed image and attaches its SBOM'),
    'docker-push': push,
    'nx-release-publish': push,
  };
}

/** Nx drops a target that has neither an executor nor dependencies: a base image alone serves nothing. */
const REMOVED: TargetConfiguration = { executor: '', dependsOn: [] };

/** `'...'` stands for the arguments that `@nx/docker` inferred. In a configuration it stands for none. */
const INFERRED = '...';

function buildTarget(root: string): TargetConfiguration {
  const isApp = toType(root) === 'app';
  const notes = `dist/images/${toName(root)}`;
  // The command runs in the context of the build: the folder of an app, the repository for a base image.
  const here = isApp ? '../../' : '';
  const args = [
    ...(isApp ? [] : [`--file=${root}/Dockerfile`]),
    // An attestation of the build would give each build another digest; SBOM and signature are attached afterwards.
    '--provenance=false',
    `--metadata-file=${here}${notes}/build.json`,
    '"--label=org.opencontainers.image.description=$XIM_IMAGE_DESCRIPTION"',
    // Both are lists of words, so they are not quoted.
    '$XIM_IMAGE_ARGS',
    '$XIM_DOCKER_BUILD_ARGS',
  ];
  return {
    dependsOn: ['build', '^docker-build', 'docker-args'],
    cache: false,
    inputs: toInputs(root),
    options: { args: [INFERRED, ...args], envFile: `${notes}/build.env`, ...(!isApp && { cwd: '.' }) },
    ...(isApp && {
      configurations: {
        embedded: {
          args: [
            ...[`--tag ${toLocalName(root)}`, ...args, `--build-context=models=${here}${notes}/models`],
            // An engine has been seen to take an empty layer of another build for the weights.
            ...['--build-arg=XIM_OFFLINE=1', '--no-cache'],
          ],
        },
      },
    }),
    metadata: { description: `Builds the image of ${toName(root)} on its base, pinned by digest` },
  };
}

function runTarget(root: string): TargetConfiguration {
  return {
    dependsOn: ['docker-build'],
    cache: false,
    continuous: true,
    options: {
      cwd: '.',
      envFile: `dist/images/${toName(root)}/run.env`,
      args: ['"--volume=$XIM_IMAGE_VOLUME"', '$XIM_IMAGE_RUN_ARGS', '$XIM_DOCKER_RUN_ARGS'],
    },
    metadata: { description: `Runs the image of ${toName(root)}, read-only and without capabilities` },
  };
}

/** The name that `@nx/docker` gives an image: its path. */
const toLocalName = (root: string) => root.replaceAll('/', '-');
