import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CancelledError } from '@xim/engine';

export interface Program {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal | undefined;
  readonly onLine: (line: string) => void;
}

export interface Outcome {
  /** Of the process; absent when it could not be started or was killed. */
  readonly code: number | undefined;
  /** The end of its standard error, or the reason why it did not start. */
  readonly lastWords: readonly string[];
}

const KEPT_LINES = 20;

/** Runs a program to its end, handing on its output line by line. Rejects with a `CancelledError` when `signal` aborts. */
export function runLines({ command, env, signal, onLine }: Program): Promise<Outcome> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' });
    const words: string[] = [];
    createInterface({ input: child.stdout }).on('line', onLine);
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.trim() === '') return;
      words.push(line);
      if (words.length > KEPT_LINES) words.shift();
    });
    child.on('error', (error) => {
      if (signal?.aborted) reject(new CancelledError('The conversion was cancelled.'));
      else resolve({ code: undefined, lastWords: [error.message] });
    });
    child.on('close', (code) => {
      if (signal?.aborted) reject(new CancelledError('The conversion was cancelled.'));
      else resolve({ code: code ?? undefined, lastWords: words });
    });
  });
}
