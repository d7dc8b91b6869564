import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkOut, ROOT } from './checkout.ts';

/**
 * Builds images from the files of this repository as they are now, in a clone that is removed afterwards.
 *
 * @param targets of Nx, such as `chat:docker-build` or `chat:docker-build:embedded`
 */
export async function buildImages(...targets: readonly string[]): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'xim-build-'));
  try {
    const clone = join(work, 'clone');
    mkdirSync(clone);
    checkOut(clone);
    const alone = { NX_NO_CLOUD: 'true', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };
    const kept = Object.entries(process.env).filter(([name]) => !/^(VITEST|NX_)/.test(name));
    const env = { ...Object.fromEntries(kept), ...alone, XIM_MODEL_CACHE: modelCache() };
    for (const target of targets)
      await promisify(execFile)('node_modules/.bin/nx', ['run', target], { cwd: clone, env, maxBuffer: 2 ** 28 });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The folder of the weights on this machine. */
export const modelCache = (): string => process.env['XIM_MODEL_CACHE'] ?? join(ROOT, '.model_cache');
