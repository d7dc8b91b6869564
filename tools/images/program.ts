import { spawnSync } from 'node:child_process';
import { childEnvironment } from '../start/child-environment.mjs';
import { ImageError } from './errors.ts';

/** The place of a program, for the message that it is missing. */
const SOURCES: Readonly<Record<string, string>> = {
  docker: 'Install Docker with buildx (https://docs.docker.com/engine/install).',
  trivy: 'Install Trivy (https://trivy.dev) or Syft (https://github.com/anchore/syft).',
  syft: 'Install Syft (https://github.com/anchore/syft) or Trivy (https://trivy.dev).',
  cosign: 'Install Cosign (https://docs.sigstore.dev).',
  git: 'Install git.',
  helm: 'Install Helm 3.14 or later (https://helm.sh).',
};

/** How Docker, Cosign and git reach their engines, registries, keys and repositories. */
const CLIENTS =
  /^(DOCKER|BUILDX|COSIGN|SIGSTORE|AWS|GOOGLE|AZURE|VAULT|GIT_(CONFIG|SSL|SSH))_?\w*$|^(SSH_AUTH_SOCK|KUBECONFIG)$/;

/** Runs a program whose output the user sees. Throws ImageError when it is not on PATH or fails. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  const { status, error } = spawnSync(program, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw notStarted(program, error);
  if (status !== 0) throw new ImageError(`"${program} ${args.join(' ')}" failed; its own words are above.`);
}

/** The output of a program without the line end. When it fails, throws ImageError with its standard error. */
export function read(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    env: childEnvironment(process.env, {}, CLIENTS),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error) throw notStarted(program, error);
  if (status !== 0) throw new ImageError(`"${program} ${args.join(' ')}" failed: ${stderr.trim()}`);
  return stdout.trim();
}

/** As `read`, with undefined instead of a failure; a missing program is still an error. */
export function tryRead(program: string, args: readonly string[]): string | undefined {
  try {
    return read(program, args);
  } catch (error) {
    if (error instanceof ImageError && !(error.cause instanceof Error)) return undefined;
    throw error;
  }
}

export function isOnPath(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function notStarted(program: string, cause: Error): ImageError {
  return new ImageError(`${program} could not be started (${cause.message}). ${SOURCES[program] ?? ''}`, { cause });
}

/** Throws ImageError for the first argument that a target does not know. */
export function refuseArguments(target: string, args: readonly string[], known: readonly string[] = []): void {
  const unknown = args.find((arg) => !known.includes(arg));
  if (unknown === undefined) return;
  const takes = known.length > 0 ? `it takes ${known.join(' and ')}` : 'it takes none';
  throw new ImageError(`${target} does not know the argument "${unknown}"; ${takes}.`);
}

/** Runs the body of a command-line program: an ImageError is one sentence and exit code 1. */
export async function main(body: (args: string[]) => void | Promise<void>): Promise<void> {
  try {
    await body(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
