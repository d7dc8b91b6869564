import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const ROOT = join(__dirname, '../../..');
const PATIENCE = 180_000;
const URL_LINE = /^(http:\S+)\/v1$/m;

const MAIN = `
import { echo } from '@xim/engine-echo';
import { chatCompletions, defineService, serve } from '@xim/server';

const models = new URL('../models.json', import.meta.url);
await serve(defineService({ name: 'echo', task: 'generate', engines: [echo], models, routes: [chatCompletions] }));
`;
const MODELS = `
import { echoModel } from '@xim/engine-echo';
console.log(JSON.stringify({ lockVersion: 1, models: { main: echoModel('generate', { rate: 0 }) } }));
`;
const fromSource = ['--conditions=@xim/source', '--import', 'tsx'];

/** The folder of a service that has only its own files: no package of the workspace is above it. */
const away = mkdtempSync(join(tmpdir(), 'xim-bundle-'));
const main = join(away, 'dist/main.js');

beforeAll(() => {
  // Built inside the workspace, whose packages it imports, but where neither Nx nor git look.
  mkdirSync(join(ROOT, 'node_modules/.cache'), { recursive: true });
  const app = mkdtempSync(join(ROOT, 'node_modules/.cache/xim-bundle-'));
  try {
    mkdirSync(join(app, 'src'));
    writeFileSync(join(app, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(app, 'src/main.ts'), MAIN);
    execFileSync('node_modules/.bin/tsx', ['tools/nx-xim/src/bundle-app.ts', app], { cwd: ROOT });
    cpSync(join(app, 'dist'), join(away, 'dist'), { recursive: true });
  } finally {
    rmSync(app, { recursive: true });
  }
  const args = [...fromSource, '--input-type=module', '--eval', MODELS];
  writeFileSync(join(away, 'models.json'), execFileSync(process.execPath, args, { cwd: ROOT }));
  writeFileSync(join(away, 'package.json'), '{ "type": "module" }');
}, PATIENCE);

afterAll(() => rmSync(away, { recursive: true }));

it('holds the bundle, the Python of the engines in it, and the files of the API page', () => {
  expect(readdirSync(join(away, 'dist')).sort()).toEqual([
    ...['main.cdx.json', 'main.js', 'main.js.LEGAL.txt', 'python', 'swagger-ui'],
  ]);
  expect(readdirSync(join(away, 'dist/python')).sort()).toEqual(['xim_engine_echo', 'xim_generation', 'xim_worker']);
  expect(readdirSync(join(away, 'dist/python/xim_worker'))).not.toContain('__pycache__');
});

it('lists the packages in it, with their licences', () => {
  const { components } = JSON.parse(readFileSync(join(away, 'dist/main.cdx.json'), 'utf8'));
  const fastify = components.find(({ name }: { name: string }) => name === 'fastify');
  expect(fastify).toMatchObject({ purl: `pkg:npm/fastify@${fastify.version}`, licenses: [{ expression: 'MIT' }] });
  expect(components.filter(({ licenses }: { licenses: unknown[] }) => licenses.length === 0)).toEqual([]);
});

it('explains itself', { timeout: PATIENCE }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--help'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('XIM_PORT');
});

it('serves: a worker starts, answers, and the page for people is there', { timeout: PATIENCE }, async () => {
  const { XIM_VENVS } = process.env;
  const env = { ...process.env, XIM_PORT: '0', XIM_MODEL_CACHE: away, XIM_VENVS };
  const service = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  createInterface({ input: service.stderr }).on('line', (line) => lines.push(line));
  createInterface({ input: service.stdout }).on('line', (line) => lines.push(line));
  const closed = once(service, 'close');
  try {
    await vi.waitFor(() => expect(lines.join('\n')).toMatch(URL_LINE), PATIENCE);
    const url = URL_LINE.exec(lines.join('\n'))?.[1];
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'xim/echo-generate', messages: [{ role: 'user', content: 'hello' }] }),
    });
    expect(answer.status, lines.join('\n')).toBe(200);
    expect((await fetch(`${url}/docs/static/swagger-ui.css`)).status).toBe(200);
  } finally {
    service.kill();
    await closed;
  }
  expect(service.exitCode, lines.join('\n')).toBe(0);
});
