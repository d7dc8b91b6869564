import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT } from './checkout.ts';

/**
 * The needs of the tests of this folder: a container engine and a registry that they may fill. Undefined where neither
 * is named; then the tests are skipped. A named engine or registry that does not work is a failure.
 */
export function readDockerHost(env = process.env): { registry: string; secondHost: string | undefined } | undefined {
  const { DOCKER_HOST, XIM_REGISTRY: registry, XIM_SECOND_DOCKER_HOST: secondHost } = env;
  if (!DOCKER_HOST && !registry) return undefined;
  if (!registry) throw new Error('DOCKER_HOST is set and XIM_REGISTRY is not: name a registry to push tests to.');
  return { registry, secondHost: secondHost || undefined };
}

export const SKIPPED = 'containers: set DOCKER_HOST and XIM_REGISTRY';

export function docker(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const options = { encoding: 'utf8', env: { ...process.env, ...env }, stdio: 'pipe', maxBuffer: 2 ** 28 } as const;
  return execFileSync('docker', args, options).trim();
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves with the status 200 of a URL; without it, throws an error with the text of `describe`. */
export async function untilReady(url: string, describe: () => string, patienceMs = 180_000): Promise<void> {
  for (const until = performance.now() + patienceMs; performance.now() < until; await pause(200)) {
    const ready = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
  }
  throw new Error(`${url} did not become ready:\n${describe()}`);
}

/** An empty npm registry without an upstream registry; every client may publish. */
export async function startNpmRegistry(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'xim-npm-registry-'));
  const port = await freePort();
  writeFileSync(
    join(folder, 'config.yaml'),
    [
      'storage: ./storage',
      'uplinks: {}',
      'packages:',
      "  '**': { access: $all, publish: $all, unpublish: $all }",
      'log: { type: stdout, format: json, level: error }',
    ].join('\n'),
  );
  const args = [`--config=${join(folder, 'config.yaml')}`, `--listen=127.0.0.1:${port}`];
  const service = spawn(join(ROOT, 'node_modules/.bin/verdaccio'), args, { cwd: folder, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}/`;
  await untilReady(`${url}-/ping`, () => 'verdaccio did not start', 60_000);
  return {
    url,
    async stop() {
      const closed = once(service, 'close');
      service.kill();
      await closed;
      rmSync(folder, { recursive: true });
    },
  };
}
