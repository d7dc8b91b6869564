import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CONFINED } from '../docker-args.ts';
import { docker, freePort, untilReady } from './docker-host.ts';

export interface Container {
  readonly id: string;
  readonly origin: string;
  logs(): string;
  remove(): void;
}

/**
 * Starts an image on the network of the host, where tests reach it with any configuration of the engine, with the
 * restrictions of `docker-run`.
 *
 * @param image whose service becomes ready
 * @param env of the engine's client
 */
export async function startContainer(
  image: string,
  { args = [], env = {} }: { args?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Container> {
  const port = await freePort();
  const own = ['--network=host', '--env=XIM_HOST=127.0.0.1', `--env=XIM_PORT=${port}`];
  const id = docker(['run', '--detach', ...own, ...CONFINED, ...args, image], env)
    .split('\n')
    .at(-1)!;
  const container: Container = {
    id,
    origin: `http://127.0.0.1:${port}`,
    logs: () => docker(['logs', id], env),
    remove: () => void docker(['rm', '--force', '--volumes', id], env),
  };
  try {
    await untilReady(`${container.origin}/health/ready`, container.logs);
  } catch (error) {
    container.remove();
    throw error;
  }
  return container;
}

/** Runs an image that ends by itself, with the same restrictions. */
export function runToEnd(
  image: string,
  args: readonly string[],
  command: readonly string[] = [],
): Promise<{ code: number; output: string }> {
  const run = ['run', '--rm', '--network=host', ...CONFINED, ...args, image, ...command];
  return promisify(execFile)('docker', run, { timeout: 180_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, output: stdout + stderr }),
  );
}

export async function ask(origin: string, content: string, maxTokens = 16): Promise<string> {
  const answer = await fetch(`${origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content }],
      max_completion_tokens: maxTokens,
    }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
  return (JSON.parse(text) as { choices: { message: { content: string } }[] }).choices[0]!.message.content;
}
