// `node tools/check/pytest.mjs libs/<name>`: the Python tests of one project (`npx nx pytest <name>`).
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pytestCommand, pythonFolders } from './python.mjs';
import { runCommand } from './run-command.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const [project, ...args] = process.argv.slice(2);
const folder = pythonFolders(ROOT).find(({ path }) => path === project || path === `${project}/python`);
if (!folder) {
  console.error(`usage: node tools/check/pytest.mjs <project> [pytest options]; ${project} has no Python.`);
  process.exit(2);
}
const command = pytestCommand(ROOT, folder, { venvs: process.env['XIM_VENVS'] ?? join(ROOT, '.venv') });
const { code } = await runCommand({ ...command, args: [...command.args, ...args] }, { cwd: ROOT, env: process.env });
process.exit(code);
