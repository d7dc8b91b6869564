import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');

export interface Workspace {
  readonly root: string;
  write(path: string, text: string): void;
  remove(): void;
}

/** A temporary workspace with this repository's start script and set-up, its node packages installed, and nothing else. */
export function makeWorkspace(): Workspace {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'xim-workspace-')));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const path of ['tools/start.mjs', 'tools/start']) {
    cpSync(join(REPOSITORY, path), join(root, path), {
      recursive: true,
      filter: (file) => !/\.test\.ts$|__fixtures__/.test(file),
    });
  }
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  write('package.json', JSON.stringify({ name: 'fixture', private: true, type: 'module', scripts }));
  write('package-lock.json', JSON.stringify({ lockfileVersion: 3, packages: { '': {} } }));
  write('node_modules/.package-lock.json', JSON.stringify({ packages: {} }));
  symlinkSync(join(REPOSITORY, 'node_modules/tsx'), join(root, 'node_modules/tsx'));
  return { root, write, remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }) };
}

const WHEEL = `
import sys, zipfile
name, version, folder = sys.argv[1:]
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{name}.py", f"version = '{version}'")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;

/** Puts a wheel of one module into `folder`. Returns its line for a requirements.lock. */
export function makeWheel(folder: string, name: string, version: string): string {
  mkdirSync(folder, { recursive: true });
  execFileSync('python3', ['-c', WHEEL, name, version, folder]);
  const file = readFileSync(join(folder, `${name}-${version}-py3-none-any.whl`));
  return `${name}==${version} --hash=sha256:${createHash('sha256').update(file).digest('hex')}\n`;
}

/** The environment of this process, with pip told to look into one folder and nowhere else. */
export function onlyWheelsOf(folder: string): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !/^(PIP|XIM)_/.test(name));
  return { ...Object.fromEntries(others), PIP_CONFIG_FILE: '/dev/null', PIP_NO_INDEX: '1', PIP_FIND_LINKS: folder };
}
