/** An answer of a service under load. */
export interface Answer {
  readonly service: string;
  /** Monotonic milliseconds. */
  readonly started: number;
  readonly ended: number;
  /** `served`: the whole answer came. `refused`: 429 or 503 with the error object. `failed`: anything else. */
  readonly outcome: 'served' | 'refused' | 'failed';
  readonly detail: string;
}

export interface Load {
  readonly answers: readonly Answer[];
  /** Requests that wait for the end of their answer now. */
  readonly open: number;
  /** Asks for no more, and resolves when the last answer came. */
  stop(): Promise<void>;
}

type Ask = (origin: string) => Promise<{ outcome: Answer['outcome']; detail: string }>;

/** The kinds of requests of the load: a plain and a streamed chat, and vectors. */
export const REQUESTS: Readonly<Record<'chat' | 'stream' | 'embedding', Ask>> = {
  chat: (origin) => ask(`${origin}/v1/chat/completions`, chat(false), (text) => 'choices' in JSON.parse(text)),
  stream: (origin) => ask(`${origin}/v1/chat/completions`, chat(true), (text) => text.endsWith('data: [DONE]\n\n')),
  embedding: (origin) => ask(`${origin}/v1/embeddings`, { input: 'the sea' }, (text) => 'data' in JSON.parse(text)),
};

const chat = (stream: boolean): object => ({
  messages: [{ role: 'user', content: 'Describe the sea.' }],
  max_completion_tokens: 12,
  stream,
});

/** Clients that each send the next request when they have the answer to the last. */
export function startLoad(origin: string, clients: readonly (keyof typeof REQUESTS)[]): Load {
  const answers: Answer[] = [];
  let open = 0;
  let stopping = false;
  const client = async (service: keyof typeof REQUESTS): Promise<void> => {
    while (!stopping) {
      const started = performance.now();
      open += 1;
      const { outcome, detail } = await REQUESTS[service](origin);
      open -= 1;
      answers.push({ service, started, ended: performance.now(), outcome, detail });
      if (outcome !== 'served') await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  const running = clients.map(client);
  return {
    answers,
    get open() {
      return open;
    },
    async stop() {
      stopping = true;
      await Promise.all(running);
    },
  };
}

async function ask(url: string, body: object, isWhole: (text: string) => boolean): ReturnType<Ask> {
  try {
    const signal = AbortSignal.timeout(120_000);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal });
    const text = await answer.text();
    if (answer.ok) return isWhole(text) ? served : { outcome: 'failed', detail: `cut off after ${text.length} bytes` };
    const refused = [429, 503].includes(answer.status) && 'error' in JSON.parse(text);
    return { outcome: refused ? 'refused' : 'failed', detail: `${answer.status} ${text.slice(0, 200)}` };
  } catch (error) {
    const { message, cause } = error as Error;
    return { outcome: 'failed', detail: `${message}: ${String((cause as Error | undefined)?.message ?? '')}` };
  }
}

const served = { outcome: 'served', detail: '' } as const;
