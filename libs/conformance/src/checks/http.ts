import { expectError, expectStatus, expectSuccess, toJson } from '../answers.ts';
import { CHAT, chatBody } from '../chat-calls.ts';
import type { Answer } from '../client.ts';
import type { Check, Context } from '../check.ts';
import { completionBody, COMPLETIONS } from '../completion-calls.ts';
import { SkippedError } from '../errors.ts';
import { expectEqual, expectThat } from '../expectations.ts';
import { SHARED } from '../kinds.ts';
import { EMBEDDINGS } from './embeddings.ts';
import { MODELS } from './models.ts';

/** A route that takes JSON, with a request that has a fast answer. */
function someRoute(context: Context): { path: string; body: Record<string, unknown> } {
  const { present, model } = context;
  if (present.has('chat')) return { path: CHAT, body: chatBody(context, { max_tokens: 1 }) };
  if (present.has('completions')) return { path: COMPLETIONS, body: completionBody(context, { max_tokens: 1 }) };
  if (present.has('embeddings')) return { path: EMBEDDINGS, body: { model, input: 'A text.' } };
  throw new SkippedError('no route of OpenAI’s API that takes JSON');
}

function needKey({ keyed }: Context): void {
  if (!keyed) throw new SkippedError('no key was given (--api-key), so there is no wrong key');
}

const BURST = 12;

/** Bodies that are not JSON, or not an object. */
const bodies: readonly (readonly [id: string, title: string, raw: string])[] = [
  ['malformed', 'a body that is no JSON is refused', '{"model": "x", '],
  ['empty', 'an empty body is refused', ''],
  ['list', 'a body that is a list is refused', '[]'],
  ['null', 'a body of null is refused', 'null'],
  ['no-fields', 'a body without fields is refused', '{}'],
];

