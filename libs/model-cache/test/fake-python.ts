import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FakePython {
  readonly path: string;
  /** The command lines that it was called with. */
  readonly calls: () => string[];
}

/**
 * A program that answers like `python -m pip`. `wheels` maps `name==version` to where pip "finds" it; `script` is
 * shell code to run first, with the command line in `$*`.
 */
export function makeFakePython(
  folder: string,
  wheels: Readonly<Record<string, { url: URL; sha256?: string }>>,
  script = '',
): FakePython {
  const path = join(folder, 'python');
  const log = join(folder, 'python.log');
  const cases = Object.entries(wheels).map(([requirement, { url, sha256 }], index) => {
    const report = join(folder, `report-${index}.json`);
    const archive_info = sha256 === undefined ? {} : { hash: `sha256=${sha256}`, hashes: { sha256 } };
    writeFileSync(report, JSON.stringify({ install: [{ download_info: { url: url.href, archive_info } }] }));
    return `  *"--report - "*" ${requirement}") cat '${report}'; exit 0 ;;`;
  });
  const lines = [
    '#!/bin/sh',
    `echo "$*" >> '${log}'`,
    script,
    'case "$*" in',
    ...cases,
    'esac',
    'echo "ERROR: No matching distribution found" >&2',
    'exit 1',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
  return { path, calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []) };
}
