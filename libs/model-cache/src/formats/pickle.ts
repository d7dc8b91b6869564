import { open } from 'node:fs/promises';
import { openPromise } from 'yauzl';
import { PickleError } from '../errors.ts';

/** First byte of a binary pickle, followed by the protocol's number (Python, Lib/pickletools.py, opcode PROTO). */
const PROTO = 0x80;
const PROTOCOLS = [2, 3, 4, 5];
const ZIP = 'PK\u0003\u0004';

/**
 * Refuses a file that runs code when it is read: a pickle by itself, or an archive with one inside, as `torch.save`
 * writes it. A name says nothing: CTranslate2's `model.bin` is plain data, PyTorch's `pytorch_model.bin` is not.
 */
export async function refusePickle(path: string, name: string): Promise<void> {
  if (!(await isPickle(path))) return;
  throw new PickleError(
    `${name} is a pickle, which runs code when it is read. Convert it to safetensors once, somewhere that holds nothing ` +
      'of value (torch.load with weights_only=True, then safetensors.torch.save_file), and put that into models.json',
  );
}

async function isPickle(path: string): Promise<boolean> {
  const file = await open(path);
  const start = Buffer.alloc(4);
  try {
    await file.read(start, 0, 4, 0);
  } finally {
    await file.close();
  }
  if (start[0] === PROTO && PROTOCOLS.includes(start[1] ?? 0)) return true;
  return start.toString('latin1') === ZIP && (await holdsPickle(path));
}

async function holdsPickle(path: string): Promise<boolean> {
  try {
    const zip = await openPromise(path, { autoClose: false });
    try {
      for await (const { fileName } of zip.eachEntry()) if (/\.(?:pkl|pickle)$/i.test(fileName)) return true;
    } finally {
      zip.close();
    }
  } catch {
    // Not an archive, or an archive that no reader of pickles accepts.
  }
  return false;
}
