/**
 * Records what the installed official clients put on the wire, for the tests to replay. Run it after an update of a
 * client, from the repository's root, with a Python that has the `openai` package:
 *
 *   node --conditions=@xim/source --import tsx libs/server/src/openai/clients/__fixtures__/record-clients.ts .venv/dev/bin/python
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';

interface ClientCall {
  readonly name: string;
  readonly method: string;
  readonly arguments: Record<string, unknown>;
}

interface Node {
  readonly [name: string]: Node;
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const calls = JSON.parse(readFileSync(here('./client-calls.json'), 'utf8')) as ClientCall[];

// Answers that let the clients go on; what they make of them is not recorded.
const chunk = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'x', choices: [] };
const answers: Record<string, [type: string, body: string]> = {
  stream: ['text/event-stream', `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`],
  json: ['application/json', JSON.stringify({ object: 'list', data: [{ index: 0, embedding: 'AACAPw==' }] })],
};

let recorded: object[] = [];
const server = createServer(async (request, response) => {
  const { method, url, rawHeaders } = request;
  const body = method === 'POST' ? ((await json(request)) as { stream?: boolean }) : undefined;
  const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]!] as const] : []));
  // Values of this run that do not belong to the client.
  const headers = Object.fromEntries(pairs.filter(([name]) => !/^(host|connection|content-length)$/i.test(name)));
  recorded.push({ method, path: url, headers, body });
  const [type, text] = answers[body?.stream ? 'stream' : 'json']!;
  response.writeHead(200, { 'content-type': type }).end(text);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;

function write(file: string, client: string): void {
  const requests = recorded.map((request, i) => ({ name: calls[i]!.name, ...request }));
  recorded = [];
  if (requests.length !== calls.length) throw new Error(`${client}: ${requests.length} requests of ${calls.length}`);
  writeFileSync(here(file), `${JSON.stringify({ client, requests }, null, 2)}\n`);
}

const client = new OpenAI({ baseURL, apiKey: 'test-key' }) as unknown as Node;
for (const { method, arguments: given } of calls) {
  const path = method.split('.');
  const owner = path.slice(0, -1).reduce((at, name) => at[name]!, client);
  const call = owner[path.at(-1)!] as unknown as (argument?: unknown) => Promise<unknown>;
  const answer = await call.call(owner, method === 'models.retrieve' ? given['model'] : given);
  if (given['stream'] === true) for await (const _ of answer as AsyncIterable<unknown>);
}
const { version } = JSON.parse(readFileSync(here('../../../../../../node_modules/openai/package.json'), 'utf8')) as {
  version: string;
};
write('./openai-node.json', `openai ${version} for Node`);

const python = spawn(
  process.argv[2] ?? 'python3',
  [here('./record_python_client.py'), baseURL, here('./client-calls.json')],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
python.stdout.setEncoding('utf8');
let printed = '';
python.stdout.on('data', (text: string) => (printed += text));
const [code] = (await once(python, 'close')) as [number];
if (code !== 0) throw new Error(`The Python client ended with ${code}.`);
write('./openai-python.json', `openai ${printed.trim()} for Python`);
server.close();
