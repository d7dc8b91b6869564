import { z } from 'zod';
import { expectError, expectSuccess, fetchJson, toJson } from '../answers.ts';
import type { Check, Context } from '../check.ts';
import { SkippedError } from '../errors.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';

export const RERANK = '/v1/rerank';
const SCORE = '/v1/score';

const index = z.int().min(0);
const Ranking = z.looseObject({
  results: z
    .array(
      z.looseObject({
        index,
        relevance_score: z.number(),
        document: z.looseObject({ text: z.string() }).nullish(),
      }),
    )
    .min(1),
});
const TeiRanking = z.array(z.looseObject({ index, score: z.number(), text: z.string().nullish() })).min(1);
const Scores = z.looseObject({ data: z.array(z.looseObject({ index, score: z.number() })).min(1) });

const QUERY = 'What is the capital of France?';
const RELEVANT = 'The capital of France is Paris.';
const DOCUMENTS = ['Interest rates rise.', RELEVANT, 'A ship sails over the wide blue sea.'];
const request = { query: QUERY, documents: DOCUMENTS };

async function rank(context: Context, more: object = {}, path = RERANK) {
  const body = { model: context.model, ...request, ...more };
  return expectShape(Ranking, await fetchJson(context, { path, body }), 'answer').results;
}

/** The JSON of a route that a server need not have. */
async function fetchOptional(context: Context, path: string, body: object): Promise<unknown> {
  const answer = await context.send({ path, body });
  if (answer.status === 404 || answer.status === 405) throw new SkippedError(`there is no ${path}`);
  expectSuccess(answer);
  return toJson(answer);
}

/** Each document once, the relevant one first, and no score above the score before it. */
function expectRanking(ranking: readonly { index: number; score: number }[]): void {
  const indexes = ranking.map((one) => one.index);
  expectEqual(indexes.toSorted((a, b) => a - b).join(), '0,1,2', 'the indexes, sorted');
  expectEqual(indexes[0]!, 1, 'the index of the first result');
  const scores = ranking.map(({ score }) => score);
  expectThat(
    scores.every((score, i) => i === 0 || score <= scores[i - 1]!),
    'scores in descending order',
    scores,
  );
}

const wrong: readonly (readonly [id: string, title: string, more: object, param: string])[] = [
  ['query-missing', 'a request without query is refused', { query: undefined }, 'query'],
  ['documents-missing', 'a request without documents is refused', { documents: undefined }, 'documents'],
  ['documents-empty', 'an empty list of documents is refused', { documents: [] }, 'documents'],
  ['documents-type', 'a number as a document is refused', { documents: ['a', 1] }, 'documents'],
  ['top-n-type', 'a text as top_n is refused', { top_n: 'two' }, 'top_n'],
];

