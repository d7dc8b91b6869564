import { join } from 'node:path';
import { download } from '../transfer/download.ts';
import type { Source } from './source.ts';

/** A file of a web server, with or without TLS: the content is checked against the lock. */
function web(scheme: string): Source {
  return {
    form: 'https://host/path',

    accepts: (reference) => reference.startsWith('//') && URL.canParse(scheme + reference) && !/\s/.test(reference),

    async open(reference, { sha256, path: name }, { partialFolder, hub, signal, report }) {
      const path = join(partialFolder, `${sha256}.part`);
      const onProgress = (receivedBytes: number, totalBytes: number | undefined): void =>
        report({ file: name, receivedBytes, totalBytes });
      await download({ url: new URL(scheme + reference), path, sha256, network: hub.network, signal, onProgress });
      return { path };
    },
  };
}

export const https = web('https:');
export const http = web('http:');
