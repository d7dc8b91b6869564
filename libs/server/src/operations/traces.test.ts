import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { startChat, startEmbedding, type TestService } from '../__fixtures__/test-service.ts';

/** The bodies that a collector took, in OTLP's binary form. */
const received: { path: string; type: string | undefined; body: Buffer }[] = [];
let collector: Server;
let endpoint: string;
let service: TestService | undefined;

beforeAll(async () => {
  collector = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      received.push({ path: request.url!, type: request.headers['content-type'], body: plain });
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});
afterAll(async () => {
  collector.close();
  collector.closeAllConnections();
  await once(collector, 'close');
});
afterEach(async () => {
  await service?.close();
  service = undefined;
  received.length = 0;
});

const chat = { messages: [{ role: 'user', content: 'secret words' }] };

it('sends a span for the request, its queue and its engine, and no text', async () => {
  service = await startChat({ OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/` });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const answer = await service.post('/v1/chat/completions', chat, { traceparent });
  expect(answer.status).toBe(200);
  await answer.text();
  await service.get('/health/ready');
  await service.close();

  expect(received).toMatchObject([{ path: '/v1/traces', type: 'application/x-protobuf' }]);
  const { body } = received[0]!;
  const spans = readSpans(body);
  expect(spans.map(({ name }) => name).sort()).toEqual(['POST /v1/chat/completions', 'engine', 'queue']);
  const root = spans.find(({ name }) => name.startsWith('POST'))!;
  expect(spans.map(({ trace }) => trace)).toEqual(Array(3).fill('0af7651916cd43dd8448eb211c80319c'));
  expect(root.parent).toBe('b7ad6b7169203331');
  for (const child of spans.filter((span) => span !== root)) {
    expect(child.parent).toBe(root.id);
    expect(child.start).toBeGreaterThanOrEqual(root.start);
    expect(child.end).toBeLessThanOrEqual(root.end);
  }
  const text = body.toString('latin1');
  for (const said of ['http.route', 'gen_ai.usage.input_tokens', 'first output', 'service.name'])
    expect(text).toContain(said);
  expect(text).not.toContain('secret');
});

it('records a request that never had a slot, with its error', async () => {
  service = await startEmbedding({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
  const answer = await service.post('/v1/embeddings', { input: [] });
  expect(answer.status).toBe(400);
  await answer.text();
  await service.close();
  expect(readSpans(received[0]!.body).map(({ name }) => name)).toEqual(['POST /v1/embeddings']);
});

it('makes no traces without a collector, and closes without one that answers', async () => {
  service = await startChat();
  await (await service.post('/v1/chat/completions', chat)).text();
  await service.close();
  expect(received).toEqual([]);

  service = await startChat({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  await (await service.post('/v1/chat/completions', chat)).text();
  await vi.waitFor(() => service!.close(), { timeout: 30_000 });
});

interface Span {
  readonly trace: string;
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * The spans of an `ExportTraceServiceRequest`. Field numbers from
 * https://github.com/open-telemetry/opentelemetry-proto: resource_spans 1, scope_spans 2, spans 2; in a span trace_id 1,
 * span_id 2, parent_span_id 4, name 5, start 7, end 8.
 */
function readSpans(request: Buffer): Span[] {
  const bytes = (fields: Field[], number: number): Buffer[] =>
    fields.flatMap((field) => (field.number === number && Buffer.isBuffer(field.value) ? [field.value] : []));
  return bytes(readFields(request), 1)
    .flatMap((resource) => bytes(readFields(resource), 2))
    .flatMap((scope) => bytes(readFields(scope), 2))
    .map((span) => {
      const fields = readFields(span);
      const hex = (number: number): string => bytes(fields, number)[0]?.toString('hex') ?? '';
      const time = (number: number): bigint => fields.find((field) => field.number === number)?.value as bigint;
      const name = bytes(fields, 5)[0]!.toString();
      return { trace: hex(1), id: hex(2), parent: hex(4), name, start: time(7), end: time(8) };
    });
}

interface Field {
  readonly number: number;
  readonly value: Buffer | bigint;
}

/** The fields of a message (https://protobuf.dev/programming-guides/encoding/). */
function readFields(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (size: number): Buffer => message.subarray(at, (at += size));
  while (at < message.length) {
    const key = Number(varint());
    const number = key >> 3;
    const wire = key & 7;
    if (wire === 0) fields.push({ number, value: varint() });
    else if (wire === 1) fields.push({ number, value: take(8).readBigUInt64LE() });
    else if (wire === 2) fields.push({ number, value: take(Number(varint())) });
    else fields.push({ number, value: take(4) });
  }
  return fields;
}
