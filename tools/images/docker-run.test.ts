import { expect, it } from 'vitest';
import { toRunArgs } from './docker-run.ts';
import { readSettings } from './settings.ts';

const IMAGE = { local: 'opea-xim/chat' };

it('publishes on this machine alone, confined, with the weights in a volume', () => {
  expect(toRunArgs(IMAGE, readSettings({}), {})).toEqual([
    ...['run', '--rm', '--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--pids-limit=512'],
    ...['--publish=127.0.0.1:8000:8000', '--volume=xim-models:/models', 'opea-xim/chat'],
  ]);
});

it('takes the settings of a service along by name, and keeps those of this machine', () => {
  const env = { XIM_API_KEYS: 'secret', XIM_SLOTS: '2', XIM_VENVS: '/v', XIM_REGISTRY: 'r', XIM_TMP: '/t', OTHER: 'x' };
  const args = toRunArgs(IMAGE, readSettings(env), {});
  expect(args.filter((arg) => arg.startsWith('--env'))).toEqual(['--env=XIM_API_KEYS', '--env=XIM_SLOTS']);
  expect(args.join(' ')).not.toContain('secret');
});

it('mounts a model cache of this machine, for reading where nothing may be fetched', () => {
  const more = { modelCache: '/data/models', port: '9000' };
  expect(toRunArgs(IMAGE, readSettings({}), more)).toContain('--volume=/data/models:/models');
  const offline = toRunArgs(IMAGE, readSettings({ XIM_OFFLINE: '1' }), more);
  expect(offline).toContain('--volume=/data/models:/models:ro');
  expect(offline).toContain('--publish=127.0.0.1:9000:8000');
});

it('listens on this machine alone where the container has its network', () => {
  const args = toRunArgs(IMAGE, readSettings({ XIM_DOCKER_RUN_ARGS: ' --network=host  --cpus=2' }), { port: '9000' });
  expect(args).toEqual(expect.arrayContaining(['--env=XIM_HOST=127.0.0.1', '--env=XIM_PORT=9000', '--cpus=2']));
  expect(args.filter((arg) => arg.startsWith('--publish'))).toEqual([]);
});
