import { connect, type Socket } from 'node:net';

/** One answer as a load generator needs it: times in monotonic milliseconds. */
export interface Answer {
  readonly status: number;
  /** First piece of content; the role that a stream begins with is none. 0 where there is no stream. */
  readonly first: number;
  readonly last: number;
  readonly body: string;
}

export interface Client {
  get(path: string): Promise<Answer>;
  /** `onContent` is called when a part of a stream arrives, with its monotonic milliseconds. */
  post(path: string, json: string, onContent?: (at: number) => void): Promise<Answer>;
  close(): void;
}

/** Part of chunks with text or a tool call, and of no other chunk. */
const CONTENT = ['"delta":{"content":', '"delta":{"tool_calls":'];

/**
 * A keep-alive HTTP/1.1 client on a bare socket, one request at a time: it costs a few microseconds per chunk, so that
 * on a small machine what is measured is the server and not the client. It understands what XIM answers (a length or
 * chunks), nothing more.
 */
export async function openClient(host: string, port: number, key?: string): Promise<Client> {
  const authorization = key === undefined ? '' : `authorization: Bearer ${key}\r\n`;
  const socket: Socket = connect(port, host);
  socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let chunks: Buffer[] = [];
  let first = 0;
  let received = 0;
  // Length of the whole answer, 0 while unknown, NaN when it comes in chunks.
  let whole = 0;
  let watch: ((at: number) => void) | undefined;
  let settle: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;

  const finish = (): void => {
    const text = Buffer.concat(chunks).toString('latin1');
    const head = text.indexOf('\r\n\r\n');
    settle?.resolve({ status: Number(text.slice(9, 12)), first, last: performance.now(), body: text.slice(head + 4) });
    settle = undefined;
  };
  const readHead = (): void => {
    const start = chunks[0]!.subarray(0, 2000).toString('latin1');
    const head = start.indexOf('\r\n\r\n');
    const length = /content-length: (\d+)/i.exec(start);
    if (head >= 0) whole = length === null ? NaN : head + 4 + Number(length[1]);
  };
  const isWhole = (chunk: Buffer): boolean => {
    if (whole === 0) readHead();
    return Number.isNaN(whole) ? chunk.subarray(-5).toString('latin1') === '0\r\n\r\n' : received === whole;
  };
  socket.on('data', (chunk: Buffer) => {
    if ((first === 0 || watch !== undefined) && CONTENT.some((start) => chunk.includes(start))) {
      const at = performance.now();
      first ||= at;
      watch?.(at);
    }
    chunks.push(chunk);
    received += chunk.length;
    if (isWhole(chunk)) finish();
  });
  const fail = (error?: Error): void => settle?.reject(error ?? new Error('the server closed the connection'));
  socket.on('error', fail);
  socket.on('close', () => fail());

  const send = (request: string, onContent?: (at: number) => void): Promise<Answer> => {
    watch = onContent;
    chunks = [];
    first = received = whole = 0;
    const answer = new Promise<Answer>((resolve, reject) => (settle = { resolve, reject }));
    socket.write(request);
    return answer;
  };

  return {
    get: (path) => send(`GET ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\n${authorization}\r\n`),
    post(path, json, onContent) {
      const head = `POST ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\n${authorization}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n\r\n`;
      return send(head + json, onContent);
    },
    close: () => void socket.destroy(),
  };
}
