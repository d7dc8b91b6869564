import { chunks, describeSpoiled, frames, header, type Spoiled } from '../__fixtures__/spoil.ts';
import { tgiStreamChecks } from './tgi-stream.ts';

const invalid = tgiStreamChecks.map(({ id }) => id).filter((id) => id.startsWith('tgi.stream.invalid.'));

const table: readonly Spoiled[] = [
  ['tgi.stream.content-type', 'JSON', header('content-type', 'application/json')],
  ['tgi.stream.frames', '[DONE]', frames((all) => [...all, '[DONE]'])],
  ['tgi.stream.frames', 'an id line', frames((all) => [...all, { raw: 'id: 1\ndata: {}\n\n' }])],
  ['tgi.stream.index', 'from 0', chunks((event) => void (event.index -= 1))],
  ['tgi.stream.token', 'no logprob', chunks((event) => void delete event.token.logprob)],
  ['tgi.stream.token', 'a text', chunks((event) => void (event.token = event.token.text))],
  ['tgi.stream.text-last', 'none', chunks((event) => void (event.generated_text = null))],
  ['tgi.stream.text-last', 'in each', chunks((event) => void (event.generated_text ??= 'so far'))],
  [
    'tgi.stream.text-last',
    'left out before',
    chunks((event) => void (event.generated_text ?? delete event.generated_text)),
  ],
  ['tgi.stream.details-null', 'left out', chunks((event) => void delete event.details)],
  ['tgi.stream.details', 'none', chunks((event) => void (event.details = null))],
  ['tgi.stream.details', 'no input_length', chunks((event) => void delete event.details?.input_length)],
  [
    'tgi.stream.details',
    'another count',
    chunks((event) => void (event.details && (event.details.generated_tokens = 1))),
  ],
  ['tgi.stream.same-text', 'spaces are lost', chunks((event) => void (event.token.text = event.token.text.trim()))],
  ['tgi.stream.same-text', 'another text', chunks((event) => void (event.generated_text &&= 'else'))],
  ['tgi.stream.root', 'JSON', header('content-type', 'application/json')],
  ...invalid.flatMap((id): Spoiled[] => [
    [
      id,
      'a stream',
      (exchange) => void (exchange.status === 422 && Object.assign(exchange, { status: 200, frames: [{ index: 1 }] })),
    ],
    [id, 'a 400', (exchange) => void (exchange.status === 422 && (exchange.status = 400))],
    [id, 'another type', (exchange) => void (exchange.status === 422 && (exchange.body.error_type = 'generation'))],
  ]),
];

describeSpoiled(tgiStreamChecks, table);
