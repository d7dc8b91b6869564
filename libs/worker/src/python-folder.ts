import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { XimError } from '@xim/engine';

/**
 * The folder `python` of the package whose module has this URL: beside the module (a bundle in `dist/`) or beside its
 * folder (`src/` of a clone, `dist/` of a published package).
 *
 * @param moduleUrl `import.meta.url` of the caller
 * @param pythonPackage the Python package that must be in it, such as `xim_worker`
 */
export function pythonFolder(moduleUrl: string, pythonPackage: string): string {
  const candidates = ['./python/', '../python/'].map((place) => fileURLToPath(new URL(place, moduleUrl)));
  const found = candidates.find((folder) => existsSync(folder + pythonPackage));
  if (found === undefined) {
    throw new XimError(
      'XIM_PYTHON_MISSING',
      `[worker] The Python package "${pythonPackage}" is not in ${candidates.join(' or ')}. Reinstall the package, or copy its folder "python" beside the bundle.`,
    );
  }
  return found.replace(/\/$/, '');
}