export const rerankChecks: readonly Check[] = [
  {
    id: 'rerank.order',
    title: 'results have index and relevance_score, and the most relevant document is first',
    why: 'Retrievers take the first results and find their documents by the index.',
    async run(context) {
      const results = await rank(context);
      expectRanking(results.map(({ index: at, relevance_score: score }) => ({ index: at, score })));
    },
  },
  {
    id: 'rerank.top-n',
    title: 'top_n limits the results to the most relevant ones',
    why: 'LangChain’s CohereRerank sends top_n: 3 by default.',
    async run(context) {
      const results = await rank(context, { top_n: 1 });
      expectEqual(results.map(({ index: at }) => at).join(), '1', 'the indexes');
    },
  },
  {
    id: 'rerank.top-n-above',
    title: 'top_n above the number of documents gives all of them',
    why: 'Retrievers send the same top_n for every number of hits.',
    async run(context) {
      expectEqual((await rank(context, { top_n: 99 })).length, DOCUMENTS.length, 'the number of results');
    },
  },
  {
    id: 'rerank.return-documents',
    title: 'return_documents: true gives the text of each document',
    why: 'Clients of Jina read the texts from the results.',
    mayRefuse: ['return_documents'],
    async run(context) {
      for (const { index: at, document } of await rank(context, { return_documents: true }))
        expectEqual(document?.text ?? null, DOCUMENTS[at] ?? 'a document of the request', `the document ${at}`);
    },
  },
  {
    id: 'rerank.document-objects',
    title: 'documents may be objects with text',
    why: 'Clients of the first version of Cohere’s API send objects.',
    mayRefuse: ['documents'],
    async run(context) {
      const [first] = await rank(context, { documents: DOCUMENTS.map((text) => ({ text })) });
      expectEqual(first!.index, 1, 'the index of the first result');
    },
  },
  {
    id: 'rerank.paths',
    title: '/v2/rerank gives the same order',
    why: 'Cohere’s newer clients use this path.',
    async run(context) {
      const body = { model: context.model, ...request };
      const { results } = expectShape(Ranking, await fetchOptional(context, '/v2/rerank', body), 'answer');
      expectRanking(results.map(({ index: at, relevance_score: score }) => ({ index: at, score })));
    },
  },
  {
    id: 'rerank.many',
    title: 'sixty-four documents are ranked at once',
    why: 'Retrievers send as many hits as a search gives.',
    async run(context) {
      const documents = Array.from({ length: 64 }, (_, i) => (i === 40 ? RELEVANT : `Note ${i}: the ship sails on.`));
      const results = await rank(context, { documents });
      expectEqual(new Set(results.map(({ index: at }) => at)).size, 64, 'the number of different indexes');
      expectEqual(results[0]!.index, 40, 'the index of the first result');
    },
  },
  {
    id: 'rerank.unknown-fields',
    title: 'unknown fields are ignored',
    why: 'Clients may be newer than the server.',
    async run(context) {
      await rank(context, { x_unknown: 1 });
    },
  },
  ...wrong.map(([id, title, more, param]): Check => ({
    id: `rerank.invalid.${id}`,
    title,
    why: 'A wrong request must get an error that the SDKs can read.',
    async run(context) {
      const body = { model: context.model, ...request, ...more };
      expectError(await context.send({ path: RERANK, body }), { status: 400, param });
    },
  })),
  {
    id: 'rerank.unknown-model',
    title: 'an unknown model is a 404 with code model_not_found',
    why: 'Scores of another model have another scale.',
    async run(context) {
      const answer = await context.send({ path: RERANK, body: { ...request, model: 'no-such-model' } });
      expectError(answer, { status: 404, code: 'model_not_found' });
    },
  },
  {
    id: 'rerank.tei',
    title: '/rerank with texts gives index and score, as Text Embeddings Inference, and texts on request',
    why: 'LlamaIndex’s TextEmbeddingInference reranker reads this list.',
    mayRefuse: ['texts', 'documents'],
    async run(context) {
      const body = { query: QUERY, texts: DOCUMENTS, return_text: true };
      const ranking = expectShape(TeiRanking, await fetchOptional(context, '/rerank', body), 'answer');
      expectRanking(ranking);
      for (const { index: at, text } of ranking) expectEqual(text ?? null, DOCUMENTS[at]!, `the text ${at}`);
    },
  },
  {
    id: 'rerank.score',
    title: '/v1/score gives the scores in the order of the texts',
    why: 'Clients of vLLM pair texts and scores by their order.',
    async run(context) {
      const body = { model: context.model, text_1: QUERY, text_2: DOCUMENTS };
      const { data } = expectShape(Scores, await fetchOptional(context, SCORE, body), 'answer');
      expectEqual(data.map(({ index: at }) => at).join(), '0,1,2', 'the indexes');
      const scores = data.map(({ score }) => score);
      expectEqual(scores.indexOf(Math.max(...scores)), 1, 'the place of the greatest score');
    },
  },
  {
    id: 'rerank.score-pairs',
    title: '/v1/score takes a query for each text',
    why: 'Evaluations send pairs.',
    async run(context) {
      const body = { model: context.model, text_1: ['Do ships sail?', QUERY], text_2: [RELEVANT, RELEVANT] };
      const { data } = expectShape(Scores, await fetchOptional(context, SCORE, body), 'answer');
      expectEqual(data.length, 2, 'the number of scores');
      expectThat(data[1]!.score > data[0]!.score, 'a greater score of the second pair', data);
    },
  },
];
