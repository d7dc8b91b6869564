import type { AddressInfo } from 'node:net';
import type { Task } from '@xim/engine';

/** A first request per task, as one would type it. */
const examples: Readonly<Partial<Record<Task, { path: string; body: object; output?: string }>>> = {
  generate: {
    path: '/chat/completions',
    body: { messages: [{ role: 'user', content: 'Write one sentence about the sea.' }] },
  },
  embed: { path: '/embeddings', body: { input: 'Hello' } },
  rerank: { path: '/rerank', body: { query: 'boats', documents: ['a quiet harbour', 'a loud market'] } },
  speak: { path: '/audio/speech', body: { voice: 'alloy', input: 'Hello.' }, output: 'speech.mp3' },
};

/** Where a client finds the service; an address that means all interfaces is shown as this machine's own. */
export function toBaseUrl({ address, port }: AddressInfo): string {
  const host =
    address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address.includes(':') ? `[${address}]` : address;
  return `http://${host}:${port}/v1`;
}

/** The lines for people when the service is ready: a request to try, and last the URL. */
export function formatGreeting(options: {
  service: string;
  task: Task;
  model: string;
  url: string;
  key: boolean;
}): string {
  const { service, task, model, url, key } = options;
  const example = examples[task];
  const auth = key ? ' -H "Authorization: Bearer $KEY"' : '';
  const request = example
    ? `curl ${url}${example.path}${auth} -H 'Content-Type: application/json' -d '${JSON.stringify({ model, ...example.body })}'${example.output === undefined ? '' : ` -o ${example.output}`}`
    : `curl ${url}/models${auth}`;
  return `\n${service} is ready with ${model}. Try:\n\n  ${request}\n\n${url}\n`;
}
