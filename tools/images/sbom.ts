// `npx nx run <app>:sbom`: what is in the image that was built last, as CycloneDX.
import { join } from 'node:path';
import { ImageError } from './errors.ts';
import { type Image, readBuilt, readImage, readNote, writeNote } from './image.ts';
import { isOnPath, main, run } from './program.ts';

/** The part of CycloneDX (https://cyclonedx.org/docs/1.6/json) that is read here. */
export interface Sbom {
  readonly components?: readonly Component[];
}

export interface Component {
  readonly name: string;
  readonly version?: string;
  readonly type?: string;
  /** https://github.com/package-url/purl-spec */
  readonly purl?: string;
  readonly licenses?: readonly { expression?: string; license?: { id?: string; name?: string } }[];
}

/** Writes the SBOM beside what `docker-build` noted, and remembers which layers it describes. */
export function writeSbom(image: Image): void {
  const { layers, id } = readBuilt(image);
  const file = join(image.notes, 'sbom.cdx.json');
  if (isOnPath('trivy')) {
    const offline = ['--offline-scan', '--skip-db-update', '--skip-java-db-update', '--quiet'];
    run('trivy', ['image', '--image-src=docker', ...offline, '--format=cyclonedx', `--output=${file}`, id]);
  } else if (isOnPath('syft')) {
    run('syft', ['scan', `docker:${id}`, '--quiet', `--output=cyclonedx-json=${file}`]);
  } else
    throw new ImageError('An SBOM needs Trivy (https://trivy.dev) or Syft (https://github.com/anchore/syft) on PATH.');
  const { components = [] } = readNote<Sbom>(image, 'sbom.cdx.json') ?? {};
  if (components.length === 0) throw new ImageError(`${file} lists nothing: the image was not understood.`);
  writeNote(image, 'sbom.json', { layers });
  console.log(`${file}: ${components.length} components`);
}

/** The SBOM of the image that was built last. Throws ImageError where there is none, or it is of another one. */
export function readSbom(image: Image): { file: string; sbom: Sbom } {
  const { layers } = readBuilt(image);
  const sbom = readNote<Sbom>(image, 'sbom.cdx.json');
  if (!sbom || readNote<{ layers: string }>(image, 'sbom.json')?.layers !== layers)
    throw new ImageError(`There is no SBOM of this ${image.local}: run "npx nx run ${image.name}:sbom".`);
  return { file: join(image.notes, 'sbom.cdx.json'), sbom };
}

if (process.argv[1] === import.meta.filename) await main(([folder]) => writeSbom(readImage(folder)));
