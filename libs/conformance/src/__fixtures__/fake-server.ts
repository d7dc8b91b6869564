import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chat } from './fake-chat.ts';
import { type Exchange, Refusal, refuse, type Tamper } from './fake-exchange.ts';
import { drawing, imageEdit } from './fake-images.ts';
import { countTokens, messages } from './fake-messages.ts';
import { completions, embeddings, models, newId } from './fake-openai.ts';
import { rerank, score } from './fake-rerank.ts';
import { responses, storedResponse } from './fake-responses.ts';
import { speech, voices } from './fake-speech.ts';
import { readForm, transcription } from './fake-transcription.ts';
import { chatTokenize, generate, info, tokenize } from './fake-tgi.ts';

type Route = (exchange: Exchange) => unknown;

const posts: Readonly<Record<string, Route>> = {
  '/v1/chat/completions': chat,
  '/v1/completions': completions,
  '/v1/responses': responses,
  '/v1/messages': messages,
  '/v1/messages/count_tokens': countTokens,
  '/v1/embeddings': embeddings,
  '/v1/rerank': rerank,
  '/v2/rerank': rerank,
  '/rerank': rerank,
  '/v1/score': score,
  '/v1/audio/speech': speech,
  '/v1/images/generations': drawing,
  '/v1/images/edits': imageEdit,
  '/v1/audio/transcriptions': transcription,
  '/v1/audio/translations': transcription,
  '/': generate,
  '/generate': generate,
  '/generate_stream': generate,
  '/tokenize': tokenize,
  '/chat_tokenize': chatTokenize,
};

export interface FakeServer {
  readonly url: string;
  /** Changes answers, until it is set again. */
  tamper: Tamper | undefined;
  /** Paths that answer 404. */
  absent: readonly string[];
  apiKey: string | undefined;
  /** Number of requests so far, and of open connections. */
  readonly requests: number;
  connections(): Promise<number>;
  close(): Promise<void>;
}

/** A server without a model that passes every check of both APIs. */
export async function startFakeServer(): Promise<FakeServer> {
  const server = createServer((request, response) => {
    requests += 1;
    void answer(request, response);
  });
  let requests = 0;

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) pieces.push(chunk);
    const bytes = Buffer.concat(pieces);
    const type = incoming.headers['content-type'] ?? '';
    const exchange: Exchange = {
      method: incoming.method!,
      path: incoming.url!,
      requestHeaders: incoming.headers,
      request: type.startsWith('multipart/') ? await readForm(bytes, type) : parse(bytes.toString()),
      status: 200,
      headers: { 'x-request-id': newId('req'), ...cors(incoming) },
      body: undefined,
    };
    try {
      exchange.body = route(exchange);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      exchange.status = error.status;
      exchange.body = error.body;
      delete exchange.frames;
      Object.assign(exchange.headers, error.headers);
    }
    if (exchange.frames) {
      Object.assign(exchange.headers, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' }); // prettier-ignore
    } else if (typeof exchange.body !== 'string' && !Buffer.isBuffer(exchange.body)) {
      exchange.headers['content-type'] = 'application/json';
    }
    fake.tamper?.(exchange);
    send(exchange, response);
  }

  function route(exchange: Exchange): unknown {
    const { method, path, request } = exchange;
    if (fake.absent.includes(path)) return refuse('no such path', null, 404, 'unknown_url');
    if (path === '/health' && ['GET', 'HEAD'].includes(method)) return '';
    if (fake.apiKey !== undefined && exchange.requestHeaders['authorization'] !== `Bearer ${fake.apiKey}`)
      return refuse('wrong key', null, 401, 'invalid_api_key');
    if (method === 'GET' && path === '/info') return info();
    if (method === 'GET' && path === '/v1/audio/voices') return voices();
    if (method === 'GET' && (path === '/v1/models' || path.startsWith('/v1/models/'))) return models(exchange);
    if (method === 'GET' && path.startsWith('/v1/responses/')) return storedResponse(exchange);
    const post = posts[path];
    if (!post) return refuse('no such path', null, 404, 'unknown_url');
    if (method !== 'POST') {
      const error = { message: 'POST only', type: 'invalid_request_error', param: null, code: null };
      throw new Refusal(405, { error }, { allow: 'POST' });
    }
    if (request === undefined) return refuse('the body is no JSON');
    if (exchange.requestHeaders['content-type']?.toString().startsWith('text/'))
      return refuse('expected application/json', null, 415);
    return post(exchange);
  }

  const fake: FakeServer = {
    url: '',
    tamper: undefined,
    absent: [],
    apiKey: undefined,
    get requests() {
      return requests;
    },
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(fake, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

const cors = ({ headers }: IncomingMessage): Record<string, string> =>
  headers.origin
    ? { 'access-control-allow-origin': headers.origin, 'access-control-expose-headers': 'x-request-id' }
    : {};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send({ status, headers, body, frames, named, broken, silent }: Exchange, response: ServerResponse): void {
  if (silent) return;
  if (broken) {
    response.destroy();
    return;
  }
  response.writeHead(status, headers);
  if (!frames) {
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
    return;
  }
  for (const frame of frames) {
    if (frame?.raw !== undefined) response.write(frame.raw);
    else if (named) response.write(`event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`);
    else response.write(`data: ${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n\n`);
  }
  response.end();
}
