import { randomBytes } from 'node:crypto';

/** A picture as the engine made it. */
export interface StoredPicture {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

export interface PictureStore {
  /** Keeps the pictures of one answer; gives their names, which nobody can guess, in the same order. */
  put(pictures: readonly StoredPicture[]): string[];
  /** Undefined for a name that was never given, or whose picture is gone. */
  get(name: string): StoredPicture | undefined;
}

export interface PictureStoreOptions {
  /** Bytes of all pictures together. The oldest go first; one answer alone may have more. */
  readonly maxBytes: number;
  /** Milliseconds that a picture stays. */
  readonly lifetimeMs: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** Pictures in memory for a short time, for answers that hold addresses. */
export function createPictureStore(options: PictureStoreOptions): PictureStore {
  const { maxBytes, lifetimeMs, now = () => performance.now() } = options;
  /** In the order of their arrival. */
  const pictures = new Map<string, StoredPicture & { readonly until: number }>();
  let held = 0;

  const drop = (name: string): void => {
    held -= pictures.get(name)?.bytes.byteLength ?? 0;
    pictures.delete(name);
  };
  const dropOld = (): void => {
    const time = now();
    for (const [name, { until }] of pictures) {
      if (until > time) return;
      drop(name);
    }
  };

  return {
    put(answer) {
      dropOld();
      const needed = answer.reduce((total, { bytes }) => total + bytes.byteLength, 0);
      for (const name of pictures.keys()) if (held + needed > maxBytes) drop(name);
      return answer.map((picture) => {
        const name = `${randomBytes(24).toString('base64url')}.${picture.mediaType.split('/')[1]}`;
        pictures.set(name, { ...picture, until: now() + lifetimeMs });
        held += picture.bytes.byteLength;
        return name;
      });
    },
    get(name) {
      dropOld();
      return pictures.get(name);
    },
  };
}
