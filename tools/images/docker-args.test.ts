import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toBuildArgs, toRunArgs, writeArguments } from './docker-args.ts';
import { readImage } from './image.ts';
import { readSettings } from './settings.ts';

it('a build names its base by content, and says in labels what it is', () => {
  const base = { arg: 'ENGINE_IMAGE', name: 'xim-oneapi', digest: 'sha256:00', reference: 'xim-oneapi:sha256-00' };
  const image = { ...readImage('apps/chat'), version: '1.2.3' };
  const args = toBuildArgs(image, { base, revision: 'abc' });
  expect(args).toEqual(
    expect.arrayContaining([
      '--tag=opea-xim/chat:1.2.3',
      '--build-arg=ENGINE_IMAGE=xim-oneapi:sha256-00',
      '--label=org.opencontainers.image.base.digest=sha256:00',
      '--label=org.opencontainers.image.revision=abc',
      '--label=org.opencontainers.image.version=1.2.3',
    ]),
  );
  expect(
    args.filter((arg) => /\s/.test(arg)),
    'a shell splits them at spaces',
  ).toEqual([]);
});

it('arguments are in a file that Nx reads, a description with an apostrophe included', () => {
  const notes = mkdtempSync(join(tmpdir(), 'xim-args-'));
  try {
    const image = { ...readImage('xim/base'), notes, description: "Node.js for XIM's services" };
    writeArguments(image, { embedded: false }, readSettings({}));
    expect(readFileSync(join(notes, 'build.env'), 'utf8')).toMatch(
      /^XIM_IMAGE_DESCRIPTION=`Node\.js for XIM's services`\nXIM_IMAGE_ARGS='--tag=xim-base:latest [^']*'\n$/,
    );
    expect(() => writeArguments({ ...image, description: '$HOME' }, { embedded: false }, readSettings({}))).toThrow(
      'XIM_IMAGE_DESCRIPTION would be "$HOME". It must not hold $',
    );
  } finally {
    rmSync(notes, { recursive: true });
  }
});

it('publishes on this machine alone, confined, with the weights in a volume', () => {
  expect(toRunArgs(readSettings({}), {})).toEqual({
    args: [
      ...['--rm', '--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--pids-limit=512'],
      '--publish=127.0.0.1:8000:8000',
    ],
    volume: 'xim-models:/models',
  });
});

it('never hides the weights of an image that has them', () => {
  const settings = readSettings({ XIM_OFFLINE: '1' });
  expect(toRunArgs(settings, { modelCache: '/data/models', embedded: true }).volume).toBe('/models');
});

it('takes the settings of a service along by name, and keeps those of this machine', () => {
  const env = {
    XIM_IMAGE_ARGS: 'x',
    XIM_API_KEYS: 'secret',
    XIM_SLOTS: '2',
    XIM_VENVS: '/v',
    XIM_REGISTRY: 'r',
    XIM_TMP: '/t',
    OTHER: 'x',
  };
  const { args } = toRunArgs(readSettings(env), {});
  expect(args.filter((arg) => arg.startsWith('--env'))).toEqual(['--env=XIM_API_KEYS', '--env=XIM_SLOTS']);
  expect(args.join(' ')).not.toContain('secret');
});

it('mounts a model cache of this machine, for reading where nothing may be fetched', () => {
  const more = { modelCache: '/data/models', port: '9000' };
  expect(toRunArgs(readSettings({}), more).volume).toBe('/data/models:/models');
  const offline = toRunArgs(readSettings({ XIM_OFFLINE: '1' }), more);
  expect(offline.volume).toBe('/data/models:/models:ro');
  expect(offline.args).toContain('--publish=127.0.0.1:9000:8000');
});

it('listens on this machine alone where the container has its network', () => {
  const { args } = toRunArgs(readSettings({ XIM_DOCKER_RUN_ARGS: ' --network=host  --cpus=2' }), { port: '9000' });
  expect(args).toEqual(expect.arrayContaining(['--env=XIM_HOST=127.0.0.1', '--env=XIM_PORT=9000']));
  expect(args.filter((arg) => arg.startsWith('--publish'))).toEqual([]);
});
