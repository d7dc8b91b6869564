// `npx nx run <app>:image-size`: how large the image is, layer by layer, and whether that is within its budget.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageError } from './errors.ts';
import { type Image, readBuilt, readImage, ROOT, toBase } from './image.ts';
import { main, read, refuseArguments } from './program.ts';

/** In MB of a million bytes. */
export interface Sizes {
  /** On the disk of a host that runs it. */
  readonly unpackedMB: number;
  /** Size of the compressed layers; absent where the local store holds layers uncompressed. */
  readonly pulledMB?: number | undefined;
}

/** The limit of the size that an app adds to its base image, without weights. Its package.json may set another. */
const APP_BUDGET: Sizes = { unpackedMB: 7, pulledMB: 5 };

export function checkSize(image: Image): void {
  readBuilt(image);
  const own = measure(image.local);
  const base = toBase(image.dockerfile);
  const below = base && measure(base.name);
  const sizes = below ? subtract(own, below) : own;
  for (const { size, createdBy } of own.layers.filter((layer) => layer.size >= 1e6).reverse())
    console.log(`${(size / 1e6).toFixed(1).padStart(8)} MB  ${createdBy.replace(/\s+/g, ' ').slice(0, 90)}`);
  console.log(`${image.local}: ${show(own)}${base ? `; on top of ${base.name}: ${show(sizes)}` : ''}`);
  const problems = overBudget(sizes, readBudget(image));
  if (problems.length > 0) throw new ImageError(`${image.local} is over its budget: ${problems.join(', ')}.`);
}

export function overBudget(sizes: Sizes, budget: Partial<Sizes>): string[] {
  return (['unpackedMB', 'pulledMB'] as const).flatMap((name) => {
    const [size, limit] = [sizes[name], budget[name]];
    return size !== undefined && limit !== undefined && size > limit
      ? [`${name} is ${size.toFixed(1)}, the limit ${limit}`]
      : [];
  });
}

/** `imageBudget` of the folder's package.json; an app with additional wheels needs it. */
export function readBudget({ folder, kind }: Pick<Image, 'folder' | 'kind'>, root = ROOT): Partial<Sizes> {
  const { imageBudget } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  return imageBudget ?? (kind === 'app' ? APP_BUDGET : {});
}

interface Measured extends Sizes {
  readonly layers: readonly { size: number; createdBy: string }[];
}

function measure(name: string): Measured {
  const format = '{"size":{{json .Size}},"createdBy":{{json .CreatedBy}}}';
  const layers = read('docker', ['history', '--human=false', '--no-trunc', `--format=${format}`, name])
    .split('\n')
    .map((line) => JSON.parse(line) as { size: string; createdBy: string })
    .map(({ size, createdBy }) => ({ size: Number(size), createdBy }));
  const unpackedMB = layers.reduce((sum, { size }) => sum + size, 0) / 1e6;
  return { layers, unpackedMB, pulledMB: measurePulled(name) };
}

/** From the manifest that `docker save` writes: its layers are compressed where the local store keeps them so. */
function measurePulled(name: string): number | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'xim-size-'));
  try {
    const archive = join(folder, 'image.tar');
    // With its tag: without one, every tag of that name is saved, and another build may come first.
    read('docker', ['save', `--output=${archive}`, `${name}:latest`]);
    const member = (path: string) => JSON.parse(read('tar', ['-xOf', archive, path]));
    const [{ digest }] = member('index.json').manifests;
    const { layers } = member(`blobs/${digest.replace(':', '/')}`) as { layers: { size: number; mediaType: string }[] };
    if (!layers.every(({ mediaType }) => /gzip|zstd/.test(mediaType))) return undefined;
    return layers.reduce((sum, { size }) => sum + size, 0) / 1e6;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function subtract(all: Sizes, part: Sizes): Sizes {
  const known = all.pulledMB !== undefined && part.pulledMB !== undefined;
  return {
    unpackedMB: all.unpackedMB - part.unpackedMB,
    pulledMB: known ? all.pulledMB! - part.pulledMB! : undefined,
  };
}

function show({ unpackedMB, pulledMB }: Sizes): string {
  return `${unpackedMB.toFixed(1)} MB unpacked, ${pulledMB === undefined ? 'unknown' : `${pulledMB.toFixed(1)} MB`} to pull`;
}

if (process.argv[1] === import.meta.filename)
  await main(([folder, ...args]) => {
    refuseArguments('image-size', args);
    checkSize(readImage(folder));
  });
