import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/**
 * Runs a program of this clone from its TypeScript, with the arguments of this process, and ends with its exit code. It
 * is a separate process, since the condition `@xim/source` is a setting of Node.
 *
 * @param {URL} source
 */
export function runSource(source) {
  const args = ['--conditions=@xim/source', '--import', import.meta.resolve('tsx'), fileURLToPath(source)];
  const child = spawn(process.execPath, [...args, ...process.argv.slice(2)], { stdio: 'inherit' });
  // Ctrl-C of a terminal reaches the program too: passed on, it would count twice.
  process.on('SIGINT', () => undefined);
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal));
  child.once('close', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
}
