/** One answered request of sound; seconds from sending it. */
export interface MediaAnswer {
  readonly first: number;
  readonly total: number;
  readonly body: Buffer;
}

/** Sends a request and reads the whole answer. Anything but a 200 ends the benchmark. */
export async function askMedia(url: string, body: string | FormData): Promise<MediaAnswer> {
  const began = performance.now();
  const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : undefined;
  const answer = await fetch(url, { method: 'POST', body, ...(headers && { headers }) });
  const parts: Uint8Array[] = [];
  let first = 0;
  for await (const part of answer.body!) {
    first ||= (performance.now() - began) / 1000;
    parts.push(part as Uint8Array);
  }
  const whole = Buffer.concat(parts);
  if (answer.status !== 200)
    throw new Error(`the service answered ${answer.status}: ${whole.toString().slice(0, 500)}`);
  return { first, total: (performance.now() - began) / 1000, body: whole };
}

/** `requests` requests from `clients` clients, each sending its next when its last is answered; seconds of them all. */
export async function runMedia<T>(
  clients: number,
  requests: number,
  ask: (number: number) => Promise<T>,
): Promise<{ readonly seconds: number; readonly answers: readonly T[] }> {
  const answers: T[] = [];
  let next = 0;
  const began = performance.now();
  const one = async (): Promise<void> => {
    while (next < requests) {
      const number = next++;
      answers[number] = await ask(number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(clients, requests) }, one));
  return { seconds: (performance.now() - began) / 1000, answers };
}
