import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { constants } from 'node:os';

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
/** @type {Set<() => void>} */
const cleanups = new Set();

/**
 * Runs a program to its end, in a separate process group, so that an interruption ends all its processes.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {object} options
 * @param {string} options.cwd
 * @param {NodeJS.ProcessEnv} options.env
 * @param {string} [options.logFile] gets the command line and all output; without it the user sees stderr, and stdout is dropped
 * @param {(line: string) => void} [options.onLine] called with each line of stdout that goes to the log file
 * @returns {Promise<{ ok: boolean, output: string }>} never rejects; a program that cannot be started is not ok
 */
export function run(program, args, { cwd, env, logFile, onLine }) {
  if (logFile) appendFileSync(logFile, `$ ${program} ${args.join(' ')}\n`);
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      ...{ cwd, env, detached: true },
      stdio: ['ignore', logFile ? 'pipe' : 'ignore', logFile ? 'pipe' : 2],
    });
    children.add(child);
    let output = '';
    let rest = '';
    /** @param {Buffer} chunk */
    const collect = (chunk) => {
      output += chunk;
      try {
        if (logFile) appendFileSync(logFile, chunk);
      } catch {
        // A full disk: the output that says so is still in memory.
      }
    };
    child.stderr?.on('data', collect);
    child.stdout?.on('data', (chunk) => {
      collect(chunk);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine?.(line);
    });
    child.once('error', (error) => {
      children.delete(child);
      resolve({ ok: false, output: `${output}\n${error.message}` });
    });
    child.once('close', (code) => {
      children.delete(child);
      resolve({ ok: code === 0, output });
    });
  });
}

/**
 * Runs `work` so that SIGINT, SIGTERM and SIGHUP end its programs, undo what is half-built, and end this process with
 * 128 + the signal's number, as a shell would.
 *
 * @template T
 * @param {(line: string) => void} log
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function interruptible(log, work) {
  /** @type {readonly ('SIGINT' | 'SIGTERM' | 'SIGHUP')[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  /** @param {NodeJS.Signals} signal */
  const end = (signal) => {
    for (const { pid } of children) if (pid) killGroup(pid);
    for (const cleanup of cleanups) cleanup();
    log('Set-up was stopped; the next start continues it.');
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of signals) process.on(signal, end);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.off(signal, end);
  }
}

/**
 * Runs `work`; `cleanup` follows when it fails or is interrupted, and not when it succeeds.
 *
 * @template T
 * @param {() => void} cleanup
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function undoing(cleanup, work) {
  cleanups.add(cleanup);
  try {
    return await work();
  } catch (error) {
    cleanup();
    throw error;
  } finally {
    cleanups.delete(cleanup);
  }
}

/** @param {number} pid */
function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}
