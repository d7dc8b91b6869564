import { type FileHandle, open } from 'node:fs/promises';
import { ModelFetchError } from '@xim/model-cache';

// The ustar format (POSIX.1-2017, pax, "ustar Interchange Format"): blocks of 512 bytes, a header before each member.
// Not by a library, since each field must be checked as hostile input, and only three kinds of members are allowed.

const BLOCK = 512;
/** Largest size that eleven octal digits hold; larger ones are written base-256, as GNU tar does and reads. */
const MOST_OCTAL = 0o77777777777;

export interface TarMember {
  readonly name: string;
  readonly kind: 'file' | 'link' | 'folder';
  /** Bytes of a file's content. */
  readonly size: number;
  /** Where a symbolic link leads. */
  readonly target: string;
  /** First byte of the content in the archive. */
  readonly offset: number;
}

/** Bytes before a member's content. `mtime` in whole seconds. */
export function toTarHeader(member: Pick<TarMember, 'name' | 'kind' | 'size' | 'target'>, mtime: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const { prefix, name } = split(member.name);
  const target = Buffer.from(member.target);
  if (target.length > 100) throw new ModelFetchError(`the path ${member.name} is too long for a tar archive`);
  header.write(name, 0, 100);
  header.write(member.kind === 'file' ? '0000644\0' : '0000777\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  if (member.size > MOST_OCTAL) {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(member.size), 128);
  } else {
    header.write(`${octal(member.size, 11)}\0`, 124);
  }
  header.write(`${octal(mtime, 11)}\0`, 136);
  header.write('        ', 148);
  header.write({ file: '0', link: '2', folder: '5' }[member.kind], 156);
  target.copy(header, 157);
  header.write('ustar\0', 257);
  header.write('00', 263);
  header.write(prefix, 345, 155);
  header.write(`${octal(sum(header), 6)}\0 `, 148);
  return header;
}

/** Zeros after a content of so many bytes. */
export function toTarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The end of an archive. */
export function toTarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** Lists an archive without reading contents. Throws a `ModelFetchError` for anything but files, links and folders. */
export async function readTar(path: string): Promise<TarMember[]> {
  const archive = await open(path);
  try {
    const { size: total } = await archive.stat();
    const members: TarMember[] = [];
    for (let at = 0; ;) {
      const header = await readBlock(archive, at, path);
      if (header.every((byte) => byte === 0)) return members;
      const member = toMember(header, at + BLOCK, path);
      at = member.offset + Math.ceil(member.size / BLOCK) * BLOCK;
      if (member.offset + member.size > total) throw damaged(path, `it ends within ${member.name}`);
      members.push(member);
    }
  } finally {
    await archive.close();
  }
}

async function readBlock(archive: FileHandle, at: number, path: string): Promise<Buffer> {
  const block = Buffer.alloc(BLOCK);
  const { bytesRead } = await archive.read(block, 0, BLOCK, at);
  if (bytesRead < BLOCK) throw damaged(path, 'it has no end');
  return block;
}

function toMember(header: Buffer, offset: number, path: string): TarMember {
  const stated = parseInt(text(header, 148, 8), 8);
  header.write('        ', 148);
  if (stated !== sum(header)) throw damaged(path, 'a header has a wrong checksum');
  const prefix = text(header, 345, 155);
  const name = (prefix === '' ? '' : `${prefix}/`) + text(header, 0, 100);
  const type = String.fromCharCode(header[156] ?? 0);
  const kind = ({ '0': 'file', '\0': 'file', '2': 'link', '5': 'folder' } as const)[type];
  if (!kind) throw new ModelFetchError(`${path} holds ${name}, which is neither a file nor a symbolic link`);
  const binary = ((header[124] ?? 0) & 0x80) !== 0;
  const size = binary ? Number(header.readBigUInt64BE(128)) : parseInt(text(header, 124, 12), 8);
  if (!Number.isSafeInteger(size) || size < 0) throw damaged(path, `the size of ${name} is no number`);
  return { name, kind, size: kind === 'file' ? size : 0, target: text(header, 157, 100), offset };
}

/** A name of more than 100 bytes is split at a slash. */
function split(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path };
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { prefix, name };
  }
  throw new ModelFetchError(`the path ${path} is too long for a tar archive`);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function sum(header: Buffer): number {
  return header.reduce((total, byte) => total + byte, 0);
}

function text(header: Buffer, from: number, length: number): string {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString();
}

function damaged(path: string, problem: string): ModelFetchError {
  return new ModelFetchError(`${path} is no complete tar archive: ${problem}`);
}
