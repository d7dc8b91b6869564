import { accept, describeSpoiled, refuseWhen, type Spoiled, status, whole } from '../__fixtures__/spoil.ts';
import { embeddingChecks } from './embeddings.ts';

/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- items are spoilt in all ways */
const items = (spoil: (item: any, i: number) => void) => whole((body) => body.data?.forEach(spoil));
const refusing = embeddingChecks.map(({ id }) => id).filter((id) => /\.(invalid|too-long)\b/.test(id));
const half = (text: string) => Buffer.from(text, 'base64').subarray(0, 32).toString('base64');

const table: readonly Spoiled[] = [
  ['embeddings.fields', 'no index', items((item) => void delete item.index)],
  ['embeddings.fields', 'no object', whole((body) => void delete body.object)],
  ['embeddings.fields', 'base64 unasked', items((item) => void (item.embedding = 'AAAA'))],
  ['embeddings.fields', 'no usage', whole((body) => void delete body.usage)],
  ['embeddings.usage', 'another total', whole((body) => void (body.usage.total_tokens += 1))],
  ['embeddings.usage', 'of one input', whole((body) => void (body.usage = { prompt_tokens: 7, total_tokens: 7 }))],
  ['embeddings.order', 'the other way round', whole((body) => void body.data.reverse())],
  [
    'embeddings.order',
    'vectors in another order',
    whole((body) => void body.data.reverse().forEach((item: { index: number }, i: number) => (item.index = i))),
  ],
  ['embeddings.order', 'one vector for all', items((item) => void (item.embedding = [1, 0, 0]))],
  ['embeddings.order', 'index 0 for all', items((item) => void (item.index = 0))],
  ['embeddings.base64', 'numbers', items((item) => void (item.embedding = [1, 2]))],
  [
    'embeddings.base64',
    'half of it',
    items((item) => void (typeof item.embedding === 'string' && (item.embedding = half(item.embedding)))),
  ],
  [
    'embeddings.base64',
    'big-endian',
    items(
      (item) =>
        void (
          typeof item.embedding === 'string' &&
          (item.embedding = Buffer.from(item.embedding, 'base64').swap32().toString('base64'))
        ),
    ),
  ],
  ['embeddings.float', 'base64', items((item) => void (item.embedding = 'AAAA'))],
  ['embeddings.tokens', 'an input per token', whole((body) => void body.data.push(body.data[0], body.data[0]))],
  ['embeddings.tokens', 'refused', refuseWhen(({ input }) => typeof input?.[0] === 'number', 'input')],
  ['embeddings.token-lists', 'one vector for all', items((item) => void (item.embedding = [1, 0, 0]))],
  ['embeddings.many', 'some are lost', whole((body) => void body.data.splice(32))],
  ['embeddings.many', 'different lengths', items((item, i) => void (i === 40 && item.embedding.pop()))],
  [
    'embeddings.dimensions',
    'ignored',
    items((item) => void (item.embedding = Array.from({ length: 64 }, () => 0.125))),
  ],
  [
    'embeddings.dimensions',
    'cut, not renormalised',
    items((item) => void (item.embedding = item.embedding.map((value: number) => value * 0.7))),
  ],
  ['embeddings.dimensions', 'refused for another parameter', refuseWhen(({ dimensions }) => dimensions, 'input')],
  ['embeddings.unknown-fields', 'refused', refuseWhen(({ x_unknown: value }) => value)],
  ...refusing.flatMap((id): Spoiled[] => [
    [id, 'accepted', accept()],
    [id, 'a 422', status(400, 422)],
  ]),
  ['embeddings.unknown-model', 'accepted', accept()],
];

describeSpoiled(embeddingChecks, table);
