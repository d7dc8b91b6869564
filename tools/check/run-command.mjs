import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Runs a command and shows its output, with `whole` at its end. A signal to this process ends the command first.
 *
 * @param {import('./steps.mjs').Command} command
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, whole?: boolean }} defaults
 * @returns {Promise<{ code: number, output: string }>} the code of a command that cannot be started is 127
 */
export function runCommand({ program, args, cwd, env }, defaults) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: cwd ?? defaults.cwd,
      env: { ...defaults.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    /** @type {(to: NodeJS.WritableStream) => (chunk: Buffer) => void} */
    const show = (to) => (chunk) => {
      output += chunk;
      if (!defaults.whole) to.write(chunk);
    };
    child.stdout.on('data', show(process.stdout));
    child.stderr.on('data', show(process.stderr));
    /** @type {(signal: NodeJS.Signals) => void} */
    const end = (signal) => {
      child.once('close', () => process.exit(128 + constants.signals[signal]));
      child.kill(signal);
    };
    process.on('SIGINT', end).on('SIGTERM', end);
    /** @param {number} code */
    const done = (code) => {
      process.off('SIGINT', end).off('SIGTERM', end);
      if (defaults.whole) process.stdout.write(output);
      resolve({ code, output });
    };
    child.once('error', (error) => {
      console.error(`${program} cannot be started: ${error.message}`);
      done(127);
    });
    child.once('close', (code) => done(code ?? 1));
  });
}

/**
 * Runs commands, at most `atOnce` at the same time, and shows the output of each at its end.
 *
 * @param {readonly import('./steps.mjs').Command[]} commands
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, atOnce: number }} options
 * @returns {Promise<{ code: number, output: string }[]>} in the order of the commands
 */
export async function runTogether(commands, { atOnce, ...defaults }) {
  /** @type {{ code: number, output: string }[]} */
  const results = [];
  let next = 0;
  const run = async () => {
    while (next < commands.length) {
      const index = next++;
      results[index] = await runCommand(/** @type {import('./steps.mjs').Command} */ (commands[index]), {
        ...defaults,
        whole: atOnce > 1,
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, commands.length) }, run));
  return results;
}
