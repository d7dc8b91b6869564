import { expect, it } from 'vitest';
import { judge, type Policy, readPolicy } from './licences.ts';
import { addLicences, type Component } from './sbom.ts';

const POLICY: Policy = {
  allowed: ['MIT', 'Apache-2.0'],
  spellings: { 'Apache Software License': 'Apache-2.0' },
  distributions: { deb: 'as Debian says' },
  reviewed: {
    silent: { licence: 'MIT', reason: 'as its repository says' },
    codec: { licence: 'BSD-3-Clause AND GPL-2.0-or-later', reason: 'unmodified libraries' },
  },
};

const component = (name: string, licence?: string, kind = 'npm'): Component => ({
  name,
  purl: `pkg:${kind}/${name}@1.0?arch=amd64`,
  licenses: licence === undefined ? [] : [{ expression: licence }],
});
const judgeOne = (one: Component) => judge({ components: [one] }, POLICY);

it.each([
  ['an identifier of the list', component('a', 'MIT'), []],
  ['an expression, of which each part is on the list', component('a', '(MIT AND Apache-2.0)'), []],
  ['one that is not on the list', component('a', 'GPL-3.0-only'), ['npm/a@1.0 is under GPL-3.0-only']],
  [
    'an expression with a part that is not',
    component('a', 'MIT AND GPL-3.0-only'),
    ['npm/a@1.0 is under GPL-3.0-only'],
  ],
  ['none', component('a'), ['npm/a@1.0 states no licence']],
  ['none, and it was reviewed', component('silent'), []],
  ['its own, and it carries more, which was reviewed', component('codec', 'BSD-3-Clause'), []],
  ['a text instead of an identifier', component('a', 'Apache Software License', 'pypi'), []],
  ['what a distribution answers for', component('a', 'GPL-3.0-only', 'deb'), []],
])('%s', (_, one, problems) => {
  expect(judgeOne(one).problems).toEqual(problems);
});

it('reads what Trivy writes for one licence and for several', () => {
  const licenses = [{ license: { id: 'MIT' } }, { license: { name: 'Beerware' } }];
  expect(judgeOne({ ...component('a'), licenses }).problems).toEqual(['npm/a@1.0 is under Beerware']);
});

it('labels with what is not the distribution’s, and notices all', () => {
  const components = [component('b', 'MIT'), component('a', 'Apache-2.0'), component('libc', 'LGPL-2.1', 'deb')];
  const { identifiers, notice } = judge({ components: [...components, { name: 'debian' }] }, POLICY);
  expect(identifiers).toEqual(['Apache-2.0', 'MIT']);
  expect(notice).toBe('deb/libc@1.0: LGPL-2.1\nnpm/a@1.0: Apache-2.0\nnpm/b@1.0: MIT');
});

it('labels and notices a reviewed component with what it carries', () => {
  const { identifiers, notice } = judgeOne(component('codec', 'BSD-3-Clause', 'pypi'));
  expect(identifiers).toEqual(['BSD-3-Clause', 'GPL-2.0-or-later']);
  expect(notice).toBe('pypi/codec@1.0: BSD-3-Clause AND GPL-2.0-or-later (unmodified libraries)');
});

it('a wheel without a licence in the scan gets the one that its METADATA states', () => {
  const components = [component('a', undefined, 'pypi'), component('b', 'MIT', 'pypi'), component('a'), component('c')];
  const found = addLicences({ components }, { a: 'Apache-2.0', b: 'ISC', c: null }).components;
  expect(found?.[0]?.licenses).toEqual([{ license: { name: 'Apache-2.0' } }]);
  expect(found?.slice(1)).toEqual(components.slice(1));
});

it('the list itself holds identifiers, each once', () => {
  const { allowed } = readPolicy();
  expect(allowed).toEqual([...new Set(allowed)].sort());
});
