import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelFetchError } from '@xim/model-cache';
import { childEnvironment, ensureSpace, lockOf, withLock } from '@xim/model-cache/internal';
import { runLines } from './run-lines.ts';

export const PYTHON_FOLDER = fileURLToPath(new URL('../../python', import.meta.url));

/** The programs that convert models for an engine, in an environment of their own. */
export interface ToolSet {
  /** Of its folder in `.tools/` of the cache, before its version. */
  readonly name: string;
  readonly lock: string;
  /** Space that it takes, for people. */
  readonly size: string;
}

/** By engine. The two sets need different versions of Transformers. */
export const TOOLS = {
  oneapi: { name: 'convert', lock: join(PYTHON_FOLDER, 'convert.lock'), size: '2 GB' },
  xft: { name: 'xft', lock: join(PYTHON_FOLDER, 'convert-xft.lock'), size: '1.3 GB' },
} as const satisfies Readonly<Record<string, ToolSet>>;

/**
 * Installed separately and without a hash: the build for CPUs is on PyTorch's index or on a mirror of the user, and the
 * build on the Python index brings gigabytes for GPUs.
 */
const TORCH = 'torch==2.13.0';
const TORCH_INDEX = 'https://download.pytorch.org/whl/cpu';

/** Unpacked wheels, and the copy that pip unpacks first. */
const NEEDED_BYTES = 3 * 2 ** 30;

export interface ToolOptions {
  readonly cacheDir: string;
  /** The Python that makes the environment. */
  readonly python: string;
  readonly offline: boolean;
  readonly signal: AbortSignal | undefined;
  /** The environment variables of the started programs, with the settings of pip. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly note: (line: string) => void;
}

/** Changes with the tools and with their use, since both can change the result of a conversion. */
export function toolsVersion(tools: ToolSet): string {
  const hash = createHash('sha256').update(environmentVersion(tools));
  const code = join(PYTHON_FOLDER, 'xim_convert');
  const sources = readdirSync(code).filter((name) => name.endsWith('.py'));
  for (const name of sources.sort()) hash.update(readFileSync(join(code, name)));
  return hash.digest('hex').slice(0, 16);
}

function environmentVersion({ lock }: ToolSet): string {
  return createHash('sha256').update(readFileSync(lock)).update(TORCH).digest('hex').slice(0, 16);
}

/**
 * The Python of the environment that converts models, which is made in the cache the first time and whenever its lock
 * changes. It is complete or not there. Rejects with a `ModelFetchError`.
 */
export async function prepareTools(set: ToolSet, options: ToolOptions): Promise<string> {
  const { cacheDir, offline, signal } = options;
  const tools = join(cacheDir, '.tools');
  const name = `${set.name}-${environmentVersion(set)}`;
  const python = join(tools, name, 'bin', 'python');
  const exists = (): Promise<boolean> =>
    access(python).then(
      () => true,
      () => false,
    );
  if (await exists()) return python;
  if (offline) {
    throw new ModelFetchError(
      `the tools that convert models are not in ${tools}, and XIM_OFFLINE forbids to fetch them. ` +
        'Convert where there is a network and bring the result: npx xim-models export, npx xim-models import',
    );
  }
  await withLock(lockOf(cacheDir, 'tools'), signal, async () => {
    if (await exists()) return;
    await mkdir(tools, { recursive: true });
    for (const left of (await readdir(tools)).filter((one) => one.startsWith(`${set.name}-`)))
      await rm(join(tools, left), { recursive: true, force: true });
    await ensureSpace(tools, NEEDED_BYTES);
    const building = join(tools, `${name}.${randomUUID()}`);
    try {
      await install(building, set, options);
      // Only unused scripts hold the path of the environment.
      await rename(building, join(tools, name));
    } finally {
      await rm(building, { recursive: true, force: true });
    }
  });
  return python;
}

async function install(folder: string, { lock, size }: ToolSet, options: ToolOptions): Promise<void> {
  options.note(`installing the tools that convert models, about ${size} (some minutes, the first time only) …`);
  await step([options.python, '-I', '-m', 'venv', folder], options);
  const pip = [join(folder, 'bin', 'python'), '-I', '-m', 'pip'] as const;
  const common = ['--no-input', '--disable-pip-version-check', '--only-binary=:all:', '--no-deps'];
  await step([...pip, 'install', ...common, '--require-hashes', '-r', lock], options);
  // The user's configuration of pip (a mirror, local wheels) is used; the default public index has no build for CPUs.
  const configured = await isConfigured(pip, options);
  await step([...pip, 'install', ...common, ...(configured ? [] : ['--extra-index-url', TORCH_INDEX]), TORCH], options);
}

async function isConfigured(pip: readonly [string, ...string[]], { env, signal }: ToolOptions): Promise<boolean> {
  let found = false;
  const onLine = (line: string): void => void (found ||= /\b(?:index-url|find-links)\b/.test(line));
  await runLines({ command: [...pip, 'config', 'list'], env: childEnvironment(env), signal, onLine });
  return found;
}

async function step(command: readonly [string, ...string[]], { env, signal, note }: ToolOptions): Promise<void> {
  const { code, lastWords } = await runLines({
    command,
    env: childEnvironment(env, { PIP_USER: '0' }),
    signal,
    onLine: (line) => void (/^\s*Downloading .* MB\)$/.test(line) && note(`  ${line.trim()}`)),
  });
  if (code === 0) return;
  const errors = lastWords
    .filter((line) => line.startsWith('ERROR:'))
    .map((line) => line.slice('ERROR:'.length).trim());
  const reason = (errors.length > 0 ? errors : lastWords).slice(-2).join(' ');
  throw new ModelFetchError(`the tools that convert models could not be installed: ${reason}`);
}
