import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toTargets } from './targets.ts';

const targetsOf = (root: string, files: string[]) => toTargets(root, (path) => files.includes(path));

it.each([
  ['apps/chat', ['tsconfig.json', 'src/main.ts'], ['build', 'lint', 'serve', 'test', 'typecheck']],
  ['apps/embedding', ['models.json'], ['models-list', 'models-pull', 'models-verify', 'models-which']],
  ['libs/server', ['tsconfig.json', 'tsconfig.lib.json'], ['build', 'lint', 'nx-release-publish', 'test', 'typecheck']],
  [
    'libs/engine-echo',
    ['tsconfig.json', 'tsconfig.lib.json', 'python'],
    ['build', 'lint', 'nx-release-publish', 'pytest', 'test', 'typecheck'],
  ],
  ['tools/nx-xim', ['tsconfig.json'], ['lint', 'test', 'typecheck']],
  ['xim/oneapi', [], []],
  [
    'xim/oneapi',
    ['Dockerfile'],
    [
      ...['docker-args', 'docker-build', 'docker-push', 'docker-run', 'docker-sign', 'image-size', 'licences'],
      ...['nx-release-publish', 'sbom'],
    ],
  ],
  ['libs/server', ['Dockerfile'], []],
])('%s has the targets of what is in it', (root, files, targets) => {
  expect(Object.keys(targetsOf(root, files)).sort()).toEqual(targets);
});

it('tests are cached, with what they see beside the sources as inputs; those of tools never are', () => {
  const { test, pytest } = targetsOf('libs/engine-echo', ['tsconfig.json', 'tsconfig.lib.json', 'python']);
  for (const target of [test, pytest]) {
    expect(target?.cache).toBe(true);
    expect(target?.inputs).toEqual(expect.arrayContaining(['default', '^default', 'testing']));
  }
  expect(targetsOf('tools/images', ['tsconfig.json'])['test']?.cache).toBe(false);
  const { namedInputs } = JSON.parse(readFileSync(join(__dirname, '../../../nx.json'), 'utf8'));
  const inputs = JSON.stringify(namedInputs.testing);
  for (const part of ['/proc/cpuinfo', 'requirements.lock', 'models.json', 'vitest.base.ts', 'tools/vitest'])
    expect(inputs).toContain(part);
});

it.each(['apps/chat', 'libs/worker', 'tools/images', 'xim/oneapi'])('every target of %s has a description', (root) => {
  const targets = toTargets(root, () => true);
  const silent = Object.keys(targets).filter((name) => !targets[name]?.metadata?.description);
  expect(silent.filter((name) => root !== 'xim/oneapi' || name !== 'docker-run')).toEqual([]);
});

it('a library is built after the libraries that it compiles against, an app from sources alone', () => {
  expect(targetsOf('libs/server', ['tsconfig.lib.json'])['build']?.dependsOn).toEqual(['^build']);
  expect(targetsOf('apps/chat', ['src/main.ts'])['build']?.dependsOn).toBeUndefined();
});

it('an image is built after its bundle and its base, whose digest is pinned; Nx caches nothing of it', () => {
  const targets = targetsOf('apps/chat', ['src/main.ts', 'Dockerfile']);
  expect(targets['docker-args']?.dependsOn).toEqual(['^docker-build']);
  expect(targets['docker-build']?.dependsOn).toEqual(['build', '^docker-build', 'docker-args']);
  for (const name of ['docker-run', 'sbom']) expect(targets[name]?.dependsOn).toEqual(['docker-build']);
  const image = Object.entries(targets).filter(([name]) => /docker|sbom|licences|image|publish/.test(name));
  expect(image.filter(([, { cache }]) => cache !== false)).toEqual([]);
});

it('adds its arguments to those that @nx/docker infers', () => {
  const { options, configurations, command } = targetsOf('apps/chat', ['Dockerfile'])['docker-build']!;
  expect(command).toBeUndefined();
  expect(options.args[0]).toBe('...');
  // A configuration has no inferred arguments to extend.
  expect(configurations!['embedded'].args).toEqual(
    expect.arrayContaining(['--tag apps-chat', ...options.args.slice(1)]),
  );
});

it('there is one way to push, and it builds nothing', () => {
  const targets = targetsOf('apps/chat', ['Dockerfile']);
  expect(targets['docker-push']).toMatchObject({ executor: '@xim/nx:docker-push', dependsOn: [] });
  expect(targets['nx-release-publish']).toEqual(targets['docker-push']);
});

it('a base image alone is not run: Nx drops a target without an executor and dependencies', () => {
  expect(targetsOf('xim/oneapi', ['Dockerfile'])['docker-run']).toEqual({ executor: '', dependsOn: [] });
});
