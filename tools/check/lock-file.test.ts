import { expect, it } from 'vitest';
import { missingOptional, outOfStep, registryAddresses, unknownFolders } from './lock-file.mjs';

it.each([
  ['beside', 'node_modules/a', 'node_modules/b', 0],
  ['in its own folder', 'node_modules/a', 'node_modules/a/node_modules/b', 0],
  ['above', 'node_modules/a/node_modules/c', 'node_modules/a/node_modules/b', 0],
  ['above a package with a scope', 'node_modules/a/node_modules/@s/c', 'node_modules/b', 0],
  ['above a folder of the workspace', 'libs/a', 'node_modules/b', 0],
  ['in the folder of another', 'node_modules/a', 'node_modules/c/node_modules/b', 1],
  ['nowhere', 'node_modules/a', 'node_modules/bb', 1],
])('an optional package with an entry %s', (_, path, entry, problems) => {
  const packages = { [path]: { optionalDependencies: { b: '1' } }, [entry]: {} };
  expect(missingOptional(packages)).toHaveLength(problems);
});

it('a package that is bound to a registry', () => {
  const packages = {
    'node_modules/a': { resolved: 'https://registry.example/a.tgz' },
    'node_modules/@xim/engine': { resolved: 'libs/engine', link: true },
    'node_modules/b': { version: '1.0.0' },
  };
  expect(registryAddresses(packages)).toEqual([expect.stringMatching(/^node_modules\/a .*registry\.example/)]);
});

it.each([
  ['the same, in another order', { dependencies: { a: '1', b: '2' } }, { dependencies: { b: '2', a: '1' } }, 0],
  ['nothing, and an empty list', {}, { dependencies: {} }, 0],
  ['what a lock file does not hold', {}, { description: 'x', exports: {} }, 0],
  ['another version', { dependencies: { a: '1' } }, { dependencies: { a: '2' } }, 1],
  ['one more', {}, { peerDependencies: { a: '2' } }, 1],
  ['one fewer', { bin: { a: 'a.js' } }, {}, 1],
])('a package.json with %s', (_, locked, actual, problems) => {
  expect(outOfStep({ 'libs/a': locked, 'node_modules/b': {} }, () => actual)).toHaveLength(problems);
});

it('a folder that npm was not told of', () => {
  expect(unknownFolders({ 'apps/a': {} }, ['apps/a', 'apps/b'])).toEqual([
    expect.stringMatching(/^apps\/b .*npm install/),
  ]);
});
