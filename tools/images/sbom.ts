// `npx nx run <app>:sbom`: the contents of the last image, as CycloneDX.
import { join } from 'node:path';
import { ImageError } from './errors.ts';
import { type Image, readBuilt, readImage, readNote, writeNote } from './image.ts';
import { isOnPath, main, read, refuseArguments, run } from './program.ts';

/** The used part of CycloneDX (https://cyclonedx.org/docs/1.6/json). */
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

/** Writes the SBOM to the records of `docker-build`, with the hash of the described layers. */
export function writeSbom(image: Image): void {
  const { id } = readBuilt(image);
  const file = join(image.notes, 'sbom.cdx.json');
  if (isOnPath('trivy')) {
    const offline = ['--offline-scan', '--skip-db-update', '--skip-java-db-update', '--quiet'];
    run('trivy', ['image', '--image-src=docker', ...offline, '--format=cyclonedx', `--output=${file}`, id]);
  } else if (isOnPath('syft')) {
    run('syft', ['scan', `docker:${id}`, '--quiet', `--output=cyclonedx-json=${file}`]);
  } else
    throw new ImageError('An SBOM needs Trivy (https://trivy.dev) or Syft (https://github.com/anchore/syft) on PATH.');
  const sbom = readNote<Sbom>(image, 'sbom.cdx.json') ?? {};
  const { components = [] } = sbom;
  if (components.length === 0) throw new ImageError(`${file} lists nothing: the image was not understood.`);
  writeNote(image, 'sbom.cdx.json', addLicences(sbom, readWheelLicences(id)));
  noteSbom(image);
  console.log(`${file}: ${components.length} components`);
}

/** Name of each wheel in the image → its licence, as its METADATA states it: a scanner misses some of them. */
function readWheelLicences(image: string): Record<string, string | null> {
  const script =
    'import importlib.metadata as m, json; print(json.dumps({d.name: d.metadata.get("License-Expression") or ' +
    'd.metadata.get("License") for d in m.distributions()}))';
  const command = `set -- /opt/xim/venvs/*/bin/python; if [ -x "$1" ]; then "$1" -I -c '${script}'; else echo '{}'; fi`;
  return JSON.parse(read('docker', ['run', '--rm', '--network=none', '--entrypoint=sh', image, '-c', command]));
}

/** The SBOM with `stated` as the licence of each Python package that has none. */
export function addLicences(sbom: Sbom, stated: Readonly<Record<string, string | null>>): Sbom {
  const components = sbom.components?.map((component) => {
    const licence = component.purl?.startsWith('pkg:pypi/') ? stated[component.name] : undefined;
    const known = component.licenses?.some(({ expression, license }) => expression ?? license?.id ?? license?.name);
    return licence && !known ? { ...component, licenses: [{ license: { name: licence } }] } : component;
  });
  return { ...sbom, ...(components && { components }) };
}

/** Records that the SBOM describes the present image. */
export function noteSbom(image: Image): void {
  writeNote(image, 'sbom.json', { layers: readBuilt(image).layers });
}

/** The SBOM of the last image. Throws ImageError for a missing SBOM, and for the SBOM of another image. */
export function readSbom(image: Image): { file: string; sbom: Sbom } {
  const { layers } = readBuilt(image);
  const sbom = readNote<Sbom>(image, 'sbom.cdx.json');
  if (!sbom || readNote<{ layers: string }>(image, 'sbom.json')?.layers !== layers)
    throw new ImageError(`There is no SBOM of this ${image.local}: run "npx nx run ${image.name}:sbom".`);
  return { file: join(image.notes, 'sbom.cdx.json'), sbom };
}

if (process.argv[1] === import.meta.filename)
  await main(([folder, ...args]) => {
    refuseArguments('sbom', args);
    writeSbom(readImage(folder));
  });
