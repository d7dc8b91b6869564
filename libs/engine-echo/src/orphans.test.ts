import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchJob } from '@xim/engine/testing';
import { expect, it } from 'vitest';

it('no rank outlives a host that is killed, even one that hangs in native code', { timeout: 60_000 }, async () => {
  const watch = watchJob();
  const folder = mkdtempSync(join(tmpdir(), 'tsx-'));
  const script = fileURLToPath(new URL('./__fixtures__/host.ts', import.meta.url));
  const host = spawn(process.execPath, ['--conditions=@xim/source', '--import', 'tsx', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // tsx leaves files of its own behind.
    env: { TMPDIR: folder, XIM_VENVS: process.env['XIM_VENVS'] },
  });
  await once(host.stdout, 'data');
  // The host, the launcher and three ranks, and maybe a helper of tsx.
  expect(watch.processes().length).toBeGreaterThanOrEqual(5);
  host.kill('SIGKILL');
  await once(host, 'close');
  rmSync(folder, { recursive: true });
  await watch.expectNothingLeft();
});
