import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readImage } from '../image.ts';
import { checkOut, foldersOnPyTorch } from './checkout.ts';
import { docker, readDockerHost, SKIPPED } from './docker-host.ts';
import { findPyTorch, type PyTorch, toEngine } from './pytorch-wheel.ts';
import { startContainer } from './service.ts';

const MINUTE = 60_000;
const dockerHost = readDockerHost();

describe('the images on PyTorch', { timeout: 60 * MINUTE }, () => {
  const work = mkdtempSync(join(tmpdir(), 'xim-pytorch-'));
  const clone = join(work, 'clone');
  // Tests share a registry with those of yesterday.
  const registry = `${dockerHost?.registry}/p${Date.now().toString(36)}`;
  // xft.test.ts has those of xFasterTransformer.
  const folders = foldersOnPyTorch().filter((folder) => toEngine(folder) !== 'xft');
  const engines = [...new Set(folders.map(toEngine))];
  /** By engine. */
  const sources = new Map<string, PyTorch>();

  const nx = async (target: string, buildArgs = ''): Promise<string> => {
    const plain = { NX_NO_CLOUD: 'true', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };
    const kept = Object.entries(process.env).filter(([key]) => !/^(VITEST|NX_)/.test(key));
    const own = {
      XIM_REGISTRY: registry,
      XIM_DOCKER_BUILD_ARGS: `${process.env['XIM_DOCKER_BUILD_ARGS'] ?? ''} ${buildArgs}`,
    };
    const options = { cwd: clone, env: { ...Object.fromEntries(kept), ...plain, ...own }, maxBuffer: 2 ** 28 };
    return promisify(execFile)('node_modules/.bin/nx', ['run', target], options).then(
      ({ stdout, stderr }) => stdout + stderr,
      ({ stdout, stderr }: { stdout: string; stderr: string }) => {
        throw new Error(`nx run ${target}\n${stdout}${stderr}`);
      },
    );
  };

  beforeAll(async () => {
    if (!dockerHost) return;
    for (const engine of engines) sources.set(engine, await findPyTorch(engine, join(work, engine)));
    if ([...sources.values()].every((source) => 'reason' in source)) return;
    mkdirSync(clone);
    checkOut(clone);
  }, 10 * MINUTE);
  beforeEach((context) => context.skip(!dockerHost, SKIPPED));
  afterAll(() => {
    if (dockerHost) {
      const pushed = docker(['images', '--format={{.Repository}}@{{.Digest}}', `--filter=reference=${registry}/*`]);
      if (pushed) docker(['image', 'rm', '--force', ...pushed.split('\n')]);
    }
    rmSync(work, { recursive: true, force: true });
  }, 5 * MINUTE);

  it.for(folders)('%s is built, within its budget and under licences that were read', async (folder, context) => {
    const source = sources.get(toEngine(folder))!;
    if ('reason' in source) return context.skip(source.reason);
    const { kind, name } = readImage(folder);
    // As a release does: the target builds the image, and puts the notices into it.
    await nx(`${name}:${kind === 'app' ? 'licences' : 'docker-build'}`, source.args);
    await nx(`${name}:image-size`);
  });

  it('sd-ipex draws, as it is pulled from a registry, with nothing but its image', async (context) => {
    const source = sources.get('ipex')!;
    if ('reason' in source) return context.skip(source.reason);
    await nx('sd-ipex:docker-push');
    const { reference } = JSON.parse(readFileSync(join(clone, 'dist/images/sd-ipex/pushed.json'), 'utf8'));
    docker(['pull', '--quiet', reference]);
    const container = await startContainer(reference, { args: ['--volume=/models', '--env=XIM_OFFLINE=1'] });
    try {
      const answer = await fetch(`${container.origin}/v1/images/generations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-image-1', prompt: 'a large red square', seed: 1, size: '64x64' }),
      });
      expect(answer.status).toBe(200);
      const { data } = (await answer.json()) as { data: { b64_json: string }[] };
      const { width, height, bytes } = readPng(Buffer.from(data[0]!.b64_json, 'base64'));
      expect([width, height]).toEqual([64, 64]);
      expect(bytes.length, 'a byte for each row and three for each pixel').toBe(64 * (1 + 3 * 64));
      expect(new Set(bytes).size, 'values of a picture').toBeGreaterThan(50);
    } finally {
      container.remove();
    }
  });
});

/** The size and the filtered rows of a PNG. */
function readPng(png: Buffer): { width: number; height: number; bytes: Buffer } {
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20), bytes: inflateSync(Buffer.concat(parts)) };
}