export const httpChecks: readonly Check[] = [
  {
    id: 'http.request-id',
    title: 'each answer has a new x-request-id',
    why: 'The SDKs expose it, and operators search logs by it.',
    async run(context) {
      const { path, body } = someRoute(context);
      const answers = [await context.send({ path, body }), await context.send({ path, body })];
      answers.forEach(expectSuccess);
      const ids = answers.map(({ headers }) => headers['x-request-id']);
      expectThat(ids[0] && ids[1], 'x-request-id', ids, SHARED.requestId);
      expectThat(ids[0] !== ids[1], 'two different x-request-id', ids);
    },
  },
  {
    id: 'http.request-id.errors',
    title: 'errors have x-request-id too',
    why: 'Users ask operators mostly about errors.',
    async run(context) {
      const { path } = someRoute(context);
      for (const raw of ['{}', '{"'])
        expectThat((await context.send({ path, raw })).headers['x-request-id'], 'x-request-id on a 4xx', undefined, SHARED.requestId); // prettier-ignore
    },
  },
  {
    id: 'http.request-id.browser',
    title: 'a browser that may read the answer may also read x-request-id',
    why: 'fetch hides every header that is not exposed.',
    async run(context) {
      const { path, body } = someRoute(context);
      const { headers } = await context.send({ path, body, headers: { origin: 'http://localhost:3000' } });
      if (!headers['access-control-allow-origin'])
        throw new SkippedError('the page http://localhost:3000 may not read answers');
      expectThat(headers['x-request-id'], 'x-request-id', undefined, SHARED.requestId);
      const exposed = headers['access-control-expose-headers'] ?? '';
      expectThat(/x-request-id|\*/i.test(exposed), 'access-control-expose-headers: x-request-id', exposed);
    },
  },
  {
    id: 'http.unknown-path',
    title: 'an unknown path is a 404 in the error object',
    why: 'Clients show a page of HTML as "Unexpected token <".',
    async run(context) {
      expectError(await context.send({ path: '/v1/no-such-path', body: {} }), { status: 404 });
    },
  },
  ...['GET', 'HEAD'].map((method): Check => ({
    id: `http.method.${method.toLowerCase()}`,
    title: `${method} on a POST route is 405 with Allow`,
    why: 'Monitors and browsers send it, and a 404 means that the route does not exist.',
    async run(context) {
      const answer = await context.send({ method, path: someRoute(context).path });
      expectStatus(answer, 405);
      expectThat(/\bPOST\b/.test(answer.headers.allow ?? ''), 'allow: POST', answer.headers.allow);
      if (method === 'GET') expectError(answer, { status: 405 });
    },
  })),
  {
    id: 'http.health.head',
    title: 'HEAD on health is GET without a body',
    why: 'Load balancers send HEAD.',
    async run(context) {
      const [get, head] = [await context.send({ path: '/health' }), await context.send({ method: 'HEAD', path: '/health' })]; // prettier-ignore
      if (get.status === 404) throw new SkippedError('no /health');
      expectEqual(head.status, get.status, 'the status');
      expectEqual(head.text, '', 'the body');
    },
  },
  ...bodies.map(([id, title, raw]): Check => ({
    id: `http.body.${id}`,
    title: `${title} with a 400 in the error object`,
    why: 'The SDKs cannot read a 422 or a 500 as a wrong request.',
    async run(context) {
      expectError(await context.send({ method: 'POST', path: someRoute(context).path, raw }), { status: 400 });
    },
  })),
  {
    id: 'http.body.charset',
    title: 'application/json; charset=utf-8 is JSON',
    why: 'Clients in .NET and Java send this type.',
    async run(context) {
      const headers = { 'content-type': 'application/json; charset=utf-8' };
      expectSuccess(await context.send({ ...someRoute(context), headers }));
    },
  },
  {
    id: 'http.body.text',
    title: 'a body of type text/plain is taken as JSON, or refused with 400 or 415',
    why: 'curl without a header sends another type, and the answer must report it.',
    async run(context) {
      const answer = await context.send({ ...someRoute(context), headers: { 'content-type': 'text/plain' } });
      if (answer.status === 200) return;
      expectThat([400, 415].includes(answer.status), 'status 400 or 415', `${answer.status} ${answer.text}`);
      expectError(answer, { status: answer.status });
    },
  },
  {
    id: 'http.model-type',
    title: 'a model that is a number is refused with a 400 that names it',
    why: 'Validation failures are 400 in OpenAI’s API; FastAPI’s 422 is read as an unknown error.',
    async run(context) {
      const { path, body } = someRoute(context);
      expectError(await context.send({ path, body: { ...body, model: 7 } }), { status: 400, param: 'model' });
    },
  },
  {
    id: 'http.json-type',
    title: 'an answer is of type application/json',
    why: 'Wrappers of fetch choose the parser by the type.',
    async run(context) {
      const answer = await context.send(someRoute(context));
      expectSuccess(answer);
      expectThat(answer.headers['content-type']?.startsWith('application/json'), 'application/json', answer.headers['content-type']); // prettier-ignore
      toJson(answer);
    },
  },
  {
    id: 'http.burst',
    title: `of ${BURST} requests at once each is answered, or turned away with 429 or 503 and Retry-After`,
    why: 'The SDKs wait for the time in Retry-After. Without it they guess.',
    async run(context) {
      const call = { ...someRoute(context), impatient: true };
      for (const { status, headers, text } of await Promise.all(
        Array.from({ length: BURST }, () => context.send(call)),
      )) {
        expectThat([200, 429, 503].includes(status), '200, 429 or 503', `${status} ${text}`);
        if (status !== 200) expectThat(headers['retry-after'], 'Retry-After', headers);
      }
    },
  },
  {
    id: 'http.client-gone',
    title: 'a client that disconnects during a stream does not affect other clients',
    why: 'Users close windows. A server that continues to compute, or that crashes, fails the other clients.',
    async run(context) {
      if (!context.present.has('chat')) throw new SkippedError('no chat, so there is no stream to interrupt');
      const long = chatBody(context, { stream: true, max_tokens: 400 });
      for (let i = 0; i < 4; i += 1) await context.send({ path: CHAT, body: long, cut: true });
      expectSuccess(await context.send(someRoute(context)));
    },
  },
  ...(
    [
      ['missing', 'a request without a key', null],
      ['wrong', 'a wrong key', 'no-such-key'],
    ] as const
  ).map(([id, title, key]): Check => ({
    id: `http.key.${id}`,
    title: `${title} is a 401 in the error object`,
    why: 'The SDKs raise AuthenticationError for a 401, and do not retry.',
    async run(context) {
      needKey(context);
      for (const call of [{ path: MODELS }, someRoute(context)])
        expectError(await context.send({ ...call, key }), { status: 401 });
    },
  })),
  {
    id: 'http.key.health-open',
    title: 'health needs no key',
    why: 'Orchestrators have no key.',
    async run(context) {
      needKey(context);
      const { status } = await context.send({ path: '/health', key: null });
      if (status === 404) throw new SkippedError('no /health');
      expectEqual(status, 200, 'the status');
    },
  },
  {
    id: 'http.key.unused',
    title: 'a server without keys accepts any Authorization',
    why: 'The SDKs cannot send a request without a key.',
    async run(context) {
      if (context.keyed) throw new SkippedError('a key was given');
      const answer: Answer = await context.send({ ...someRoute(context), key: 'unused' });
      expectSuccess(answer);
    },
  },
];
