import { open } from 'node:fs/promises';
import type { ReadAt } from './gguf.ts';

/** Opens a file for `work`, which reads from anywhere in it. */
export async function openFile<T>(path: string, work: (readAt: ReadAt) => Promise<T>): Promise<T> {
  const file = await open(path);
  try {
    return await work(async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    });
  } finally {
    await file.close();
  }
}
