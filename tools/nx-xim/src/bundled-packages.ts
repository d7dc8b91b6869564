import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/**
 * The packages of a bundle, as CycloneDX (https://cyclonedx.org/docs/1.6/json). A scanner of the image cannot find the
 * packages themselves, and reads this file instead.
 *
 * @param bundled paths of the bundled modules
 * @param workspaceRoot to which they are relative
 */
export function toBundledSbom(bundled: readonly string[], workspaceRoot: string): string {
  const folders = new Set(bundled.flatMap((path) => /^.*node_modules\/(@[^/]+\/)?[^/.][^/]*\//.exec(path)?.[0] ?? []));
  const components = [...folders]
    .map((folder): Manifest => JSON.parse(readFileSync(join(workspaceRoot, folder, 'package.json'), 'utf8')))
    .map(({ name, version, license }) => ({
      type: 'library',
      name,
      version,
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      'bom-ref': `pkg:npm/${name.replace('@', '%40')}@${version}`,
      licenses: license === undefined ? [] : [{ expression: license }],
    }))
    .sort((a, b) => (a.purl < b.purl ? -1 : 1));
  return `${JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, components })}\n`;
}
