import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { prepare } from './prepare.mjs';
import { makeWorkspace, type Workspace } from './workspace-fixture.ts';

let workspace: Workspace;
beforeEach(() => void (workspace = makeWorkspace()));
afterEach(() => workspace.remove());

const fetchModels = (env: NodeJS.ProcessEnv = {}) =>
  prepare({
    ...{ engines: [], models: ['chat', 'embedding'], dev: false, root: workspace.root, log: () => {} },
    env: { PATH: process.env['PATH'], ...env },
  });

it.each([
  ['the clone’s own cache', {}, '.model_cache'],
  ['the user’s cache', { XIM_MODEL_CACHE: 'elsewhere' }, 'elsewhere'],
])('models are fetched into %s', async (_, env, folder) => {
  workspace.write(
    'libs/model-tools/src/bin.ts',
    `import { writeFileSync } from 'node:fs';
    writeFileSync('call.json', JSON.stringify([process.argv.slice(2), process.env['XIM_MODEL_CACHE']]));`,
  );
  const { modelCache } = await fetchModels(env);
  expect(modelCache).toBe(join(workspace.root, folder));
  expect(JSON.parse(readFileSync(join(workspace.root, 'call.json'), 'utf8'))).toEqual([
    ['pull', '--python', 'python3', 'apps/chat/models.json', 'apps/embedding/models.json'],
    modelCache,
  ]);
});

it('models that cannot be had end the set-up with a sentence', async () => {
  workspace.write('libs/model-tools/src/bin.ts', 'process.exit(1);');
  await expect(fetchModels()).rejects.toThrow('The models of chat, embedding could not be fetched');
});

it('the fault of the machine becomes a sentence; a bug of the set-up keeps its stack', async () => {
  workspace.write('libs/engine-toy/python/requirements.lock', '');
  const log = () => {
    throw new TypeError('a bug');
  };
  const env = { PATH: process.env['PATH'] };
  const options = { engines: ['toy'], models: [], dev: false, root: workspace.root, log, env };
  await expect(prepare(options)).rejects.toThrow(new TypeError('a bug'));

  rmSync(join(workspace.root, '.xim'), { recursive: true });
  workspace.write('.xim', 'a file where a folder must be');
  await expect(prepare(options)).rejects.toThrow(/^Setting up failed: .*EEXIST/);
});
