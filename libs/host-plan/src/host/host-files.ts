import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of `/proc` and `/sys`, of this machine or of a recorded tree. A file that cannot be read is absent, never an error. */
export interface HostFiles {
  /** Content without surrounding white space. */
  text(path: string): string | undefined;
  /** The file's lines; none when it is absent. */
  lines(path: string): string[];
  /** A file that holds one whole number ≥ 0; anything else (`max`, `-1`) is absent. */
  number(path: string): number | undefined;
  names(folder: string): string[];
}

/** The files below a folder that holds `proc` and `sys`: `/` for this machine. */
export function hostFiles(root: string): HostFiles {
  return filesOf(
    (path) => {
      try {
        return readFileSync(join(root, path), 'utf8');
      } catch {
        return undefined;
      }
    },
    (folder) => {
      try {
        return readdirSync(join(root, folder));
      } catch {
        return [];
      }
    },
  );
}

/** The interface over two functions: the text of a file, and the names in a folder. */
export function filesOf(read: (path: string) => string | undefined, names: (folder: string) => string[]): HostFiles {
  const text = (path: string): string | undefined => read(path)?.trim();
  return {
    text,
    lines: (path) => text(path)?.split('\n') ?? [],
    number: (path) => {
      const value = text(path);
      return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
    },
    names,
  };
}

/** Value of `key` in lines such as `MemTotal:  24683656 kB` or `inactive_file 33738752`. */
export function valueOf(lines: readonly string[], key: string): string | undefined {
  for (const line of lines) {
    const [name, ...rest] = line.split(/[\s:]+/);
    if (name === key) return rest.join(' ').trim();
  }
  return undefined;
}
