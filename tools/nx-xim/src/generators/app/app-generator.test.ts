import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, type Tree, writeJson } from '@nx/devkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { filesOf, ROOT, treeLikeHere } from '../__fixtures__/tree.ts';
import { TASKS } from '../tasks.ts';
import appGenerator, { type AppOptions } from './app-generator.ts';
import { forEngine } from './service-to-follow.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const SERVICE = ['Dockerfile', 'README.md', 'models.json', 'package.json', 'values.yaml'];
const SOURCES = ['src/app.test.ts', 'src/app.ts', 'src/main.ts', 'tsconfig.json'];

let tree: Tree;
beforeEach(async () => {
  tree = await treeLikeHere();
});

const generate = (options: AppOptions) => filesOf(tree, () => appGenerator(tree, options));
const generateAnew = async (options: AppOptions) => {
  tree = await treeLikeHere();
  return generate(options);
};
const embedder = { name: 'my-embedder', engine: 'oneapi', task: 'embed' };
const painter = { name: 'my-painter', engine: 'oneapi', task: 'generateImage' };

describe('a service with a task that the engine has a handler for', () => {
  it('is these files in one folder, and no other file', async () => {
    const files = Object.keys(await generate(embedder));
    expect(files).toEqual([...SERVICE, ...SOURCES].map((file) => `apps/my-embedder/${file}`).sort());
  });

  it('has the conventions of @nx/node’s application that fit, and nothing of what it does elsewhere', async () => {
    const files = await generate(embedder);
    expect(Object.keys(files)).toEqual(
      expect.arrayContaining(
        ['src/main.ts', 'tsconfig.json', 'package.json'].map((file) => `apps/my-embedder/${file}`),
      ),
    );
    const elsewhere = ['nx.json', 'package.json', 'tsconfig.json', 'tsconfig.base.json', '.vscode/launch.json'];
    const ofItsOwn = [
      'project.json',
      'tsconfig.app.json',
      'src/assets/.gitkeep',
      'webpack.config.js',
      'jest.config.ts',
    ];
    for (const file of [...elsewhere, ...ofItsOwn.map((name) => `apps/my-embedder/${name}`)])
      expect(files).not.toHaveProperty([file]);
    expect(JSON.parse(files['apps/my-embedder/package.json']!).nx, 'targets are inferred').toEqual({
      name: 'my-embedder',
    });
  });

  it('serves the model of the service that does it already, by its routes', async () => {
    const files = await generate(embedder);
    expect(files['apps/my-embedder/src/app.ts']).toBe(
      read('apps/embedding/src/app.ts')
        .replace("'embedding'", "'my-embedder'")
        .replace(/\/\*\*.*\*\//, '/** Vectors for texts, on the first engine that takes this host. */'),
    );
    expect(files['apps/my-embedder/src/main.ts']).toBe(read('apps/embedding/src/main.ts'));
    expect(files['apps/my-embedder/tsconfig.json']).toBe(read('apps/embedding/tsconfig.json'));
    expect(JSON.parse(files['apps/my-embedder/models.json']!)).toEqual(JSON.parse(read('apps/embedding/models.json')));
    expect(JSON.parse(files['apps/my-embedder/package.json']!)).toEqual({
      ...JSON.parse(read('apps/embedding/package.json')),
      name: '@xim/app-my-embedder',
      description: 'Vectors for texts, on oneapi',
      nx: { name: 'my-embedder' },
    });
  });

  it.each([
    ['embed', 'embedding'],
    ['generate', 'chat'],
  ])('shows in its README the command of one with the task %s', async (task, like) => {
    const files = await generate({ name: 'my-service', engine: 'oneapi', task });
    const command = /npm start [^`]*/.exec(read(`apps/${like}/README.md`))![0];
    expect(files['apps/my-service/README.md']).toContain(command.replace(`start ${like}`, 'start my-service'));
    expect(files['apps/my-service/src/app.test.ts']).toContain('answers the request of its README');
  });

  it('takes a model of its own, whose name its command then has', async () => {
    const models = readJson(tree, 'apps/embedding/models.json');
    models.models.main = { ...models.models.main, id: 'org/other', aliases: [] };
    writeJson(tree, 'other.json', models);
    const files = await generate({ ...embedder, models: 'other.json' });
    expect(JSON.parse(files['apps/my-embedder/models.json']!)).toEqual(models);
    expect(files['apps/my-embedder/README.md']).toContain('"model": "org/other"');
    expect(files['apps/my-embedder/src/app.test.ts']).toContain("const MODEL = 'org/other';");
  });

  it('takes of a models.json what its engine runs', () => {
    const profile = (engine: string) => ({ engine, artifact: `for-${engine}` });
    const entry = { id: 'a/b', task: 'embed', artifacts: { 'for-x': 1, 'for-y': 2 } };
    const main = { ...entry, profiles: [profile('x'), profile('y')] };
    const beside = { ...entry, profiles: [profile('y')] };
    const { models } = forEngine({ lockVersion: 1, models: { main, beside } }, 'x');
    expect(models['main']).toEqual({ ...entry, artifacts: { 'for-x': 1 }, profiles: [profile('x')] });
    expect(models['beside'], 'a model that another program runs').toEqual(beside);
  });
});

describe('a service with a task that the engine has no handler for', () => {
  it('has a handler.py, and no other file than in its folder', async () => {
    const files = Object.keys(await generate(painter));
    expect(files.sort()).toEqual(
      [...SERVICE, 'handler.py', ...SOURCES].map((file) => `apps/my-painter/${file}`).sort(),
    );
  });

  it('refuses to start until that is written, and is tested on the reference engine', async () => {
    const files = await generate(painter);
    expect(files['apps/my-painter/src/app.ts']).toContain("handler: new URL('../handler.py', import.meta.url)");
    expect(files['apps/my-painter/handler.py']).toContain('raise StartError(NOT_WRITTEN, permanent=True)');
    expect(files['apps/my-painter/src/app.test.ts']).toMatch(/engines: \[echo\][^]*refuses to start/);
    expect(files['apps/my-painter/Dockerfile']).toContain('COPY package.json models.json handler.py ./');
    const { main } = JSON.parse(files['apps/my-painter/models.json']!).models;
    expect(main).toMatchObject({ task: 'generateImage', artifacts: {}, profiles: [{ engine: 'oneapi' }] });
    expect(JSON.parse(files['apps/my-painter/package.json']!).devDependencies).toEqual({
      '@xim/engine-echo': '^0.1.0',
    });
  });

  it.each([
    ['generate', ['load', 'add', 'step', 'cancel']],
    ['embed', ['load', 'prepare', 'run', 'finish']],
    ['rerank', ['load', 'prepare', 'run', 'finish']],
    ['transcribe', ['load', 'run']],
    ['speak', ['load', 'run']],
    ['generateImage', ['load', 'run']],
  ])('has for %s the methods %j of its shape', async (task, methods) => {
    writeJson(tree, 'libs/engine-bare-metal/package.json', { name: '@xim/engine-bare-metal', xim: { tasks: [] } });
    const files = await generate({ name: 'bare', engine: 'bare-metal', task });
    const handler = files['apps/bare/handler.py']!;
    expect([...handler.matchAll(/^ {4}def (\w+)/gm)].map(([, name]) => name)).toEqual(methods);
    expect(handler).toContain('xim_engine_bare_metal');
    expect(files['apps/bare/src/app.ts']).toContain("import { bareMetal } from '@xim/engine-bare-metal';");
  });

  it.each(TASKS)('is Python in lines of at most 120 also under the longest names, for %s', async (task) => {
    const [name, engine] = ['n'.repeat(40), 'e'.repeat(40)];
    writeJson(tree, `libs/engine-${engine}/package.json`, { name: `@xim/engine-${engine}`, xim: { tasks: [] } });
    const files = await generate({ name, engine, task });
    const lines = files[`apps/${name}/handler.py`]!.split('\n');
    expect(lines.filter((line) => line.length > 120)).toEqual([]);
  });
});

describe('a service with wheels of its own', () => {
  const withWheels = () => generate({ ...embedder, wheels: true });

  it('has a list of them and its lock, beside the files of every service', async () => {
    const files = await withWheels();
    const lists = ['requirements.in', 'requirements.lock'];
    expect(Object.keys(files).sort()).toEqual(
      [...SERVICE, ...lists, ...SOURCES].map((file) => `apps/my-embedder/${file}`).sort(),
    );
    for (const list of lists) expect(files[`apps/my-embedder/${list}`]).toMatch(/^(# .*\n)+$/);
  });

  it('installs them into its image, by its hashes, before what changes more often', async () => {
    const dockerfile = (await withWheels())['apps/my-embedder/Dockerfile']!;
    expect(dockerfile).toMatch(
      /^FROM \$\{ENGINE_IMAGE\}\n[^]*^USER 0\n[^]*--require-hashes -r \/tmp\/requirements\.lock\nUSER 1000:1000\n[^]*^COPY dist/m,
    );
    const [, script] = /^ {4}(if \[[^]*?)\nUSER/m.exec(dockerfile)!;
    const { status, stderr } = spawnSync('sh', ['-n', '-c', script!], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  });

  it('is otherwise the same', async () => {
    const [without, own] = [await generate(embedder), await generateAnew({ ...embedder, wheels: true })];
    const others = Object.entries(own).filter(([file]) => !/requirements\.|Dockerfile/.test(file));
    expect(Object.fromEntries(others)).toEqual(
      Object.fromEntries(Object.entries(without).filter(([file]) => !file.endsWith('Dockerfile'))),
    );
  });
});

describe('what cannot be is refused with a sentence:', () => {
  it.each<[string, Partial<AppOptions>, RegExp]>([
    ['a name in capitals', { name: 'MyEmbedder' }, /"MyEmbedder" cannot be the name of a service\. Give lower-case/],
    ['a path', { name: '../x' }, /cannot be the name/],
    ['a name with a dash at its end', { name: 'my-' }, /cannot be the name/],
    ['a name that is too long', { name: 'a'.repeat(41) }, /at most 40/],
    ['the name of a service', { name: 'chat' }, /apps\/chat exists\. Choose another name/],
    ['the name of a library', { name: 'server' }, /The project "server" exists, in libs\/server/],
    ['the name of a folder of tools', { name: 'bench' }, /The project "bench" exists, in tools\/bench/],
    ['the name of a package of an engine', { name: 'engine-x' }, /names with "engine-" are those of other parts/],
    ['a name of one letter', { name: 'a' }, /"a" is too short for the name of a service/],
    [
      'no engine, without a terminal',
      { engine: undefined },
      /Name the engine: --engine=<name>\. There are: echo, [a-z, -]*oneapi/,
    ],
    ['the name of an image', { name: 'xim-oneapi' }, /names with "xim-"/],
    [
      'an engine that is not there',
      { engine: 'onnx' },
      /no engine "onnx"\. There are: echo, [a-z, -]*oneapi[a-z, -]*\..*nx:engine onnx/,
    ],
    ['a task that is none', { task: 'sing' }, /"sing" is no task\. The tasks are generate, embed, rerank, transcribe/],
    ['an engine without a model', { engine: 'echo' }, /No service here has a model .* "echo" yet.*--models=/],
    ['a models.json that is not there', { models: 'no.json' }, /There is no no\.json/],
    ['one for another task', { models: 'apps/chat/models.json' }, /no role "main" with the task embed and a profile/],
  ])('%s', async (_, options, sentence) => {
    await expect(filesOf(tree, () => appGenerator(tree, { ...embedder, ...options }))).rejects.toThrow(sentence);
    expect(await filesOf(tree, async () => undefined)).toEqual({});
  });
});

it('asks for what is missing, and knows the tasks of the contract', () => {
  const { properties, required, description } = JSON.parse(read('tools/nx-xim/src/generators/app/schema.json'));
  expect(description, 'the first lines of --help').toMatch(/^Adds a service/);
  for (const name of required) expect(properties[name]['x-prompt'], name).toBeTruthy();
  expect(properties.task.enum).toEqual(TASKS);
  expect(JSON.parse(read('libs/engine-echo/package.json')).xim.tasks).toEqual(TASKS);
});

if (existsSync(join(ROOT, 'apps/chat/Dockerfile'))) {
  it('has the Dockerfile that services here have', async () => {
    expect((await generate(embedder))['apps/my-embedder/Dockerfile']).toBe(read('apps/chat/Dockerfile'));
  });
}
