import type { Readable } from 'node:stream';
import type { Log } from '@xim/engine';

const TAIL_LINES = 40;
const MAX_LINE_CHARACTERS = 2000;
const MAX_LOGGED_PER_SECOND = 50;

/**
 * Forwards what a worker writes to the log, line by line, and keeps the last lines for the error that may follow.
 * Memory and log volume are bounded whatever the worker writes: long lines are cut, a flood is counted instead.
 */
export function followLog(streams: readonly Readable[], log: Log): { lastWords(): readonly string[] } {
  const tail: string[] = [];
  let second = 0;
  let logged = 0;
  let dropped = 0;

  const take = (line: string): void => {
    if (line.trim() === '') return;
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) {
      if (dropped > 0) log.warn({ dropped }, 'lines of the worker were left out of this log');
      second = now;
      logged = 0;
      dropped = 0;
    }
    if (logged < MAX_LOGGED_PER_SECOND) log.info({ worker: line }, 'worker');
    else dropped += 1;
    logged += 1;
  };

  for (const stream of streams) {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split(/\r?\n|\r/);
      rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARACTERS);
      for (const line of lines) take(line.slice(0, MAX_LINE_CHARACTERS));
    });
    stream.on('end', () => take(rest));
    stream.on('error', () => undefined);
  }
  return { lastWords: () => [...tail] };
}
