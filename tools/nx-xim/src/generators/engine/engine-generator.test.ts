import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tree } from '@nx/devkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { filesOf, ROOT, treeLikeHere } from '../__fixtures__/tree.ts';
import { TASKS } from '../tasks.ts';
import engineGenerator, { type EngineOptions } from './engine-generator.ts';

let tree: Tree;
beforeEach(async () => {
  tree = await treeLikeHere();
});

const generate = (options: EngineOptions) => filesOf(tree, () => engineGenerator(tree, options));

it('is an adapter and its base image, and no other file', async () => {
  expect(Object.keys(await generate({ name: 'my-engine' }))).toEqual([
    ...[
      ...['README.md', 'package.json', 'python/requirements.in', 'python/requirements.lock'],
      ...['__init__.py', '__main__.py', 'embed.py', 'py.typed'].map((file) => `python/xim_engine_my_engine/${file}`),
      ...['src/__fixtures__/embed-samples.ts', 'src/__fixtures__/models.ts', 'src/index.ts'],
      ...['engine.test.ts', 'engine.ts'].map((file) => `src/my-engine-${file}`),
      ...['tsconfig.json', 'tsconfig.lib.json'],
    ].map((file) => `libs/engine-my-engine/${file}`),
    ...['Dockerfile', 'package.json'].map((file) => `xim/my-engine/${file}`),
  ]);
});

it('can be published as its siblings can', async () => {
  const files = await generate({ name: 'my-engine', tasks: ['speak', 'generate', 'speak'] });
  const sibling = JSON.parse(readFileSync(join(ROOT, 'libs/engine-oneapi/package.json'), 'utf8'));
  expect(JSON.parse(files['libs/engine-my-engine/package.json']!)).toEqual({
    ...sibling,
    name: '@xim/engine-my-engine',
    description: 'my-engine as a XIM engine',
    repository: { ...sibling.repository, directory: 'libs/engine-my-engine' },
    xim: { tasks: ['generate', 'speak'] },
    dependencies: { '@xim/engine': '^0.1.0', '@xim/generation': '^0.1.0', '@xim/worker': '^0.1.0' },
  });
  expect(files['libs/engine-my-engine/src/my-engine-engine.ts']).toContain('folders: [own, generationPython()]');
  expect(JSON.parse(files['xim/my-engine/package.json']!)).toMatchObject({
    private: true,
    nx: { name: 'xim-my-engine' },
  });
});

it('exports a factory of its name, and installs its own list of wheels', async () => {
  const files = await generate({ name: 'my-engine' });
  expect(files['libs/engine-my-engine/src/index.ts']).toContain("export { myEngine } from './my-engine-engine.ts';");
  expect(files['libs/engine-my-engine/src/my-engine-engine.ts']).toContain("['embed']");
  expect(files['libs/engine-my-engine/src/my-engine-engine.ts']).not.toContain('generation');
  expect(files['xim/my-engine/Dockerfile']).toMatch(/^ARG XIM_BASE=xim-base$/m);
  expect(files['xim/my-engine/Dockerfile']).toContain('COPY libs/engine-my-engine/python/requirements.lock ');
});

it.each([
  ['generate', 'generate', '"steps": {"generate": Generate()}'],
  ['embed', 'embed', '"batches": {"embed": Embed()}'],
  ['rerank', 'rerank', '"batches": {"rerank": Rerank()}'],
  ['transcribe', 'transcribe', '"calls": {"transcribe": Transcribe()}'],
  ['speak', 'speak', '"calls": {"speak": Speak()}'],
  ['generateImage', 'generate_image', '"calls": {"generateImage": GenerateImage()}'],
])('has for %s a handler, a sample for the suite, and serves it', async (task, module, served) => {
  const files = await generate({ name: 'x', tasks: [task] });
  const python = 'libs/engine-x/python/xim_engine_x';
  expect(Object.keys(files).filter((path) => path.startsWith(python))).toContain(`${python}/${module}.py`);
  expect(files[`${python}/__main__.py`]).toContain(`return {${served}}`);
  const samples = module.replace('_', '-');
  expect(files[`libs/engine-x/src/__fixtures__/${samples}-samples.ts`]).toContain(`export const ${task}Samples`);
  expect(files['libs/engine-x/src/x-engine.test.ts']).toContain(`samples: { ${task}: ${task}Samples }`);
});

it('leaves no mark of a template behind', async () => {
  for (const [path, text] of Object.entries(await generate({ name: 'x', tasks: TASKS }))) {
    expect(path).not.toMatch(/__tmpl__|__name__|__snake__/);
    expect(text, path).not.toMatch(/<%|%>/);
  }
});

it('is Python in lines of at most 120 also under the longest name', async () => {
  const files = await generate({ name: 'e'.repeat(40), tasks: TASKS });
  const lines = Object.entries(files).flatMap(([path, text]) => (path.endsWith('.py') ? text.split('\n') : []));
  expect(lines.filter((line) => line.length > 120)).toEqual([]);
});

describe('what cannot be is refused with a sentence:', () => {
  it.each<[string, EngineOptions, RegExp]>([
    ['a name with an underscore', { name: 'my_engine' }, /"my_engine" cannot be the name of an engine/],
    ['the name of an engine', { name: 'oneapi' }, /libs\/engine-oneapi exists/],
    [
      'a task that is none',
      { name: 'x', tasks: ['embed', 'sing'] },
      /"sing" is no task\. The tasks are generate, embed/,
    ],
    ['no task', { name: 'x', tasks: [] }, /needs a task: --tasks=embed/],
  ])('%s', async (_, options, sentence) => {
    await expect(generate(options)).rejects.toThrow(sentence);
  });

  it('an image that is there already', async () => {
    tree.write('xim/half/package.json', '{}');
    await expect(generate({ name: 'half' })).rejects.toThrow(/xim\/half exists/);
  });
});

it('asks for what is missing, and knows the tasks of the contract', () => {
  const { properties, required } = JSON.parse(readFileSync(join(__dirname, 'schema.json'), 'utf8'));
  for (const name of [...required, 'tasks']) expect(properties[name]['x-prompt'], name).toBeTruthy();
  expect(properties.tasks.items.enum).toEqual(TASKS);
});
