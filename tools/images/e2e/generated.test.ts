import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkOut, ROOT } from './checkout.ts';
import { startContainer } from './service.ts';
import { docker, readDockerHost, SKIPPED } from './docker-host.ts';

const MINUTE = 60_000;
const dockerHost = readDockerHost();

/** A small wheel without dependencies, under a licence of xim/licences.json, that no engine brings. */
const OWN_WHEEL = 'webcolors==25.10.0 --hash=sha256:032c727334856fc0b968f63daa252a1ac93d33db2f5267756623c210e57a4f1d\n';

describe('a service that the generator makes', { timeout: 10 * MINUTE }, () => {
  let clone = '';
  const registry = `${dockerHost?.registry}/g${Date.now().toString(36)}`;
  const nx = async (...args: string[]): Promise<string> => {
    const kept = Object.entries(process.env).filter(([name]) => !/^(VITEST|NX_|XIM_(VENVS|MODEL_CACHE)$)/.test(name));
    const alone = { NX_NO_CLOUD: 'true', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };
    const env = { ...Object.fromEntries(kept), ...alone, XIM_REGISTRY: registry };
    const options = { cwd: clone, env, maxBuffer: 2 ** 28 };
    return promisify(execFile)('node_modules/.bin/nx', args, options).then(
      ({ stdout, stderr }) => stdout + stderr,
      ({ stdout, stderr }: { stdout: string; stderr: string }) => {
        throw new Error(`nx ${args.join(' ')}\n${stdout}${stderr}`);
      },
    );
  };

  beforeAll(() => {
    if (!dockerHost) return;
    docker(['version']);
    mkdirSync(join(ROOT, '.xim'), { recursive: true });
    clone = mkdtempSync(join(ROOT, '.xim/image-'));
    checkOut(clone);
    // The generator asks npm for a new lock file, and npm must not write into the packages that all others use.
    const packages = join(clone, 'node_modules');
    rmSync(packages, { recursive: true });
    execFileSync('cp', ['-al', join(ROOT, 'node_modules'), packages]);
    const record = join(packages, '.package-lock.json');
    rmSync(record);
    cpSync(join(ROOT, 'node_modules/.package-lock.json'), record);
  }, 5 * MINUTE);
  beforeEach((context) => context.skip(!dockerHost, SKIPPED));
  afterAll(() => {
    if (!clone) return;
    rmSync(clone, { recursive: true, force: true });
    const built = docker([
      'images',
      '--quiet',
      '--filter=reference=*/my-embedder',
      '--filter=reference=*/*/*/my-embedder',
    ]);
    if (built) docker(['image', 'rm', '--force', ...new Set(built.split('\n'))]);
  }, 5 * MINUTE);

  it('is an image that answers, and is pushed, without another word', async () => {
    await nx('g', '@xim/nx:app', 'my-embedder', '--engine', 'oneapi', '--task', 'embed', '--wheels');
    writeFileSync(join(clone, 'apps/my-embedder/requirements.in'), 'webcolors\n');
    writeFileSync(join(clone, 'apps/my-embedder/requirements.lock'), OWN_WHEEL);
    await nx('run', 'my-embedder:docker-build');
    const models = process.env['XIM_MODEL_CACHE']!;
    const args = [`--volume=${models}:/models:ro`, '--env=XIM_OFFLINE=1'];
    const container = await startContainer('opea-xim/my-embedder', { args });
    try {
      const answer = await fetch(`${container.origin}/v1/embeddings`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'text-embedding-3-small', input: ['a quiet harbour', 'a loud market'] }),
      });
      const { data } = (await answer.json()) as { data: { embedding: number[] }[] };
      expect(data.map(({ embedding }) => embedding.length)).toEqual([384, 384]);
      const code = 'import openvino, webcolors; print(webcolors.__file__)';
      const python = ['exec', container.id, '/opt/xim/venvs/oneapi/bin/python', '-c', code];
      expect(docker(python)).toMatch(/^\/opt\/xim\/venvs\/oneapi\/lib\//);
    } finally {
      container.remove();
    }
    // The image does not hold the wheels of the base a second time, and its list of licences has the new wheel.
    expect(await nx('run', 'my-embedder:image-size')).toMatch(/on top of xim-oneapi: \d\.\d MB unpacked/);
    await nx('run', 'my-embedder:licences');
    const notice = ['run', '--rm', '--network=none', '--entrypoint=cat', 'opea-xim/my-embedder', '/licences/NOTICE'];
    expect(docker(notice)).toMatch(/^pypi\/webcolors@25\.10\.0: BSD-3-Clause$/m);
    expect(await nx('run', 'my-embedder:docker-push')).toMatch(/my-embedder\S*@?sha256:[0-9a-f]{64}/);
  });
});
