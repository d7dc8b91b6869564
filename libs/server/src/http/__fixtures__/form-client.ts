import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { silentWav } from './silent-wav.ts';

export const BOUNDARY = 'xim-test-boundary';
export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
export const FORM_END = `\r\n--${BOUNDARY}--\r\n`;

/** The part of a form before the bytes of a file. */
export function fileHead(field = 'file', name = 'sound.wav'): string {
  const disposition = `Content-Disposition: form-data; name="${field}"; filename="${name}"`;
  return `--${BOUNDARY}\r\n${disposition}\r\nContent-Type: audio/wav\r\n\r\n`;
}

export function fieldPart(name: string, value: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

/** A form as a browser makes it; every file is called `sound.wav`. */
export function form(entries: Record<string, string | Blob | readonly (string | Blob)[]>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(entries)) {
    for (const item of [value].flat()) {
      if (typeof item === 'string') data.append(name, item);
      else data.append(name, item, 'sound.wav');
    }
  }
  return data;
}

export function wav(seconds: number): Blob {
  return new Blob([new Uint8Array(silentWav(seconds))], { type: 'audio/wav' });
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly json: unknown;
}

export interface OpenUpload {
  readonly request: ClientRequest;
  /** Rejects when the connection is reset before the whole answer came. */
  readonly answer: Promise<Answer>;
}

/** A request whose body the test sends piece by piece, on a connection of its own. */
export function openUpload(url: string, headers: Record<string, string> = {}): OpenUpload {
  const outgoing = request(url, { method: 'POST', agent: false, headers: { 'content-type': FORM_TYPE, ...headers } });
  const answer = new Promise<Answer>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, json: JSON.parse(text) as unknown });
      });
    });
  });
  answer.catch(() => undefined);
  return { request: outgoing, answer };
}

/** Sends `body` to the end before it reads a byte of the answer, as simple clients do; resolves with the answer as it came. */
export async function sendThenRead(url: string, head: readonly string[], body: Buffer): Promise<string> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.pause();
  try {
    return await new Promise((resolve, reject) => {
      let text = '';
      socket.on('error', reject);
      socket.setEncoding('latin1').on('data', (piece: string) => {
        text += piece;
        const [headers, rest] = text.split('\r\n\r\n');
        const length = Number(/content-length: (\d+)/i.exec(headers ?? '')?.[1]);
        if (rest !== undefined && rest.length >= length) resolve(text);
      });
      socket.pause();
      socket.write([`POST ${pathname} HTTP/1.1`, `Host: ${hostname}`, ...head, '', ''].join('\r\n'));
      socket.write(body, () => socket.resume());
    });
  } finally {
    socket.destroy();
  }
}
