import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';

/** Ctrl-C reaches this process twice, from the terminal and from npm: repeats within this time are the same wish. */
const SAME_WISH_MS = 1000;

/**
 * @typedef {object} Service
 * @property {string} name
 * @property {string[]} args of node
 * @property {NodeJS.ProcessEnv} env
 */

/**
 * Runs services until a signal ends them or one of them ends by itself, which ends the others. The first signal asks
 * them to finish (SIGTERM), the second again, which a service takes for "at once", and the third kills them.
 *
 * @param {Service[]} services
 * @param {object} options
 * @param {string} options.cwd
 * @param {(line: string) => void} options.log
 * @returns {Promise<number>} exit code: 0 if all ended as asked, else that of the service that ended first
 */
export function runServices(services, { cwd, log }) {
  return new Promise((resolve) => {
    /** @type {Set<import('node:child_process').ChildProcess>} */
    const running = new Set();
    let exitCode = 0;
    let stopping = false;
    let wishes = 0;
    let lastWish = -Infinity;

    const stop = () => {
      stopping = true;
      for (const child of running) child.kill('SIGTERM');
    };
    const wish = () => {
      const now = performance.now();
      if (now - lastWish < SAME_WISH_MS) return;
      lastWish = now;
      wishes += 1;
      if (wishes < 3) stop();
      else for (const child of running) child.kill('SIGKILL');
    };
    // SIGHUP: the terminal was closed.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, wish);

    for (const { name, args, env } of services) {
      const output = services.length === 1 ? 'inherit' : 'pipe';
      // A session of its own: the terminal's Ctrl-C reaches the service once, through this process, and never twice.
      const child = spawn(process.execPath, args, {
        ...{ cwd, env, detached: true },
        stdio: ['ignore', output, output, 'ipc'],
      });
      running.add(child);
      if (child.stdout) prefixLines(child.stdout, process.stdout, name);
      if (child.stderr) prefixLines(child.stderr, process.stderr, name);
      child.once('error', (error) => log(`${name} could not be started: ${error.message}`));
      child.once('close', (code, signal) => {
        running.delete(child);
        const ownCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
        // Asked to stop before it could listen to signals, a service ends by the signal itself.
        const asAsked = stopping && (ownCode === 0 || signal === 'SIGTERM');
        if (!asAsked && exitCode === 0) exitCode = ownCode;
        if (!stopping) {
          if (running.size > 0) log(`${name} ended with exit code ${ownCode}; stopping the others.`);
          stop();
        }
        if (running.size === 0) resolve(exitCode);
      });
    }
  });
}

/**
 * @param {import('node:stream').Readable} from
 * @param {NodeJS.WritableStream} to
 * @param {string} name
 */
function prefixLines(from, to, name) {
  createInterface({ input: from }).on('line', (line) => to.write(`${name} | ${line}\n`));
}
