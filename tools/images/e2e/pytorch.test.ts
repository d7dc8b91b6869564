import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkOut, foldersOnPyTorch } from './checkout.ts';
import { docker, readDockerHost, SKIPPED } from './docker-host.ts';

const MINUTE = 60_000;
const INDEX = 'https://download.pytorch.org/whl/cpu/torch/';
const dockerHost = readDockerHost();

describe('the images on PyTorch', { timeout: 60 * MINUTE }, () => {
  const work = mkdtempSync(join(tmpdir(), 'xim-pytorch-'));
  let reachable = false;
  beforeAll(async () => {
    if (!dockerHost) return;
    const answer = await fetch(INDEX, { method: 'HEAD', signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    reachable = answer?.ok === true;
    if (reachable) mkdirSync(join(work, 'clone'));
    if (reachable) checkOut(join(work, 'clone'));
  }, 5 * MINUTE);
  beforeEach((context) => {
    context.skip(!dockerHost, SKIPPED);
    context.skip(!reachable, `containers: ${INDEX} cannot be reached`);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }), 5 * MINUTE);

  it.each(foldersOnPyTorch())('%s is built', async (folder) => {
    const name = folder.startsWith('xim/') ? folder.replace('/', '-') : folder.split('/')[1]!;
    const plain = { NX_NO_CLOUD: 'true', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };
    const kept = Object.entries(process.env).filter(([key]) => !/^(VITEST|NX_)/.test(key));
    const options = { cwd: join(work, 'clone'), env: { ...Object.fromEntries(kept), ...plain }, maxBuffer: 2 ** 28 };
    await promisify(execFile)('node_modules/.bin/nx', ['run', `${name}:docker-build`], options);
    expect(docker(['images', '--quiet', folder.replace('/', '-')])).not.toBe('');
  });
});
