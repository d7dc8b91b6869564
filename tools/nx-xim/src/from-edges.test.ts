import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseImages } from './from-edges.ts';

/** Nothing that outlives the command, nothing that leaves the machine. */
const NX_ALONE = { NX_NO_CLOUD: 'true', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };

describe('the base image of a Dockerfile', () => {
  it.each([
    ['FROM xim-oneapi', ['xim-oneapi']],
    ['FROM registry.example:5000/opea-xim/xim-oneapi:1.2.0 AS base', ['xim-oneapi']],
    ['FROM opea-xim/xim-xft@sha256:00ff', ['xim-xft']],
    ['ARG BASE=opea-xim/xim-ipex:1\nFROM ${BASE}', ['xim-ipex']],
    ['ARG BASE="xim-ipex:1"\nFROM $BASE', ['xim-ipex']],
    ['FROM ${XIM_REGISTRY}/xim-oneapi:${TAG}', ['xim-oneapi']],
    ['from node:24 AS build\nfrom xim-oneapi', ['xim-oneapi']],
    ['FROM debian:13\n# FROM xim-oneapi\nRUN echo xim-oneapi', []],
    ['FROM opea-xim/chat', []],
    ['FROM maxim-oneapi', []],
  ])('%j', (dockerfile, images) => {
    expect(baseImages(dockerfile)).toEqual(images);
  });
});

describe('in a workspace', () => {
  const workspace = mkdtempSync(join(tmpdir(), 'xim-nx-'));
  const put = (path: string, text: string) => {
    mkdirSync(join(workspace, dirname(path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  };
  let dependencies: Record<string, { target: string }[]>;

  beforeAll(() => {
    put('package.json', '{ "name": "w", "private": true, "workspaces": ["apps/*", "libs/*", "xim/*"] }');
    put('nx.json', '{ "plugins": ["@xim/nx"], "neverConnectToCloud": true, "analytics": false }');
    for (const project of ['apps/chat', 'apps/plain', 'xim/oneapi', 'xim/xft', 'libs/oneapi']) {
      put(`${project}/package.json`, JSON.stringify({ name: `@w/${project.replace('/', '-')}` }));
    }
    put('apps/chat/Dockerfile', 'ARG BASE=opea-xim/xim-xft:1\nFROM ${BASE}\n');
    put('xim/xft/Dockerfile', 'FROM xim-oneapi\n');
    put('xim/oneapi/Dockerfile', 'FROM debian:13\n');
    symlinkSync(join(__dirname, '../../../node_modules'), join(workspace, 'node_modules'));
    execFileSync('node_modules/.bin/nx', ['graph', '--file=graph.json'], {
      cwd: workspace,
      // Nx compiles a plugin of the workspace itself; this one comes from elsewhere.
      env: { ...process.env, ...NX_ALONE, NODE_OPTIONS: '--import tsx' },
      stdio: 'pipe',
    });
    dependencies = JSON.parse(readFileSync(join(workspace, 'graph.json'), 'utf8')).graph.dependencies;
  }, 180_000);
  afterAll(() => rmSync(workspace, { recursive: true }));

  it.each([
    ['@w/apps-chat', ['@w/xim-xft']],
    ['@w/xim-xft', ['@w/xim-oneapi']],
    ['@w/xim-oneapi', []],
    ['@w/apps-plain', []],
  ])('%s depends on %j', (project, targets) => {
    expect(dependencies[project]?.map(({ target }) => target)).toEqual(targets);
  });
});
