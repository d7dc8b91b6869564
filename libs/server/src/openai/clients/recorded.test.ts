import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, framesOf, startChat, startEmbedding, type TestService } from '../../__fixtures__/test-service.ts';

interface Recording {
  client: string;
  requests: {
    name: string;
    method: string;
    path: string;
    headers: Record<string, string>;
    body?: { stream?: boolean };
  }[];
}

const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`./__fixtures__/${file}`, import.meta.url), 'utf8')) as Recording;

let chat: TestService;
let embedding: TestService;
beforeAll(async () => {
  [chat, embedding] = await Promise.all([startChat(), startEmbedding()]);
});
afterAll(() => Promise.all([chat.close(), embedding.close()]));

/** What comes after the chunks' own framing is taken off. */
function bodyOf({ headers, body }: { headers: Headers; body: string }): string {
  if (headers.get('transfer-encoding') !== 'chunked') return body;
  return body.replace(/(^|\r\n)[0-9a-f]+\r\n/g, '').replace(/\r\n$/, '');
}

describe.each(['openai-node.json', 'openai-python.json'])('%s: what the client once sent is answered', (file) => {
  it.each(read(file).requests.map((request) => [request.name, request] as const))('%s', async (_, request) => {
    const { method, path, headers, body } = request;
    const { origin } = path === '/v1/embeddings' ? embedding : chat;
    const answer = await exchange(origin, method, path, headers, body && JSON.stringify(body));
    const text = bodyOf(answer);
    expect([answer.status, text]).toEqual([200, text]);
    expect(answer.headers.get('content-encoding')).toBeNull();
    if (body?.stream) expect(framesOf(text).at(-1)).toBe('[DONE]');
    else expect(JSON.parse(text)).toHaveProperty('object');
  });
});
