// `npm run soak -- <app>`: sets up what is missing, then runs the service under load and faults. Dependency-free, since it
// runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setup } from './start/index.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2);
const app = args.find((arg) => !arg.startsWith('-')) ?? '';
/** @returns {string[]} */
const enginesOf = () => {
  try {
    const { dependencies } = JSON.parse(readFileSync(`${root}/apps/${app}/package.json`, 'utf8'));
    return Object.keys(dependencies).flatMap((name) => /^@xim\/engine-(.+)$/.exec(name)?.[1] ?? []);
  } catch {
    return [];
  }
};
const engines = args.includes('--help') ? [] : enginesOf();
const { venvs, modelCache } = await setup({
  engines: engines.length > 0 ? engines : ['echo'],
  models: engines.length > 0 ? [app] : [],
  dev: false,
  tools: [],
  log: (line) => console.error(line),
});
const { status } = spawnSync(
  process.execPath,
  ['--conditions=@xim/source', '--import', 'tsx', 'tools/soak/main.ts', ...args],
  { cwd: root, stdio: 'inherit', env: { ...process.env, XIM_VENVS: venvs, XIM_MODEL_CACHE: modelCache } },
);
process.exit(status ?? 1);
