import { once } from 'node:events';
import { connect } from 'node:net';
import type { CallOptions, EngineFactory, GenerateEvent, GenerateInput } from '@xim/engine';
import { echo } from '@xim/engine-echo';
import OpenAI from 'openai';
import { scripted, type Tasks } from './scripted-engine.ts';
import { venvs } from './venvs.ts';
import { readConfig } from '../config/config.ts';
import type { RoutePlugin } from '../context.ts';
import { createServer } from '../create-server.ts';
import { chatCompletions } from '../openai/chat/route.ts';
import { completions } from '../openai/completions/route.ts';
import { messages } from '../anthropic/route.ts';
import { responses } from '../openai/responses/route.ts';
import { embeddings } from '../openai/embeddings/route.ts';
import { reranking } from '../rerank/route.ts';
import { defineService } from '../service.ts';
import { textGeneration } from '../tgi/route.ts';

export interface TestService {
  /** Without a slash at its end. */
  readonly origin: string;
  /** The official client, without its retries. */
  readonly client: OpenAI;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string): Promise<Response>;
  close(): Promise<void>;
}

async function start(
  task: 'generate' | 'embed' | 'rerank',
  engine: EngineFactory,
  routes: RoutePlugin[],
  env: Record<string, string> = {},
  models = new URL(task === 'generate' ? './echo-models.json' : `./echo-${task}-models.json`, import.meta.url),
): Promise<TestService> {
  const { config } = readConfig({
    ...{ XIM_SLOTS: '8', XIM_QUEUE: '4096', XIM_LOG_LEVEL: 'silent', XIM_VENVS: venvs },
    ...env,
  });
  const server = await createServer(defineService({ name: 'test', task, engines: [engine], models, routes }), config);
  const origin = await server.app.listen({ host: '127.0.0.1', port: 0 });
  await server.ready;
  return {
    origin,
    client: new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'none', maxRetries: 0 }),
    post: (path, body, headers) =>
      fetch(`${origin}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    get: (path) => fetch(`${origin}${path}`),
    close: () => server.close({ drainMs: 0 }),
  };
}

const generating = [chatCompletions, completions, responses, messages, textGeneration];

/** The real server over a real worker that answers with the prompt's own words. */
export const startChat = (env?: Record<string, string>) => start('generate', echo, generating, env);
export const startEmbedding = (env?: Record<string, string>) => start('embed', echo, [embeddings], env);
export const startReranking = (env?: Record<string, string>) => start('rerank', echo, [reranking], env);

type Generate = (input: GenerateInput, options: CallOptions) => AsyncIterable<GenerateEvent>;

/** The real server over an engine in this process that says what the test says. */
export const startScripted = (generate: Generate, env?: Record<string, string>, models?: URL) =>
  start('generate', scripted({ generate }), generating, env, models);

/** The same with several tasks, and the routes of text, vectors and reranking. */
export const startScriptedTasks = (tasks: Tasks, env?: Record<string, string>) =>
  start('generate', scripted(tasks), [...generating, embeddings, reranking], env);

/** The real server over an engine that can do nothing, with the routes of several tasks. */
export const startIdle = () => start('generate', scripted({}), [...generating, embeddings, reranking]);

/** The data of an answer's frames, `[DONE]` included; fails on anything else than frames and comments. */
export function framesOf(body: string): string[] {
  const blocks = body.split('\n\n');
  if (blocks.pop() !== '') throw new Error(`The stream does not end with an empty line: ${body.slice(-80)}`);
  return blocks.flatMap((block) => {
    if (block.startsWith(':')) return [];
    if (!/^data: [^\r\n]+$/.test(block)) throw new Error(`This is not a frame: ${block}`);
    return [block.slice('data: '.length)];
  });
}

/** Everything that a server sends for one request, as it is on the wire. */
export async function exchange(origin: string, method: string, path: string, headers: object, body?: string) {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  const lines = Object.entries({ host: hostname, connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  if (body !== undefined) lines.push(`content-length: ${Buffer.byteLength(body)}`);
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => (received += text));
  await once(socket, 'close');
  const end = received.indexOf('\r\n\r\n');
  const [status, ...head] = received.slice(0, end).split('\r\n');
  return {
    status: Number(status!.split(' ')[1]),
    headers: new Headers(head.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])),
    body: received.slice(end + 4),
  };
}
