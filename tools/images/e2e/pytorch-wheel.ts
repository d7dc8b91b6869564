import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { readImage, toBase } from '../image.ts';
import { ROOT } from './checkout.ts';

const INDEX = 'https://download.pytorch.org/whl/cpu/torch/';
const run = promisify(execFile);

/** How a build gets PyTorch: further arguments of `docker build`, none where its own index is reached. Or why it cannot. */
export type PyTorch = { readonly args: string; readonly standIn?: string } | { readonly reason: string };

/** The engine that an image has the wheels of. */
export function toEngine(folder: string): string {
  const { kind, dockerfile } = readImage(folder);
  return kind === 'engine' ? basename(folder) : toBase(dockerfile)!.name.replace(/^xim-/, '');
}

/** PyTorch's build for CPUs from its own index, or from where pip's settings on this machine name it. */
export async function findPyTorch(engine: string, folder: string): Promise<PyTorch> {
  const answer = await fetch(INDEX, { method: 'HEAD', signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  if (answer?.ok === true) return { args: '' };
  const version = toVersion(engine);
  // For Python 3.11 as in the images.
  const which = ['--no-deps', '--only-binary=:all:', '--python-version=3.11', `--dest=${folder}`, `torch==${version}`];
  return run('python3', ['-m', 'pip', 'download', '--no-input', '--quiet', '--retries=1', ...which]).then(
    () => ({ args: `--build-context=pip-wheels=${folder}` }),
    () => ({ reason: `containers: ${INDEX} cannot be reached, and pip finds no torch==${version}` }),
  );
}

/**
 * The same, or else the PyTorch of another engine under the version that this one asks for: an image is built with it and
 * runs, and the engine's own library, which is made for one version of PyTorch, cannot be loaded.
 */
export async function findPyTorchOrStandIn(engine: string, folder: string, other: string): Promise<PyTorch> {
  const own = await findPyTorch(engine, folder);
  if ('args' in own) return own;
  const found = await findPyTorch(other, folder);
  if ('reason' in found) return found;
  const [wheel] = readdirSync(folder);
  await run('python3', [join(import.meta.dirname, 'rename_wheel.py'), join(folder, wheel!), toVersion(engine)]);
  return { ...found, standIn: `PyTorch ${toVersion(other)} stands in for ${toVersion(engine)}` };
}

function toVersion(engine: string): string {
  const list = readFileSync(join(ROOT, `libs/engine-${engine}/python/requirements.pytorch.in`), 'utf8');
  return `${/^torch==([\d.]+)/m.exec(list)![1]}+cpu`;
}
