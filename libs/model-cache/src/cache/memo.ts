import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file that only saves work: a checksum or an answer of the hub that the next start would find again. Replaces
 * the file at once. A cache that cannot be written, because it is read-only or full, costs that work again and is no error.
 */
export async function writeMemo(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
