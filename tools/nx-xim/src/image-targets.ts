import type { TargetConfiguration } from '@nx/devkit';
import { toName, toType } from './tags.ts';

/** What `nx affected` has to know beside the graph: the wheels of a base image lie in its engine's package. */
const toInputs = (root: string) => [
  'production',
  '^production',
  ...(toType(root) === 'image' ? [`{workspaceRoot}/libs/engine-${root.split('/')[1]}/python/requirements.lock`] : []),
];

/**
 * The targets of a folder with a Dockerfile. None is cached by Nx: what they make is in the container engine's store
 * and in a registry, of which Nx knows nothing, and the engine has a cache of its own.
 */
export function imageTargets(root: string): Record<string, TargetConfiguration> {
  const tool = (name: string, more: TargetConfiguration = {}): TargetConfiguration => ({
    command: `tsx tools/images/${name}.ts ${root}`,
    cache: false,
    ...more,
  });
  return {
    // The base image first, since a FROM line is an edge of the graph.
    'docker-build': tool('docker-build', { dependsOn: ['build', '^docker-build'], inputs: toInputs(root) }),
    ...(toType(root) === 'app' && { 'docker-run': tool('docker-run', { dependsOn: ['docker-build'] }) }),
    sbom: tool('sbom', { dependsOn: ['docker-build'] }),
    licences: tool('licences', { dependsOn: ['sbom'] }),
    'image-size': tool('image-size', { dependsOn: ['docker-build'] }),
    'docker-push': tool('docker-push', { dependsOn: ['docker-build'] }),
    'docker-sign': tool('docker-sign'),
    // What `nx release publish` runs: the same program, and so the same rules. Its own options are npm's.
    'nx-release-publish': {
      executor: 'nx:run-commands',
      options: { command: `tsx tools/images/docker-push.ts ${root}`, forwardAllArgs: false },
      dependsOn: ['docker-build'],
      metadata: { description: `Pushes the image ${toName(root)}` },
    },
  };
}
