import { expect, it } from 'vitest';
import { toTargets } from './targets.ts';

const targetsOf = (root: string, files: string[]) => toTargets(root, (path) => files.includes(path));

it.each([
  ['apps/chat', ['tsconfig.json', 'src/main.ts'], ['build', 'lint', 'serve', 'test', 'typecheck']],
  ['apps/embedding', ['models.json'], ['models-list', 'models-pull', 'models-verify', 'models-which']],
  ['libs/server', ['tsconfig.json', 'tsconfig.lib.json'], ['build', 'lint', 'test', 'typecheck']],
  [
    'libs/engine-echo',
    ['tsconfig.json', 'tsconfig.lib.json', 'python'],
    ['build', 'lint', 'pytest', 'test', 'typecheck'],
  ],
  ['tools/nx-xim', ['tsconfig.json'], ['lint', 'test', 'typecheck']],
  ['xim/oneapi', [], []],
])('%s has the targets of what is in it', (root, files, targets) => {
  expect(Object.keys(targetsOf(root, files)).sort()).toEqual(targets);
});

it('what starts Python is never cached', () => {
  const targets = targetsOf('libs/engine-echo', ['tsconfig.json', 'tsconfig.lib.json', 'python']);
  const cached = Object.keys(targets).filter((name) => targets[name]?.cache);
  expect(cached.sort()).toEqual(['build', 'lint', 'typecheck']);
});

it('a library is built after the libraries that it compiles against, an app from sources alone', () => {
  expect(targetsOf('libs/server', ['tsconfig.lib.json'])['build']?.dependsOn).toEqual(['^build']);
  expect(targetsOf('apps/chat', ['src/main.ts'])['build']?.dependsOn).toBeUndefined();
});
