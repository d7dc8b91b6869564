// `npm run bench`: sets up what is missing, then measures. Dependency-free, since it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setup } from './start/index.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { venvs, modelCache } = await setup({
  // PyTorch is large, so that only its own benchmarks bring it.
  engines: ['oneapi', 'echo', ...(['ipex', 'sd-ipex'].some((name) => process.argv.includes(name)) ? ['ipex'] : [])],
  models: ['chat', 'embedding', 'speech', 'whisperx'],
  dev: false,
  // The peer that the benchmark measures against; no service needs it.
  tools: ['bench'],
  log: (line) => console.error(line),
});
const { status } = spawnSync(
  process.execPath,
  ['--conditions=@xim/source', '--import', 'tsx', 'tools/bench/main.ts', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, XIM_VENVS: venvs, XIM_MODEL_CACHE: modelCache } },
);
process.exit(status ?? 1);
