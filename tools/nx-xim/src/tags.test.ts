import { expect, it } from 'vitest';
import { toName, toTags } from './tags.ts';

it.each([
  ['apps/chat', 'app', 'chat'],
  ['libs/openai-schema', 'schema', 'openai-schema'],
  ['libs/engine', 'contract', 'engine'],
  ['libs/worker', 'runtime', 'worker'],
  ['libs/model-cache', 'runtime', 'model-cache'],
  ['libs/model-tools', 'program', 'model-tools'],
  ['libs/engine-echo', 'engine', 'engine-echo'],
  ['libs/server', 'server', 'server'],
  ['libs/conformance', 'outsider', 'conformance'],
  ['tools/nx-xim', 'tool', 'nx-xim'],
  ['xim/oneapi', 'image', 'xim-oneapi'],
])('%s is of type %s and called %s', (root, type, name) => {
  expect(toTags(root)).toEqual([`type:${type}`, `name:${name}`]);
  expect(toName(root)).toBe(name);
});
