import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeArguments } from './docker-args.ts';
import { pushImage } from './docker-push.ts';
import { type Image, readImage, readRevision, ROOT } from './image.ts';
import { readSettings } from './settings.ts';

/**
 * A `docker` that records its calls and gives the answers of a test. The script that the targets replace cleaned
 * nothing, matched parts of names, succeeded without Docker, built bases too late, pushed everything as `latest` and
 * left tokens in layers (for that one see tools/images/e2e).
 */
const FAKE = `#!/usr/bin/env node
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const args = process.argv.slice(2);
appendFileSync(__dirname + '/calls', args.join(' ') + '\\n');
const answers = JSON.parse(readFileSync(__dirname + '/answers.json', 'utf8'));
const key = Object.keys(answers).find((part) => args.join(' ').includes(part));
const inspected = readFileSync(__dirname + '/inspected.json', 'utf8');
const answer = answers[key] ?? { text: args.includes('--format={{json .}}') ? inspected : 'sha256:0000' };
if (answer.error) { process.stderr.write(answer.error); process.exit(1); }
if (/--format|images --filter/.test(args.join(' '))) process.stdout.write(answer.text);
`;

const revision = readRevision();

describe('image targets', { timeout: 120_000 }, () => {
  let work: string;
  let image: Image;
  const calls = () => (existsSync(join(work, 'calls')) ? readFileSync(join(work, 'calls'), 'utf8').split('\n') : []);
  const called = (part: string) => calls().filter((line) => line.includes(part));
  const answer = (answers: Record<string, { text?: string; error?: string }>) =>
    writeFileSync(join(work, 'answers.json'), JSON.stringify(answers));

  /** The answer of the engine about the last image. */
  const built = (version: string, revision: string) => {
    const labels = { version, revision };
    const Labels = Object.fromEntries(
      Object.entries(labels).map(([name, value]) => [`org.opencontainers.image.${name}`, value]),
    );
    const inspected = { Id: 'sha256:0000', Config: { Labels }, RootFS: { Layers: [] }, RepoDigests: ['a@sha256:0000'] };
    writeFileSync(join(work, 'inspected.json'), JSON.stringify(inspected));
  };

  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), 'xim-images-'));
    writeFileSync(join(work, 'package.json'), '{ "type": "commonjs" }');
    writeFileSync(join(work, 'docker'), FAKE);
    chmodSync(join(work, 'docker'), 0o755);
    answer({});
    vi.stubEnv('PATH', `${work}:${process.env['PATH']}`);
    vi.spyOn(console, 'log').mockImplementation(() => {});
    image = { ...readImage('apps/chat'), version: '1.0.0', notes: join(work, 'notes') };
    mkdirSync(image.notes);
    writeFileSync(join(image.notes, 'build.json'), '{"containerimage.digest":"sha256:0000"}');
    built('1.0.0', revision);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(work, { recursive: true });
  });

  const NOT_THERE = { error: 'ERROR: r.example/chat:1.0.0: not found' };
  const settings = readSettings({ XIM_REGISTRY: 'r.example/' });

  it('a build without its base fails, and says how to get it', () => {
    answer({ '{{.Id}} xim-oneapi': { error: 'No such image' } });
    expect(() => writeArguments(image, { embedded: false }, settings)).toThrow('npx nx run xim-oneapi:docker-build');
    expect(existsSync(join(image.notes, 'build.env'))).toBe(false);
  });

  it('a base keeps one tag by its digest, which no other build moves', () => {
    answer({ 'image ls': { text: 'xim-oneapi:sha256-1111\nxim-oneapi:sha256-0000' } });
    writeArguments(image, { embedded: false }, settings);
    expect(readFileSync(join(image.notes, 'build.env'), 'utf8')).toContain(
      '--build-arg=ENGINE_IMAGE=xim-oneapi:sha256-0000',
    );
    expect([...called('tag '), ...called('image rm')]).toEqual([
      'tag sha256:0000 xim-oneapi:sha256-0000',
      'image rm xim-oneapi:sha256-1111',
    ]);
  });

  it.each(['docker-args', 'docker-push', 'sbom'])('%s without Docker fails, and says so', (tool) => {
    const env = { PATH: work, XIM_REGISTRY: 'r.example' };
    rmSync(join(work, 'docker'));
    const args = ['--import=tsx', `tools/images/${tool}.ts`, 'apps/chat'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/docker could not be started.*Install Docker|is not built: run/);
    expect(stderr).not.toContain('    at ');
  });

  it('Docker that fails is a failure, in its own words', async () => {
    answer({ 'imagetools inspect': { error: 'dial tcp: connection refused' } });
    await expect(pushImage(image, [], settings)).rejects.toThrow(/connection refused/);
    expect(called('push --quiet')).toEqual([]);
  });

  it('pushes the version and the commit, and latest only when asked', async () => {
    answer({ 'imagetools inspect': NOT_THERE });
    await expect(pushImage(image, [], settings)).rejects.toThrow('the registry does not have it');
    expect(called('push ')).toEqual([
      'push r.example/chat:1.0.0 --quiet',
      `push --quiet r.example/chat:sha-${revision}`,
    ]);
    await expect(pushImage(image, ['--latest'], settings)).rejects.toThrow();
    expect(called('push ')).toContain('push --quiet r.example/chat:latest');
  });

  it('a version that has another content is never pushed over', async () => {
    answer({ 'imagetools inspect': { text: '{"digest":"sha256:1111"}' } });
    await expect(pushImage(image, [], settings)).rejects.toThrow(
      /r\.example\/chat:1\.0\.0 exists, with another content/,
    );
    expect([...called('push --quiet'), ...called('tag ')]).toEqual([]);
  });

  it.each<[string, () => void, string]>([
    ['another build', () => answer({ '{{.Id}}': { text: 'sha256:2222' } }), 'is not what is called apps-chat'],
    ['another version', () => built('0.9.0', revision), 'has the version 0.9.0, and apps/chat/package.json 1.0.0'],
    ['another commit', () => built('1.0.0', 'abc'), `was built at the commit abc, and this is ${revision}`],
  ])('%s is not pushed', async (_, change, sentence) => {
    change();
    await expect(pushImage(image, [], settings)).rejects.toThrow(`${sentence}: run "npx nx run chat:docker-build"`);
    expect(called('push ')).toEqual([]);
  });

  it('the default registry is told and nothing is pushed, unless it is set or --yes is said', async () => {
    const unset = readSettings({});
    await expect(pushImage(image, [], unset)).rejects.toThrow(
      /Nothing was pushed.*ccr-registry\.caas\.intel\.com\/opea-xim\/chat:1\.0\.0/,
    );
    expect(calls()).toEqual([]);
    answer({ 'imagetools inspect': NOT_THERE });
    await expect(pushImage(image, ['--yes'], unset)).rejects.toThrow('the registry does not have it');
    expect(called('push ccr-registry.caas.intel.com/opea-xim/chat:1.0.0 --quiet')).toHaveLength(1);
  });

  it.each([
    ['--dry-run', ['--dry-run'], {}],
    ['a dry release', [], { NX_DRY_RUN: 'true' }],
  ])('%s calls nothing', async (_, args, env) => {
    await pushImage(image, args, readSettings({ XIM_REGISTRY: 'r.example', ...env }));
    expect(calls()).toEqual([]);
    expect(vi.mocked(console.log).mock.calls.join()).toContain('Would push');
  });

  it.each<[string, string[], object, string]>([
    ['an argument that nobody knows', ['--lates'], {}, 'docker-push does not know the argument "--lates"'],
    ['a name that Nx would take', [], { NX_DOCKER_IMAGE_REF: 'r/x:1' }, 'NX_DOCKER_IMAGE_REF names another image'],
  ])('%s is refused', async (_, args, env, sentence) => {
    const more = readSettings({ XIM_REGISTRY: 'r.example', ...env });
    await expect(pushImage(image, args, more)).rejects.toThrow(sentence);
    expect(calls()).toEqual([]);
  });
});
