import { accept, describeSpoiled, header, type Spoiled, status, whole } from '../__fixtures__/spoil.ts';
import { tgiChecks } from './tgi.ts';

/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- details are spoilt in all ways */
const details = (spoil: (details: any, text: string) => void) =>
  whole((body) => void (body.details && spoil(body.details, body.generated_text)));
const text = (value: string) => whole((body) => void (body.generated_text &&= value));
const invalid = tgiChecks.map(({ id }) => id).filter((id) => /^tgi\.(invalid|too-long)/.test(id));

const table: readonly Spoiled[] = [
  ['tgi.generate.fields', 'a list', whole((body) => (Array.isArray(body) ? body : [body]))],
  ['tgi.generate.fields', 'details unasked', whole((body) => void (body.details = {}))],
  ['tgi.generate.details', 'none', whole((body) => void delete body.details)],
  ['tgi.generate.details', 'a reason of OpenAI', details((all) => void (all.finish_reason = 'stop'))],
  ['tgi.generate.details', 'no prefill', details((all) => void delete all.prefill)],
  ['tgi.generate.details', 'a token less', details((all) => void all.tokens.pop())],
  ['tgi.generate.details', 'a token without special', details((all) => void delete all.tokens[0].special)],
  ['tgi.generate.tokens-joined', 'another text', text('something else')],
  [
    'tgi.generate.max-new-tokens',
    'ignored',
    details((all) => void Object.assign(all, { generated_tokens: 4, tokens: [...all.tokens, all.tokens[0]] })),
  ],
  ['tgi.generate.max-new-tokens', 'another reason', details((all) => void (all.finish_reason = 'eos_token'))],
  ['tgi.generate.headers', 'none', header('x-compute-time', undefined)],
  ['tgi.generate.headers', 'words', header('x-generated-tokens', 'ten')],
  ['tgi.generate.full-text', 'ignored', text(' five')],
  ['tgi.generate.seed', 'not told', details((all) => void (all.seed = null))],
  ['tgi.generate.stop', 'another reason', details((all) => void (all.finish_reason = 'length'))],
  ['tgi.generate.prefill', 'empty', details((all) => void (all.prefill = []))],
  ['tgi.generate.top-tokens', 'none', details((all) => void delete all.top_tokens)],
  ['tgi.generate.grammar-json', 'prose', text('It is red.')],
  [
    'tgi.generate.grammar-json',
    'refused for another parameter',
    (exchange) =>
      void (
        exchange.request?.parameters?.grammar &&
        Object.assign(exchange, { status: 422, body: { error: '`top_k` is wrong', error_type: 'validation' } })
      ),
  ],
  ['tgi.generate.grammar-regex', 'prose', text('one two three')],
  ['tgi.generate.unknown-fields', 'refused', (exchange) => void (exchange.request?.x_field && (exchange.status = 422))],
  ...invalid.flatMap((id): Spoiled[] => [
    [id, 'accepted', accept()],
    [id, 'a 400', status(422, 400)],
    [
      id,
      'OpenAI’s error object',
      (exchange) =>
        void (
          exchange.status === 422 && (exchange.body = { error: { message: 'x', type: 'y', param: null, code: null } })
        ),
    ],
  ]),
  ['tgi.info', 'a key less', whole((body) => void delete body.validation_workers)],
  ['tgi.health', 'a body', (exchange) => void (exchange.path === '/health' && (exchange.body = 'OK'))],
  ['tgi.health', 'a 503', (exchange) => void (exchange.path === '/health' && (exchange.status = 503))],
  ['tgi.tokenize', 'no stop', whole((body) => void (Array.isArray(body) && delete body[0].stop))],
  ['tgi.tokenize', 'bytes for characters', whole((body) => void (Array.isArray(body) && (body[1].start += 2)))],
  ['tgi.chat-tokenize', 'without the message', whole((body) => void (body.templated_text &&= ''))],
  ['tgi.root', 'an object', whole((body) => (Array.isArray(body) ? body[0] : body))],
  ['tgi.method', 'a 404', status(405, 404)],
];

describeSpoiled(tgiChecks, table);
