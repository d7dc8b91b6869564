import fs from 'node:fs';

/** The functions that print, and the way from their arguments to the text. */
const CONSOLE = ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const;

/**
 * Records all output from now on: by console, process.stdout, or the file descriptors, as loggers do. A test that
 * expects output replaces the function (`vi.spyOn(console, 'warn').mockImplementation(…)`), and then nothing is recorded.
 */
export function watchOutput(): { end(): string[] } {
  const seen: string[] = [];
  const undo: (() => void)[] = [];
  let inside = false;
  const note = (text: unknown) => {
    const line = String(text).trim().slice(0, 200);
    if (line) seen.push(line); // child_process writes an empty string for a child that said nothing
  };
  /** Wraps a function of `target` until the end. Output through several wrapped functions is recorded once. */
  const wrap = <T extends object, K extends keyof T>(target: T, name: K, textOf: (args: unknown[]) => unknown) => {
    const original = target[name] as (...args: unknown[]) => unknown;
    const wrapper = function (this: unknown, ...args: unknown[]): unknown {
      const text = inside ? undefined : textOf(args);
      if (text !== undefined) note(text);
      const outer = inside;
      inside = true;
      try {
        return original.apply(this, args);
      } finally {
        inside = outer;
      }
    };
    target[name] = wrapper as T[K];
    undo.push(() => {
      if (target[name] === wrapper) target[name] = original as T[K];
    });
  };

  for (const name of CONSOLE) wrap(console, name, (args) => args.map(String).join(' '));
  for (const stream of [process.stdout, process.stderr]) wrap(stream, 'write', ([chunk]) => String(chunk));
  for (const name of ['write', 'writeSync', 'writev', 'writevSync'] as const) {
    wrap(fs, name, ([fd, data]) => (fd === 1 || fd === 2 ? (Array.isArray(data) ? data.join('') : data) : undefined));
  }
  return {
    end() {
      for (const each of undo) each();
      return seen;
    },
  };
}
