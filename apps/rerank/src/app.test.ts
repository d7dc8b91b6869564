import { runConformance } from '@xim/conformance';
import type { XimServer } from '@xim/server';
import { openService } from '@xim/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import app from './app.ts';

const MODEL = 'sentence-transformers/all-MiniLM-L6-v2';
const query = 'Where do boats rest?';
const documents = [
  'Income tax returns are due in April.',
  'Ships lie at anchor in the sheltered harbour.',
  'A boat is a small vessel that travels on water.',
];

interface Ranking {
  readonly model: string;
  readonly results: readonly { index: number; relevance_score: number; document?: { text: string } }[];
  readonly usage: { prompt_tokens: number };
}

/** The service as it is shipped, on its real model. */
describe('rerank', { timeout: 300_000 }, () => {
  let server: XimServer;
  let origin: string;

  beforeAll(async () => {
    ({ server, origin } = await openService(app));
  }, 300_000);
  afterAll(() => server.close());

  async function post<T>(path: string, body: object): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(`${origin}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await reply.text();
    expect(reply.status, text).toBe(200);
    return JSON.parse(text) as T;
  }
  const rank = (fields: object = {}) =>
    post<Ranking>('/v1/rerank', { model: 'rerank-v3.5', query, documents, ...fields });

  it('puts texts about the query before others, by the cosine', async () => {
    const { model, results } = await rank({ return_documents: true });
    expect(model).toBe(MODEL);
    expect(results.map(({ index }) => index)).toEqual([expect.any(Number), expect.any(Number), 0]);
    expect(results.map(({ document }) => document?.text)).toEqual(results.map(({ index }) => documents[index]));
    const scores = results.map(({ relevance_score: score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(scores[1]).toBeGreaterThan(0.25);
    expect(scores[2]).toBeLessThan(0.15);
  });

  it('finds a document that is the query', async () => {
    const { results } = await rank({ documents: [...documents, query], top_n: 1 });
    expect(results).toEqual([{ index: 3, relevance_score: expect.closeTo(1, 3) as number }]);
  });

  it('gives the same scores in the shapes of Text Embeddings Inference and vLLM', async () => {
    const { results } = await rank();
    const near = (value: number) => expect.closeTo(value, 2) as number;
    const tei = await post('/rerank', { query, texts: documents });
    expect(tei).toEqual(results.map(({ index, relevance_score: score }) => ({ index, score: near(score) })));
    const { data } = await post<{ data: unknown }>('/v1/score', { text_1: query, text_2: documents });
    const inOrder = results.toSorted((a, b) => a.index - b.index);
    expect(data).toEqual(
      inOrder.map(({ index, relevance_score: score }) => ({ index, object: 'score', score: near(score) })),
    );
  });

  it('does not take a cosine for log-odds', async () => {
    const plain = await rank();
    const raw = await rank({ use_activation: false });
    for (const [at, { relevance_score: score }] of plain.results.entries())
      expect(raw.results[at]!.relevance_score).toBeCloseTo(score, 2);
  });

  it('reads the query once for all documents', async () => {
    const tokensOf = async (texts: readonly string[]) => (await rank({ documents: texts })).usage.prompt_tokens;
    const alone = await Promise.all(documents.map((document) => tokensOf([document])));
    const queryTokens = (await tokensOf([query])) / 2;
    expect(await tokensOf(documents)).toBe(alone.reduce((sum, tokens) => sum + tokens - queryTokens, queryTokens));
  });

  it('refuses a document that is too long, or cuts it on request', async () => {
    const long = { documents: [documents[1], `${documents[1]} ${'word '.repeat(300)}`] };
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ query, ...long });
    const reply = await fetch(`${origin}/v1/rerank`, { method: 'POST', headers, body });
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({
      error: { code: 'context_length_exceeded', param: 'documents.1' },
    });
    const { results } = await rank({ ...long, truncate_prompt_tokens: -1, max_tokens_per_doc: 9 });
    expect(results).toHaveLength(2);
    expect(results[1]!.relevance_score).toBeCloseTo(results[0]!.relevance_score, 1);
  });

  it('behaves as its clients expect, seen from outside', async () => {
    const tasks = ['http', 'models', 'rerank'] as const;
    const { results } = await runConformance({ baseUrl: origin, tasks, timeoutSeconds: 120, concurrency: 4 });
    expect(results.filter(({ outcome }) => outcome === 'failed' || outcome === 'refused')).toEqual([]);
    const ranked = results.filter(({ task }) => task === 'rerank');
    expect(new Set(ranked.map(({ outcome }) => outcome))).toEqual(new Set(['passed']));
    expect(ranked.length).toBeGreaterThan(15);
  });
});
