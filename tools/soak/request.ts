import { request as httpRequest } from 'node:http';

/** How a client behaves: as most do, leaves before the end, takes its answer slowly, or cuts its own upload. */
export type Behaviour = 'patient' | 'vanishing' | 'slow' | 'cutting';

/**
 * - accepted: the whole answer came;
 * - refused: the service said at once that it has no room, or that it is not ready or closing;
 * - expired: the service said that the deadline passed, which a queue at twice the capacity allows;
 * - failed: any other answer that says so in the API's shape, in a stream too;
 * - left: the client itself went away, or was cut off since it read nothing;
 * - hung: no end before the patience of the client was over;
 * - lost: the connection ended without a whole answer and without an error.
 */
export type Outcome = 'accepted' | 'refused' | 'expired' | 'failed' | 'left' | 'hung' | 'lost';

export interface Sent {
  readonly outcome: Outcome;
  /** 0 without an answer. */
  readonly status: number;
  readonly seconds: number;
  /** The error, or the end of an answer that is not whole. */
  readonly detail: string;
}

export interface Message {
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
}

interface SendOptions {
  readonly port: number;
  readonly message: Message;
  readonly behaviour: Behaviour;
  /** 0 to 1: how far a client goes that leaves or cuts. */
  readonly part: number;
  readonly patienceMs: number;
}

/** Statuses that send a client away at once: full, and not ready or closing. A 503 of a dead engine is no refusal. */
const REFUSALS = [429, 503];
const ENGINE_DEAD = /"code":\s*"engine_dead"/;
const SLOW = 'the deadline passed; a slow host needs a longer --patience';
const DEADLINE = /"code":\s*"deadline_exceeded"/;

/** Sends one request on a connection of its own; never rejects. */
export function send({ port, message, behaviour, part, patienceMs }: SendOptions): Promise<Sent> {
  const { path, type, body } = message;
  const began = performance.now();
  return new Promise((resolve) => {
    let status = 0;
    const parts: Buffer[] = [];
    const end = (outcome: Outcome, detail = ''): void => {
      clearTimeout(patience);
      resolve({ outcome, status, seconds: (performance.now() - began) / 1000, detail });
      outgoing.destroy();
    };
    const outgoing = httpRequest({
      ...{ host: '127.0.0.1', port, path, method: 'POST', agent: false },
      headers: { 'content-type': type, 'content-length': body.length },
    });
    const patience = setTimeout(() => end('hung', `${path}: no end after ${patienceMs} ms`), patienceMs);
    outgoing.on('response', (answer) => {
      status = answer.statusCode ?? 0;
      answer.on('data', (chunk: Buffer) => {
        parts.push(chunk);
        if (behaviour !== 'slow' || status !== 200) return;
        answer.pause();
        setTimeout(() => answer.resume(), 20);
      });
      answer.on('end', () => end(...judge(status, Buffer.concat(parts), answer.headers['content-type'] ?? '')));
      answer.on('error', (error) => end(...judgeCut(status, Buffer.concat(parts), behaviour, error.message)));
      // A client that vanishes after the first part of its answer, or before it.
      if (behaviour === 'vanishing') setTimeout(() => end('left'), part * 200);
    });
    outgoing.on('error', (error) => {
      if (behaviour === 'cutting') end('left');
      else end('lost', `${path}: ${error.message} without an answer`);
    });
    if (behaviour === 'cutting') {
      outgoing.write(body.subarray(0, Math.floor(body.length * part)));
      setTimeout(() => end('left'), 50);
    } else outgoing.end(body);
    if (behaviour === 'vanishing') setTimeout(() => end('left'), 100 + part * 2000);
  });
}

/** An answer that came to its end. A stream of events ends with its last event, or with an error. */
export function judge(status: number, body: Buffer, type: string): [Outcome, string] {
  const tail = body.subarray(-300).toString();
  if (REFUSALS.includes(status) && !ENGINE_DEAD.test(tail)) return ['refused', ''];
  if (status === 504) return ['expired', SLOW];
  if (status !== 200) return ['failed', `${status}: ${tail}`];
  if (!type.startsWith('text/event-stream')) return ['accepted', ''];
  if (DEADLINE.test(tail)) return ['expired', SLOW];
  if (/"error":\s*\{/.test(body.toString())) return ['failed', `200, in the stream: ${tail}`];
  return /data: \[DONE\]\s*$/.test(tail) ? ['accepted', ''] : ['lost', `a stream without its end: ${tail}`];
}

/** A connection that broke. One that carries bytes has no other way to tell a failure after its first byte. */
function judgeCut(status: number, body: Buffer, behaviour: Behaviour, message: string): [Outcome, string] {
  if (behaviour === 'slow') return ['left', ''];
  return ['lost', `${status}, ${message}: ${body.subarray(-300).toString()}`];
}
