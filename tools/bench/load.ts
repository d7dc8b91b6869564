import { type Answer, openClient } from './client.ts';

export interface Load {
  readonly seconds: number;
  readonly tokens: number;
  /** Seconds per request: to the first byte of content, and from there per further token. */
  readonly first: readonly number[];
  readonly perToken: readonly number[];
  /** Seconds per request, whole. */
  readonly total: readonly number[];
}

export interface LoadOptions {
  readonly port: number;
  readonly path: string;
  readonly clients: number;
  readonly requests: number;
  readonly body: (number: number) => object;
}

/**
 * `clients` clients, each of which sends its next request after its last answer, until `requests` are done.
 * Anything but a 200 with a whole answer ends the benchmark: a server that refuses is not fast.
 */
export async function runLoad({ port, path, clients, requests, body }: LoadOptions): Promise<Load> {
  const open = await Promise.all(
    Array.from({ length: Math.min(clients, requests) }, () => openClient('127.0.0.1', port)),
  );
  const first: number[] = [];
  const perToken: number[] = [];
  const total: number[] = [];
  let tokens = 0;
  let next = 0;
  // Made before the clock starts, since the client shares the machine with the measured service.
  const bodies = Array.from({ length: requests }, (_, number) => JSON.stringify(body(number)));
  const began = performance.now();
  await Promise.all(
    open.map(async (client) => {
      while (next < requests) {
        const json = bodies[next++] ?? '';
        const sent = performance.now();
        const answer = await client.post(path, json);
        const produced = tokensOf(answer);
        tokens += produced;
        total.push((answer.last - sent) / 1000);
        first.push((answer.first - sent) / 1000);
        perToken.push((answer.last - answer.first) / 1000 / Math.max(1, produced - 1));
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  for (const client of open) client.close();
  return { seconds, tokens, first, perToken, total };
}

/** Output tokens of a chat answer (its usage), 0 for an embedding. */
function tokensOf({ status, body }: Answer): number {
  if (status !== 200) throw new Error(`the service answered ${status}: ${body.slice(0, 500)}`);
  if (body.includes('"error"')) throw new Error(`the stream failed: ${body.slice(-500)}`);
  return Number(/"completion_tokens":(\d+)/.exec(body)?.[1] ?? 0);
}
