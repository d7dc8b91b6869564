import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));

// The packages of this repository are tested from their sources; nothing needs a build.
// Node.js has no condition "module": packages keep files behind it that only a bundler can read.
const conditions = ['@xim/source', ...defaultServerConditions.filter((condition) => condition !== 'module')];

/** How every test here runs: `npx vitest run --config vitest.base.ts <folder>`, or `npx nx test <project>`. */
export default defineConfig({
  root,
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{apps,libs,tools}/**/*.test.ts'],
    exclude: ['**/{node_modules,dist,python}/**'],
    // A process per file: a file's leaks are its own, and native code that crashes takes one file with it.
    pool: 'forks',
    // Much of a test is waiting: for processes that start, for time that must pass.
    maxWorkers: '100%',
    setupFiles: [join(root, 'tools/vitest/no-leaks.ts')],
    // The environments and the models of this clone, unless the caller names others.
    env: {
      XIM_VENVS: process.env['XIM_VENVS'] ?? join(root, '.venv'),
      XIM_MODEL_CACHE: process.env['XIM_MODEL_CACHE'] ?? join(root, '.model_cache'),
    },
    // Machines differ by a factor of ten; a test that hangs is found all the same.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
  },
});
