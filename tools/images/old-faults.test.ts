import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildImage } from './docker-build.ts';
import { pushImage } from './docker-push.ts';
import { type Built, type Image, readImage, ROOT, writeNote } from './image.ts';
import { readSettings } from './settings.ts';

/**
 * A `docker` that notes how it was called and answers what a test wants. The script that the targets replace cleaned
 * nothing, matched parts of names, succeeded without Docker, built bases too late, pushed everything as `latest` and
 * left tokens in layers (for that one see tools/containers).
 */
const FAKE = `#!/usr/bin/env node
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const args = process.argv.slice(2);
appendFileSync(__dirname + '/calls', args.join(' ') + '\\n');
const answers = JSON.parse(readFileSync(__dirname + '/answers.json', 'utf8'));
const key = Object.keys(answers).find((part) => args.join(' ').includes(part));
const answer = answers[key] ?? { text: 'sha256:0000' };
if (answer.error) { process.stderr.write(answer.error); process.exit(1); }
if (args.join(' ').includes('--format')) process.stdout.write(answer.text);
`;

describe('image targets', { timeout: 120_000 }, () => {
  let work: string;
  let image: Image;
  const calls = () => (existsSync(join(work, 'calls')) ? readFileSync(join(work, 'calls'), 'utf8').split('\n') : []);
  const called = (part: string) => calls().filter((line) => line.includes(part));
  const answer = (answers: Record<string, { text?: string; error?: string }>) =>
    writeFileSync(join(work, 'answers.json'), JSON.stringify(answers));

  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), 'xim-images-'));
    writeFileSync(join(work, 'package.json'), '{ "type": "commonjs" }');
    writeFileSync(join(work, 'docker'), FAKE);
    chmodSync(join(work, 'docker'), 0o755);
    answer({});
    vi.stubEnv('PATH', `${work}:${process.env['PATH']}`);
    vi.spyOn(console, 'log').mockImplementation(() => {});
    image = { ...readImage('apps/chat'), version: '1.0.0', notes: join(work, 'notes') };
    const built: Built = { version: '1.0.0', revision: 'abc', id: 'sha256:0000', layers: '' };
    writeNote(image, 'image.json', built);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(work, { recursive: true });
  });

  const NOT_THERE = { error: 'ERROR: r.example/chat:1.0.0: not found' };
  const settings = readSettings({ XIM_REGISTRY: 'r.example/' });

  it('a clean build is one: --no-cache reaches Docker', () => {
    buildImage(image, ['--no-cache'], readSettings({ XIM_DOCKER_BUILD_ARGS: '--network=host' }));
    expect(called('build ')[0]).toMatch(/--network=host .*--no-cache .*apps\/chat$/);
  });

  it('a build without its base fails, and says how to get it', () => {
    answer({ '{{.Id}} xim-oneapi': { error: 'No such image' } });
    expect(() => buildImage(image, [], settings)).toThrow('npx nx run xim-oneapi:docker-build');
    expect(called('build ')).toEqual([]);
  });

  it.each(['docker-build', 'docker-push', 'docker-run'])('%s without Docker fails, and says so', (tool) => {
    const env = { PATH: work, XIM_REGISTRY: 'r.example' };
    rmSync(join(work, 'docker'));
    const args = ['--import=tsx', `tools/images/${tool}.ts`, 'xim/oneapi'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/docker could not be started.*Install Docker|is not built: run/);
    expect(stderr).not.toContain('    at ');
  });

  it('Docker that fails is a failure, in its own words', () => {
    answer({ 'imagetools inspect': { error: 'dial tcp: connection refused' } });
    expect(() => pushImage(image, [], settings)).toThrow(/connection refused/);
    expect(called('push --quiet')).toEqual([]);
  });

  it('pushes the version and the commit, and latest only when asked', () => {
    answer({ 'imagetools inspect': NOT_THERE });
    expect(() => pushImage(image, [], settings)).toThrow('the registry does not have it');
    expect(called('push ')).toEqual(['push --quiet r.example/chat:1.0.0', 'push --quiet r.example/chat:sha-abc']);
    expect(() => pushImage(image, ['--latest'], settings)).toThrow();
    expect(called('push ')).toContain('push --quiet r.example/chat:latest');
  });

  it('a version that has another content is never pushed over', () => {
    answer({ 'imagetools inspect': { text: '{"digest":"sha256:1111"}' }, RepoDigests: { text: '["a@sha256:0000"]' } });
    expect(() => pushImage(image, [], settings)).toThrow(/r\.example\/chat:1\.0\.0 exists, with another content/);
    expect([...called('push --quiet'), ...called('tag ')]).toEqual([]);
  });

  it('what was built is what is pushed', () => {
    answer({ '{{.Id}}': { text: 'sha256:2222' } });
    expect(() => pushImage(image, [], settings)).toThrow('is not what was built');
  });

  it('the default registry is told and nothing is pushed, unless it is set or --yes is said', () => {
    const unset = readSettings({});
    expect(() => pushImage(image, [], unset)).toThrow(
      /Nothing was pushed.*ccr-registry\.caas\.intel\.com\/opea-xim\/chat:1\.0\.0/,
    );
    expect(calls()).toEqual([]);
    answer({ 'imagetools inspect': NOT_THERE });
    expect(() => pushImage(image, ['--yes'], unset)).toThrow('the registry does not have it');
    expect(called('push --quiet ccr-registry.caas.intel.com/opea-xim/chat:1.0.0')).toHaveLength(1);
  });

  it.each([
    ['--dry-run', ['--dry-run'], {}],
    ['a dry release', [], { NX_DRY_RUN: 'true' }],
  ])('%s calls nothing', (_, args, env) => {
    pushImage(image, args, readSettings({ XIM_REGISTRY: 'r.example', ...env }));
    expect(calls()).toEqual([]);
    expect(vi.mocked(console.log).mock.calls.join()).toContain('Would push');
  });

  it('an argument that nobody knows is refused', () => {
    expect(() => pushImage(image, ['--lates'], settings)).toThrow('docker-push does not know "--lates"');
  });
});
