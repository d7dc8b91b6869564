import { accept, describeSpoiled, refuseWhen, type Spoiled, status, whole } from '../__fixtures__/spoil.ts';
import { rerankChecks } from './rerank.ts';

/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- results are spoilt in all ways */
const results = (spoil: (results: any[]) => unknown) => whole((body) => void spoil(body.results));
const refusing = rerankChecks.map(({ id }) => id).filter((id) => id.includes('.invalid.'));

const table: readonly Spoiled[] = [
  ['rerank.order', 'the order of the documents', results((all) => all.sort((a, b) => a.index - b.index))],
  ['rerank.order', 'no score', results((all) => delete all[0].relevance_score)],
  ['rerank.order', 'one document twice', results((all) => (all[2].index = all[1].index))],
  ['rerank.order', 'scores that rise', results((all) => (all[2].relevance_score = 2))],
  ['rerank.top-n', 'ignored', results((all) => all.push({ index: 0, relevance_score: 0 }))],
  ['rerank.top-n', 'the last ones', results((all) => (all[0].index = 0))],
  ['rerank.top-n-above', 'some are lost', results((all) => all.pop())],
  ['rerank.return-documents', 'ignored', results((all) => all.forEach((one) => delete one.document))],
  ['rerank.return-documents', 'other texts', results((all) => all.forEach((one) => (one.document = { text: 'a' })))],
  ['rerank.return-documents', 'refused without a name', refuseWhen((body) => body.return_documents)],
  ['rerank.document-objects', 'the order of the documents', results((all) => all.reverse())],
  ['rerank.paths', 'the order of the documents', results((all) => all.reverse())],
  ['rerank.many', 'some are lost', results((all) => all.splice(32))],
  ['rerank.many', 'the last one first', results((all) => all.reverse())],
  ['rerank.unknown-fields', 'refused', refuseWhen(({ x_unknown: value }) => value)],
  ...refusing.flatMap((id): Spoiled[] => [
    [id, 'accepted', accept()],
    [id, 'a 422', status(400, 422)],
  ]),
  ['rerank.unknown-model', 'accepted', accept()],
  ['rerank.tei', 'the order of the texts', whole((body) => void body.reverse())],
  ['rerank.tei', 'no texts', whole((body) => void body.forEach((one: { text?: string }) => delete one.text))],
  ['rerank.score', 'the best first', whole((body) => void body.data.reverse())],
  [
    'rerank.score',
    'one score for all',
    whole((body) => void body.data.forEach((one: { score: number }) => (one.score = 0))),
  ],
  ['rerank.score-pairs', 'the first query only', whole((body) => void (body.data[1].score = body.data[0].score))],
  ['rerank.score-pairs', 'one score', whole((body) => void body.data.pop())],
];

describeSpoiled(rerankChecks, table);
