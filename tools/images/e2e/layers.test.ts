import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkOut } from './checkout.ts';
import { ask, startContainer } from './service.ts';
import { docker, readDockerHost, SKIPPED } from './docker-host.ts';

const MINUTE = 60_000;
const dockerHost = readDockerHost();

describe('what an image holds', { timeout: 10 * MINUTE }, () => {
  const work = mkdtempSync(join(tmpdir(), 'xim-layers-'));
  const clone = join(work, 'clone');
  const secret = `secret-${randomUUID()}`;
  const build = (target: string, args: string[], more: NodeJS.ProcessEnv) => {
    const alone = { NX_NO_CLOUD: 'true', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };
    const kept = Object.entries(process.env).filter(([name]) => !/^(VITEST|NX_)/.test(name));
    const options = { cwd: clone, env: { ...Object.fromEntries(kept), ...alone, ...more }, maxBuffer: 2 ** 28 };
    return promisify(execFile)('node_modules/.bin/nx', ['run', target, ...args], options);
  };

  beforeAll(async () => {
    if (!dockerHost) return;
    docker(['version']);
    mkdirSync(clone);
    checkOut(clone);
    await build('chat:docker-build', [], {});
  }, 10 * MINUTE);
  beforeEach((context) => context.skip(!dockerHost, SKIPPED));
  afterAll(() => rmSync(work, { recursive: true, force: true }), 5 * MINUTE);

  it('no token of whoever builds it, in whatever way it was given', async () => {
    const tokens = { HF_TOKEN: secret, HUGGING_FACE_HUB_TOKEN: secret, XIM_API_KEYS: secret, NPM_TOKEN: secret };
    const proxy = `http://user:${secret}@127.0.0.1:9`;
    const args = [
      `--build-arg=HTTPS_PROXY=${proxy}`,
      `--build-arg=http_proxy=${proxy}`,
      `--build-arg=hf_token=${secret}`,
    ];
    await build('chat:docker-build', ['--no-cache', ...args], tokens);
    expect(blobsWith(secret, 'opea-xim/chat')).toEqual([]);
    expect(blobsWith('swagger-ui-bundle', 'opea-xim/chat')).not.toEqual([]); // the search works
  });

  it('nothing of a build secret, in the stage that reads it', async () => {
    const conf = join(work, 'pip.conf');
    writeFileSync(conf, `[global]\nquiet = 0\n# ${secret}\n`);
    const args = [`--secret=id=pip,src=${conf}`, '--target=wheels', '--no-cache-filter=wheels', '--quiet'];
    const own = (process.env['XIM_DOCKER_BUILD_ARGS'] ?? '').split(' ').filter(Boolean);
    const tag = `xim-test-${randomUUID()}`;
    const command = [
      'build',
      ...own,
      ...args,
      '--provenance=false',
      `--tag=${tag}`,
      '--file=xim/oneapi/Dockerfile',
      '.',
    ];
    await promisify(execFile)('docker', command, { cwd: clone });
    try {
      expect(blobsWith(secret, tag)).toEqual([]);
    } finally {
      docker(['image', 'rm', tag]);
    }
  });

  it('the weights, when they are to be embedded: it serves without a volume and without a network', async () => {
    const env = { HF_TOKEN: secret };
    await build('chat:docker-build:embedded', ['--tag=xim-test-embedded'], env);
    const container = await startContainer('xim-test-embedded');
    try {
      expect(await ask(container.origin, 'Name a sea.')).not.toBe('');
      expect(docker(['exec', container.id, 'printenv', 'XIM_OFFLINE'])).toBe('1');
    } finally {
      container.remove();
      docker(['image', 'rm', '--force', 'xim-test-embedded']);
    }
    expect(blobsWith(secret, 'opea-xim/chat')).toEqual([]);
  });

  /** The parts of an image, layers unpacked, in which a text is. */
  function blobsWith(text: string, image: string): string[] {
    const folder = mkdtempSync(join(work, 'save-'));
    try {
      execFileSync('sh', ['-c', 'docker save "$1" | tar -x -C "$2"', 'sh', image, folder]);
      const search = 'gzip -dcf -- "$1" | grep -aFc -- "$2" || true';
      const count = (path: string) =>
        Number(execFileSync('sh', ['-c', search, 'sh', path, text], { encoding: 'utf8' }));
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => count(path) > 0)
        .map((path) => path.replace(folder, ''));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});
