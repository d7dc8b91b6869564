import { accept, describeSpoiled, header, type Spoiled, status } from '../__fixtures__/spoil.ts';
import { httpChecks } from './http.ts';

const bodies = httpChecks.map(({ id }) => id).filter((id) => /^http\.body\.(malformed|empty|list|null|no-fields)$/.test(id)); // prettier-ignore
let busy = 0;
let left = false;

const open: readonly Spoiled[] = [
  ['http.request-id', 'none', header('x-request-id', undefined)],
  ['http.request-id', 'always the same', header('x-request-id', 'req-1')],
  [
    'http.request-id.errors',
    'none on errors',
    ({ headers, status: code }) => void (code >= 400 && delete headers['x-request-id']),
  ],
  ['http.request-id.browser', 'not exposed', header('access-control-expose-headers', undefined)],
  ['http.unknown-path', 'a page', (exchange) => void (exchange.status === 404 && (exchange.body = '<html></html>'))],
  [
    'http.unknown-path',
    'another error object',
    (exchange) => void (exchange.status === 404 && (exchange.body = { detail: 'Not Found' })),
  ],
  ['http.method.get', 'a 404', status(405, 404)],
  ['http.method.get', 'no Allow', header('allow', undefined)],
  ['http.method.head', 'a 404', status(405, 404)],
  ['http.health.head', 'a 405', (exchange) => void (exchange.method === 'HEAD' && (exchange.status = 405))],
  ...bodies.flatMap((id): Spoiled[] => [
    [id, 'a 422', status(400, 422)],
    [id, 'a 500', status(400, 500)],
    [id, 'accepted', accept()],
    [id, 'words', (exchange) => void (exchange.status === 400 && (exchange.body = 'Bad Request'))],
  ]),
  [
    'http.body.charset',
    'refused',
    (exchange) => void (String(exchange.requestHeaders['content-type']).includes('charset') && (exchange.status = 415)),
  ],
  ['http.body.text', 'a 500', status(415, 500)],
  ['http.body.text', 'words', (exchange) => void (exchange.status === 415 && (exchange.body = 'no'))],
  ['http.model-type', 'a 422', status(400, 422)],
  ['http.json-type', 'text', header('content-type', 'text/plain')],
  [
    'http.burst',
    'a 500 under load',
    (exchange) => void (exchange.request?.model && busy++ > 6 && (exchange.status = 500)),
  ],
  [
    'http.burst',
    'a 429 without Retry-After',
    (exchange) => void (exchange.request?.model && busy++ > 6 && (exchange.status = 429)),
  ],
  [
    'http.client-gone',
    'the next request breaks',
    (exchange) => {
      if (!exchange.request?.model) return;
      exchange.broken = left && !exchange.request.stream;
      left ||= exchange.request.stream === true;
    },
  ],
  [
    'http.key.unused',
    'refused',
    (exchange) => void (exchange.requestHeaders['authorization'] && (exchange.status = 401)),
  ],
];

describeSpoiled(httpChecks.filter(({ id }) => !/^http\.key\.(missing|wrong|health)/.test(id)), open); // prettier-ignore

const keyed: readonly Spoiled[] = [
  ['http.key.missing', 'a 403', status(401, 403)],
  ['http.key.missing', 'words', (exchange) => void (exchange.status === 401 && (exchange.body = 'no'))],
  ['http.key.wrong', 'accepted', accept(({ status: code }) => code === 401)],
  ['http.key.health-open', 'closed', (exchange) => void (exchange.path === '/health' && (exchange.status = 401))],
];

describeSpoiled(
  httpChecks.filter(({ id }) => /^http\.key\.(missing|wrong|health)/.test(id)),
  keyed,
  'secret',
);
