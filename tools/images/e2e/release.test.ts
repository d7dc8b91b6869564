import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkOut, foldersOnPyTorch } from './checkout.ts';
import { ask, type Container, startContainer } from './service.ts';
import { docker, freePort, readDockerHost, SKIPPED, startNpmRegistry, untilReady } from './docker-host.ts';

const MINUTE = 60_000;
const dockerHost = readDockerHost();

/** From a clone to services that answer: everything is released, and then used as by a user. */
describe('a release', { timeout: 10 * MINUTE }, () => {
  const work = mkdtempSync(join(tmpdir(), 'xim-release-'));
  const clone = join(work, 'clone');
  // Tests share a registry with those of yesterday.
  const registry = `${dockerHost?.registry}/t${Date.now().toString(36)}`;
  let npm: Awaited<ReturnType<typeof startNpmRegistry>>;
  let env: NodeJS.ProcessEnv;

  const run = async (program: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) => {
    const all = { cwd: clone, env, maxBuffer: 2 ** 28, ...options };
    return promisify(execFile)(program, args, all).then(
      ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        code: error.code,
        output: `${error.stdout}${error.stderr}`,
      }),
    );
  };
  const git = (...args: string[]) => execFileSync('git', args, { cwd: clone, encoding: 'utf8' }).trim();
  const tool = (name: string, ...args: string[]) => run('node_modules/.bin/tsx', [`tools/images/${name}.ts`, ...args]);
  const pushed = (name: string): { reference: string } =>
    JSON.parse(readFileSync(join(clone, 'dist/images', name, 'pushed.json'), 'utf8'));
  const manifest = (reference: string) =>
    JSON.parse(docker(['buildx', 'imagetools', 'inspect', '--format={{json .Manifest}}', reference])).digest as string;

  beforeAll(async () => {
    if (!dockerHost) return;
    docker(['version']); // a named engine that does not answer is a failure
    mkdirSync(clone);
    // Builds of PyTorch for CPUs are gigabytes, on an index that many networks do not reach.
    checkOut(clone, foldersOnPyTorch());
    npm = await startNpmRegistry();
    const own = Object.entries(process.env).filter(
      ([name]) => !/^(XIM_(VENVS|MODEL_CACHE)|NX_DRY_RUN|VITEST.*)$/.test(name),
    );
    env = {
      ...Object.fromEntries(own),
      ...{
        XIM_REGISTRY: registry,
        XIM_COSIGN_KEY: join(work, 'test.key'),
        XIM_COSIGN_TLOG: '0',
        COSIGN_PASSWORD: 'test',
      },
      NPM_CONFIG_USERCONFIG: join(work, 'npmrc'),
    };
    // The registry needs no login, but npm refuses to publish without a token.
    const user = execFileSync('npm', ['config', 'get', 'userconfig'], { encoding: 'utf8' }).trim();
    const settings = existsSync(user) ? readFileSync(user, 'utf8') : '';
    writeFileSync(join(work, 'npmrc'), `${settings}\n${npm.url.replace('http:', '')}:_authToken=anybody\n`);
    for (const name of ['test', 'other'])
      await run('cosign', ['generate-key-pair', `--output-key-prefix=${join(work, name)}`]);
  }, 5 * MINUTE);
  beforeEach((context) => context.skip(!dockerHost, SKIPPED));
  afterAll(async () => {
    await npm?.stop();
    if (dockerHost) {
      const names = docker(['images', '--format={{.Repository}}:{{.Tag}}', `--filter=reference=${registry}/*`]);
      const tagged = names.split('\n').filter((name) => name && !name.includes('<none>'));
      if (tagged.length > 0) docker(['image', 'rm', '--force', ...tagged]);
    }
    rmSync(work, { recursive: true, force: true });
  }, 5 * MINUTE);

  it('only tells what it would do, unless it is told to publish', async () => {
    const { code, output } = await run('npm', ['run', 'release', '--', '--first-release', `--registry=${npm.url}`]);
    expect(code, output).toBe(0);
    expect(output).toContain(`${registry}/chat`);
    expect(git('status', '--porcelain')).toBe('');
    expect(git('tag')).toBe('');
    expect((await fetch(`${npm.url}@xim%2fserver`)).status).toBe(404);
    expect(() => manifest(`${registry}/chat:0.1.0`)).toThrow(/not found/);
  });

  it('publishes every package and every image without PyTorch, each under its own version', async () => {
    const args = ['tools/release.mjs', '--publish', '--first-release', `--registry=${npm.url}`];
    const { code, output } = await run(process.execPath, args);
    expect(code, output.slice(-10_000)).toBe(0);
    expect(git('log', '-1', '--format=%s')).toMatch(/^chore\(release\)/);
    expect(git('tag').split('\n')).toEqual(
      expect.arrayContaining(['chat@0.1.1', 'xim-oneapi@0.1.1', '@xim/server@0.1.1']),
    );
    expect(readFileSync(join(clone, 'apps/chat/CHANGELOG.md'), 'utf8')).toContain('## 0.1.1');
    expect(git('status', '--porcelain')).toBe('');
  });

  it('tags an image with its version and its commit, and nothing as latest', () => {
    const { reference } = pushed('chat');
    const commit = git('rev-parse', '--short=12', 'HEAD');
    expect(reference).toMatch(new RegExp(`^${registry}/chat@sha256:[0-9a-f]{64}$`));
    for (const tag of ['0.1.1', `sha-${commit}`])
      expect(`${registry}/chat@${manifest(`${registry}/chat:${tag}`)}`).toBe(reference);
    expect(() => manifest(`${registry}/chat:latest`)).toThrow(/not found/);
  });

  it('says in an image what it is, and on which base it stands', () => {
    const labels = (name: string) =>
      JSON.parse(docker(['image', 'inspect', '--format={{json .Config.Labels}}', pushed(name).reference]));
    expect(labels('xim-oneapi')).toMatchObject({
      'org.opencontainers.image.base.name': 'xim-base',
      'org.opencontainers.image.base.digest': pushed('xim-base').reference.split('@')[1],
    });
    expect(labels('chat')).toMatchObject({
      'org.opencontainers.image.version': '0.1.1',
      'org.opencontainers.image.revision': git('rev-parse', '--short=12', 'HEAD'),
      'org.opencontainers.image.base.name': 'xim-oneapi',
      'org.opencontainers.image.base.digest': pushed('xim-oneapi').reference.split('@')[1],
      'org.opencontainers.image.licenses': expect.stringMatching(/Apache-2\.0.* MIT/),
    });
  });

  it('is signed, with its contents listed, by this key and no other', async () => {
    const { reference } = pushed('chat');
    const verify = (key: string, ...what: string[]) =>
      run('cosign', [
        ...what,
        `--key=${join(work, key)}.pub`,
        '--insecure-ignore-tlog=true',
        '--allow-insecure-registry',
        reference,
      ]);
    expect((await verify('test', 'verify')).code).toBe(0);
    expect((await verify('other', 'verify')).code).not.toBe(0);
    const attested = await verify('test', 'verify-attestation', '--type=cyclonedx');
    expect(attested.code).toBe(0);
    const line = attested.output.split('\n').find((one) => one.startsWith('{'))!;
    const sbom = Buffer.from(JSON.parse(line).payload, 'base64').toString();
    for (const part of ['pkg:pypi/openvino@', 'pkg:npm/fastify@', 'pkg:deb/debian/tini@']) expect(sbom).toContain(part);
  });

  it('keeps sizes within their budgets', async () => {
    for (const image of ['apps/chat', 'apps/embedding', 'apps/speech', 'apps/whisperx', 'xim/base', 'xim/oneapi']) {
      const { code, output } = await tool('image-size', image);
      expect(code, output).toBe(0);
    }
  });

  it('is pushed once: again is nothing new, and other content is refused', async () => {
    const before = pushed('chat').reference;
    const again = await tool('docker-push', 'apps/chat');
    expect(again.output).toContain(before);
    const build = ['run', 'chat:docker-build', '--label=changed=yes'];
    expect((await run('node_modules/.bin/nx', build)).code).toBe(0);
    const changed = await tool('docker-push', 'apps/chat');
    expect(changed.code).toBe(1);
    expect(changed.output).toContain('exists, with another content');
    expect(`${registry}/chat@${manifest(`${registry}/chat:0.1.1`)}`).toBe(before);
  });

  it('speaks and transcribes, each from its published image', async () => {
    const models = process.env['XIM_MODEL_CACHE']!;
    const args = [`--volume=${models}:/models:ro`, '--env=XIM_OFFLINE=1'];
    const containers: Container[] = [];
    try {
      for (const name of ['speech', 'whisperx']) {
        const { reference } = pushed(name);
        docker(['pull', '--quiet', reference]);
        containers.push(await startContainer(reference, { args }));
      }
      const [speech, whisperx] = containers as [Container, Container];
      const input = 'The quick brown fox jumps over the lazy dog.';
      const spoken = await fetch(`${speech.origin}/v1/audio/speech`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'tts-1', voice: 'alloy', input }),
      });
      expect(spoken.status).toBe(200);
      const form = new FormData();
      form.append('model', 'whisper-1');
      form.append('file', await spoken.blob(), 'fox.mp3');
      const heard = await fetch(`${whisperx.origin}/v1/audio/transcriptions`, { method: 'POST', body: form });
      expect(heard.status).toBe(200);
      expect(((await heard.json()) as { text: string }).text).toBe(input);
    } finally {
      for (const container of containers) container.remove();
    }
  });

  it('serves from its npm packages, in a folder with nothing else', async () => {
    const folder = join(work, 'npm');
    mkdirSync(folder);
    writeFileSync(join(folder, '.npmrc'), `@xim:registry=${npm.url}\nignore-scripts=true\n`);
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
    writeFileSync(
      join(folder, 'main.js'),
      `import { writeFileSync } from 'node:fs';
      import { echo, echoModel } from '@xim/engine-echo';
      import { chatCompletions, defineService, serve } from '@xim/server';
      const models = new URL('models.json', import.meta.url);
      writeFileSync(models, JSON.stringify({ lockVersion: 1, models: { main: echoModel('generate', { rate: 0 }) } }));
      await serve(defineService({ name: 'echo', task: 'generate', engines: [echo], models, routes: [chatCompletions] }));`,
    );
    const install = await run('npm', ['install', '--no-audit', '--no-fund', '@xim/server', '@xim/engine-echo'], {
      cwd: folder,
    });
    expect(install.code, install.output).toBe(0);
    expect(JSON.parse(readFileSync(join(folder, 'node_modules/@xim/server/package.json'), 'utf8')).version).toBe(
      '0.1.1',
    );
    expect(existsSync(join(folder, 'node_modules/@xim/engine-oneapi'))).toBe(false);

    const port = await freePort();
    const own = {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, XIM_PORT: `${port}`, XIM_MODEL_CACHE: folder },
      // The wheels do not come from npm.
      XIM_VENVS: process.env['XIM_VENVS'],
    };
    const service = spawn(process.execPath, ['main.js'], { cwd: folder, env: own, stdio: 'ignore' });
    const closed = once(service, 'close');
    try {
      const origin = `http://127.0.0.1:${port}`;
      await untilReady(`${origin}/health/ready`, () => 'the service from npm did not start');
      const body = { model: 'xim/echo-generate', messages: [{ role: 'user', content: 'hello' }] };
      const answer = await fetch(`${origin}/v1/chat/completions`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      });
      expect(answer.status).toBe(200);
    } finally {
      service.kill();
      await closed;
    }
  });

  describe('pulled by its digest into an engine that has nothing', () => {
    let container: Container;
    let host: NodeJS.ProcessEnv;
    const inside = (...command: string[]) => docker(['exec', container.id, ...command], host);

    beforeAll(async () => {
      if (!dockerHost) return;
      const { reference } = pushed('chat');
      host = dockerHost.secondHost ? { DOCKER_HOST: dockerHost.secondHost } : {};
      if (dockerHost.secondHost) expect(docker(['images', '--quiet'], host)).toBe('');
      docker(['pull', '--quiet', reference], host);
      const models = process.env['XIM_MODEL_CACHE']!;
      const args = [`--volume=${models}:/models:ro`, '--env=XIM_OFFLINE=1'];
      container = await startContainer(reference, { args, env: host });
    }, 5 * MINUTE);
    afterAll(() => {
      container?.remove();
      if (dockerHost?.secondHost) docker(['image', 'rm', '--force', pushed('chat').reference], host);
    }, 5 * MINUTE);

    it('answers', async () => {
      expect(await ask(container.origin, 'Tell me about the sea.')).toMatch(/\w+ \w+/);
    });

    it('runs as nobody in particular, and can write to its own temporary folder only', () => {
      expect(inside('id', '-u')).toBe('1000');
      for (const place of ['/app/x', '/models/x', '/tmp/x', '/opt/xim/x'])
        expect(() => inside('touch', place)).toThrow(/Read-only|denied/);
      inside('touch', '/var/tmp/xim/x');
      expect(inside('sh', '-c', 'grep ^CapEff /proc/1/status')).toMatch(/^CapEff:\s0+$/);
    });

    it('has what serves, and nothing that builds or reports', () => {
      for (const program of ['npm', 'gcc', 'make', 'git', 'curl'])
        expect(() => inside('sh', '-c', `command -v ${program}`), program).toThrow();
      const wheels = inside('sh', '-c', 'cd /opt/xim/venvs/*/lib/python3*/site-packages && find . -maxdepth 3');
      expect(wheels).toContain('libopenvino_intel_cpu_plugin.so');
      expect(wheels.split('\n').filter((path) => /intel_(gpu|npu)_plugin|telemetry|setuptools/.test(path))).toEqual([]);
      expect(inside('sh', '-c', 'ls /opt/xim/venvs/*/lib/python3*/site-packages/openvino/__pycache__')).toMatch(
        /\.pyc/,
      );
      expect(inside('cat', '/licences/NOTICE')).toMatch(/^npm\/fastify@.*MIT/m);
    });

    it('is healthy by its own account', async () => {
      const health = () => docker(['inspect', '--format={{.State.Health.Status}}', container.id], host);
      await expect.poll(health, { timeout: MINUTE, interval: 500 }).toBe('healthy');
    });

    it('answers what runs when it is told to stop, and ends with 0', async () => {
      const running = ask(container.origin, 'Count to one hundred.', 200);
      const metrics = () => fetch(`${container.origin}/metrics`).then((answer) => answer.text());
      await expect.poll(metrics, { timeout: MINUTE, interval: 20 }).toMatch(/^xim_running_sequences\{.*\} 1$/m);
      const stopped = run('docker', ['stop', '--time=60', container.id], { env: { ...env, ...host } });
      expect((await running).length).toBeGreaterThan(0);
      expect((await stopped).code).toBe(0);
      expect(docker(['inspect', '--format={{.State.ExitCode}}', container.id], host)).toBe('0');
    });
  });
});
