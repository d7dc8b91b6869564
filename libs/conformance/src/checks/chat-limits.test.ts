import { accept, describeSpoiled, header, refuseWhen, type Spoiled, status } from '../__fixtures__/spoil.ts';
import type { Tamper } from '../__fixtures__/fake-exchange.ts';
import { chatLimitChecks } from './chat-limits.ts';

const error =
  (change: (error: Record<string, unknown>) => void): Tamper =>
  ({ body }) => {
    if (body?.error) change(body.error);
  };
const refusing = chatLimitChecks.map(({ id }) => id).filter((id) => id !== 'chat.range.ends');

const table: readonly Spoiled[] = [
  ...refusing.map((id): Spoiled => [id, 'accepted', accept()]),
  ...refusing.filter((id) => id !== 'chat.unknown-model').map((id): Spoiled => [id, 'a 422', status(400, 422)]),
  ['chat.range.ends', 'top_p 0 is refused', refuseWhen(({ top_p: value }) => value === 0, 'top_p')],
  ['chat.range.temperature', 'a 500', status(400, 500)],
  ['chat.range.temperature', 'without the name', error((one) => Object.assign(one, { message: 'wrong', param: null }))],
  ['chat.range.temperature', 'FastAPI’s body', (exchange) => void (exchange.body &&= { detail: [{ msg: 'wrong' }] })],
  ['chat.range.temperature', 'no param', error((one) => void delete one['param'])],
  ['chat.range.temperature', 'a page of HTML', header('content-type', 'text/html')],
  ['chat.range.temperature', 'a stack', error((one) => void (one['message'] += 'Traceback (most recent call last):'))],
  ['chat.unknown-model', 'a 400', status(404, 400)],
  ['chat.unknown-model', 'another code', error((one) => void (one['code'] = null))],
  ['chat.context-length', 'another code', error((one) => void (one['code'] = 'too_long'))],
  ['chat.context-length', 'a broken connection', (exchange) => void (exchange.broken = exchange.status === 400)],
  [
    'chat.stream.error-plain',
    'an error in a stream',
    (exchange) => void (exchange.status === 400 && Object.assign(exchange, { status: 200, frames: [exchange.body] })),
  ],
];

describeSpoiled(chatLimitChecks, table);
