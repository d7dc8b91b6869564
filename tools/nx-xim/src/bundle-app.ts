import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { toBundledSbom } from './bundled-packages.ts';

/**
 * Makes `<app>/dist`: all files of a service except its models.
 *
 * - `main.js`, one ES module with every package in it, and `main.cdx.json`, the list of them;
 * - `python/`, the Python packages of the engines in the bundle, and of the libraries for the task of the service
 *   (`xim.tasks` of their package.json; without it, all tasks): the service looks for them beside `main.js`;
 * - `swagger-ui/`, the files of the API's page for people: the service looks for them there too, since their package
 *   finds them by its own path.
 *
 * @param workspaceRoot to which the paths of bundled modules are relative
 */
export async function bundleApp(app: string, workspaceRoot: string): Promise<void> {
  const dist = join(app, 'dist');
  rmSync(dist, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: workspaceRoot,
    entryPoints: [join(app, 'src/main.ts')],
    outfile: join(dist, 'main.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@xim/source'],
    // Names stay, so that a stack says where it was.
    minifySyntax: true,
    minifyWhitespace: true,
    // The CommonJS packages in it call require() for Node's own modules, and some name their folder.
    banner: {
      js: [
        "import { createRequire as __createRequire } from 'node:module';",
        'const require = __createRequire(import.meta.url);',
        'const __filename = import.meta.filename;',
        'const __dirname = import.meta.dirname;',
      ].join('\n'),
    },
    plugins: [englishOnly, proxiesOnly],
    legalComments: 'linked',
    metafile: true,
    logLevel: 'warning',
  });
  const bundled = Object.keys(metafile.inputs);
  writeFileSync(join(dist, 'main.cdx.json'), toBundledSbom(bundled, workspaceRoot));
  const task = readTask(app);
  for (const folder of foldersOf(bundled, /^(.*\/)?libs\/[^/]+\//)) {
    const library = join(workspaceRoot, folder);
    if (isForTask(library, task)) copyPython(library, dist);
  }
  for (const folder of foldersOf(bundled, /^.*node_modules\/@fastify\/swagger-ui\//)) {
    cpSync(join(workspaceRoot, folder, 'static'), join(dist, 'swagger-ui'), {
      recursive: true,
      filter: (path) => !path.endsWith('/swagger-ui.js'), // the page loads swagger-ui-bundle.js
    });
  }
}

/** Zod's messages in one language instead of fifty: a tenth of the bundle. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: ({ onLoad }) =>
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    })),
};

/** The part of undici that reaches a hub through proxies. Its caches, mocks and sockets are two fifths of its size. */
const proxiesOnly: Plugin = {
  name: 'proxies-only',
  setup: ({ onLoad }) =>
    onLoad({ filter: /undici\/index\.js$/ }, () => ({
      contents: `
        exports.Agent = require('./lib/dispatcher/agent');
        exports.EnvHttpProxyAgent = require('./lib/dispatcher/env-http-proxy-agent');
        exports.fetch = require('./lib/web/fetch').fetch;
      `,
    })),
};

/** The task of the service's main model; undefined for an app without models.json. */
function readTask(app: string): string | undefined {
  const file = join(app, 'models.json');
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, 'utf8')) as { models?: { main?: { task?: string } } }).models?.main?.task;
}

/** An engine serves every task, since a service may bring its own handler. No task: a package without worker code. */
function isForTask(library: string, task: string | undefined): boolean {
  const { name, xim } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as {
    name: string;
    xim?: { tasks?: readonly string[] };
  };
  const tasks = xim?.tasks;
  if (tasks === undefined || name.startsWith('@xim/engine-')) return true;
  return task === undefined ? tasks.length > 0 : tasks.includes(task);
}

/** The folders that a pattern finds at the beginning of paths, each once. */
function foldersOf(paths: readonly string[], pattern: RegExp): string[] {
  return [...new Set(paths.flatMap((path) => pattern.exec(path)?.[0] ?? []))];
}

/** Copies the packages (folders with `__init__.py`) of a library's `python/`, without tests and byte code. */
function copyPython(library: string, dist: string): void {
  const python = join(library, 'python');
  if (!existsSync(python)) return;
  for (const name of readdirSync(python)) {
    if (!existsSync(join(python, name, '__init__.py'))) continue;
    cpSync(join(python, name), join(dist, 'python', name), {
      recursive: true,
      filter: (path) => !path.endsWith('__pycache__'),
    });
  }
}

if (require.main === module) {
  const app = process.argv[2];
  if (!app || !existsSync(join(app, 'src/main.ts'))) {
    console.error(`usage: tsx ${__filename} apps/<app>, a folder with src/main.ts; found: ${app}`);
    process.exit(2);
  }
  const root = resolve(dirname(__filename), '../../..');
  bundleApp(resolve(app), root).catch((error: unknown) => {
    // esbuild has printed the faults of the code.
    if (!(error instanceof Error && 'errors' in error)) console.error(error);
    process.exit(1);
  });
}
