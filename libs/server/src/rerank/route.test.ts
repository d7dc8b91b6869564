import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIdle, startReranking, startScriptedTasks, type TestService } from '../__fixtures__/test-service.ts';
import { TeiInfo } from '../tei/schema.ts';
import { RerankResponse, ScoreResponse, TeiRerankResponse } from './schema.ts';

// The engine behind it finds a document as relevant as the share of the query's tokens that it has.
let service: TestService;
beforeAll(async () => {
  service = await startReranking();
});
afterAll(() => service.close());

const model = 'rerank-v3.5';
const query = 'one two';
const documents = ['nine', 'one two', 'one', 'ten'];

async function post(path: string, body: object): Promise<unknown> {
  const reply = await service.post(path, body);
  const text = await reply.text();
  expect(reply.status, text).toBe(200);
  return JSON.parse(text);
}
/** A probability, or one that a float32 of its log-odds gives. */
const near = (value: number): number => expect.closeTo(value, 5) as number;
const rerank = async (fields: object = {}, path = '/v1/rerank') =>
  RerankResponse.parse(await post(path, { model, query, documents, ...fields }));
const score = async (fields: object, path = '/v1/score') => ScoreResponse.parse(await post(path, { model, ...fields }));
const tei = async (fields: object = {}) =>
  TeiRerankResponse.parse(await post('/rerank', { query, texts: documents, ...fields }));

async function refusalOf(path: string, fields: object) {
  const reply = await service.post(path, { model, ...fields });
  const { error } = (await reply.json()) as { error: { param: string; code: string; message: string } };
  return { status: reply.status, ...error };
}

describe('Cohere’s rerank', () => {
  it.each(['/v1/rerank', '/v2/rerank', '/rerank'])('%s gives the most relevant document first', async (path) => {
    const { results, ...rest } = await rerank({}, path);
    expect(results).toEqual([
      { index: 1, relevance_score: near(0.99) },
      { index: 2, relevance_score: near(0.5) },
      { index: 0, relevance_score: near(0.01) },
      { index: 3, relevance_score: near(0.01) },
    ]);
    const tokens = 4 * 2 + 5;
    expect(rest).toEqual({
      id: expect.stringMatching(/^rerank-/) as string,
      model: 'xim/echo-rerank',
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      meta: { tokens: { input_tokens: tokens } },
    });
  });

  it('puts an instruction before the query', async () => {
    // Of an echo's three tokens for instruction and query, " two" is in no document.
    const { results } = await rerank({ instruction: 'nine', documents: ['nine'] });
    const [alone] = (await rerank({ documents: ['nine'] })).results;
    expect(results[0]!.relevance_score).toBeGreaterThan(alone!.relevance_score);
    expect(await refusalOf('/v1/rerank', { query, documents, instruction: '' })).toMatchObject({
      status: 400,
      param: 'instruction',
    });
  });

  it('gives so many results as top_n says, with their documents on request', async () => {
    const { results } = await rerank({ top_n: 2, return_documents: true });
    expect(results.map(({ index, document }) => [index, document])).toEqual([
      [1, { text: 'one two' }],
      [2, { text: 'one' }],
    ]);
    expect((await rerank({ top_n: 99 })).results).toHaveLength(4);
  });

  it('takes documents as objects', async () => {
    const objects = documents.map((text) => ({ text }));
    expect((await rerank({ documents: objects })).results).toEqual((await rerank()).results);
  });

  it('gives log-odds with use_activation: false', async () => {
    const [first] = (await rerank({ use_activation: false })).results;
    expect(first!.relevance_score).toBeCloseTo(Math.log(99), 4);
  });

  it('reads so many tokens of a document as max_tokens_per_doc says', async () => {
    const { results } = await rerank({ max_tokens_per_doc: 1 });
    expect(results.map(({ relevance_score: value }) => value)).toEqual([0.5, 0.5, near(0.01), near(0.01)]);
  });

  it('cuts a pair on request, on the side that is named', async () => {
    const long = { query: ' sea', documents: [`${'a '.repeat(600)} sea`] };
    expect(await refusalOf('/v1/rerank', long)).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      param: 'documents.0',
    });
    const scoreOf = async (fields: object) => (await rerank({ ...long, ...fields })).results[0]!.relevance_score;
    expect(await scoreOf({ truncate_prompt_tokens: -1 })).toBeCloseTo(0.01, 5);
    expect(await scoreOf({ truncate_prompt_tokens: 8, truncation_side: 'right' })).toBeCloseTo(0.01, 5);
    expect(await scoreOf({ truncate_prompt_tokens: 8, truncation_side: 'left' })).toBeCloseTo(0.99, 5);
  });

  it('takes 2,048 documents', async () => {
    const { results } = await rerank({ documents: Array.from({ length: 2048 }, (_, at) => (at === 77 ? query : 'a')) });
    expect([results.length, results[0]!.index]).toEqual([2048, 77]);
  });

  it.each<[string, object]>([
    ['query', { query: undefined }],
    ['query', { query: '' }],
    ['documents', { documents: undefined }],
    ['documents', { documents: [] }],
    ['documents', { documents: 'one' }],
    ['documents.1', { documents: ['a', ''] }],
    ['documents.0.text', { documents: [{ text: '' }] }],
    ['documents', { documents: Array(2049).fill('x') }],
    ['top_n', { top_n: 0 }],
    ['truncate_prompt_tokens', { truncate_prompt_tokens: 0 }],
    ['truncation_side', { truncation_side: 'left' }],
    ['max_tokens_per_doc', { max_tokens_per_doc: 0 }],
  ])('a wrong %s is a 400 that names it: %j', async (param, fields) => {
    for (const path of ['/v1/rerank', '/rerank'])
      expect(await refusalOf(path, { query, documents, ...fields })).toMatchObject({ status: 400, param });
  });

  it('a model that is not served is a 404', async () => {
    const wrong = { model: 'ada', query, documents };
    expect(await refusalOf('/v1/rerank', wrong)).toMatchObject({ status: 404, code: 'model_not_found' });
  });
});

describe('the rerank of Text Embeddings Inference', () => {
  it('gives scores and places, the most relevant text first', async () => {
    expect(await tei()).toEqual([
      { index: 1, score: near(0.99) },
      { index: 2, score: near(0.5) },
      { index: 0, score: near(0.01) },
      { index: 3, score: near(0.01) },
    ]);
  });

  it('is at the address of the service too', async () => {
    expect(TeiRerankResponse.parse(await post('/', { query, texts: documents }))).toEqual(await tei());
    const reply = await service.post('/', { query, documents });
    expect([reply.status, await reply.json()]).toMatchObject([422, { error_type: 'validation' }]);
  });

  it('gives log-odds and texts on request', async () => {
    const [first] = await tei({ raw_scores: true, return_text: true });
    expect(first).toEqual({ index: 1, text: 'one two', score: expect.closeTo(Math.log(99), 4) as number });
  });

  it('cuts a pair on request, on the side that is named', async () => {
    const long = { query: ' sea', texts: [`${'a '.repeat(600)} sea`], truncate: true };
    expect(await tei(long)).toEqual([{ index: 0, score: near(0.01) }]);
    expect(await tei({ ...long, truncation_direction: 'Left' })).toEqual([{ index: 0, score: near(0.99) }]);
  });

  it.each<[string, object]>([
    ['texts', { query, texts: [] }],
    ['texts.1', { query, texts: ['a', ''] }],
    ['query', { texts: ['a'] }],
    ['texts.1', { query, texts: ['a', 'a '.repeat(600)] }],
    ['documents', { query, texts: ['a'], documents: ['a'] }],
    ['top_n', { query, texts: ['a'], top_n: 1 }],
    ['return_documents', { query, texts: ['a'], return_documents: true }],
  ])('a wrong %s is an error in its shape: %j', async (param, body) => {
    const reply = await service.post('/rerank', body);
    const { error, error_type: type } = (await reply.json()) as { error: string; error_type: string };
    expect([reply.status, type, error]).toEqual([422, 'validation', expect.stringContaining(param)]);
  });

  it.each(['raw_scores', 'return_text', 'truncate'])('%s is refused beside documents', async (name) => {
    const found = await refusalOf('/rerank', { query, documents, [name]: true });
    expect(found).toMatchObject({ status: 400, param: name, code: 'unsupported_parameter' });
  });
});

it('GET /info describes a reranker as Text Embeddings Inference does', async () => {
  const info = TeiInfo.parse(await (await service.get('/info')).json());
  expect(info).toMatchObject({
    ...{ model_id: 'xim/echo-rerank', max_input_length: 512, max_client_batch_size: 2048, auto_truncate: false },
    model_type: { reranker: { id2label: { '0': 'LABEL_0' } } },
  });
});

describe('vLLM’s score', () => {
  it.each(['/v1/score', '/score'])('%s gives the scores in the order of the texts', async (path) => {
    const { data, ...rest } = await score({ text_1: query, text_2: documents }, path);
    expect(data.map(({ index, score: value }) => [index, value])).toEqual([
      [0, near(0.01)],
      [1, near(0.99)],
      [2, near(0.5)],
      [3, near(0.01)],
    ]);
    expect(rest).toMatchObject({ object: 'list', model: 'xim/echo-rerank', usage: { prompt_tokens: 13 } });
  });

  it('takes a query for each text, and one text', async () => {
    const { data } = await score({ text_1: ['one', 'two'], text_2: ['one', 'one'] });
    expect(data.map(({ score: value }) => value)).toEqual([near(0.99), near(0.01)]);
    expect((await score({ text_1: ['one'], text_2: 'one' })).data).toHaveLength(1);
    const raw = await score({ text_1: 'one', text_2: 'one', use_activation: false });
    expect(raw.data[0]!.score).toBeCloseTo(Math.log(99), 4);
  });

  it.each<[string, object]>([
    ['text_1', { text_1: ['a', 'b'], text_2: 'c' }],
    ['text_1', { text_1: ['a', 'b'], text_2: ['c', 'd', 'e'] }],
    ['text_1', { text_1: '', text_2: 'c' }],
    ['text_2', { text_1: 'a', text_2: [] }],
    ['text_2.1', { text_1: 'a', text_2: ['b', 'a '.repeat(600)] }],
  ])('a wrong %s is a 400 that names it', async (param, fields) => {
    expect(await refusalOf('/v1/score', fields)).toMatchObject({ status: 400, param });
  });
});

describe('cosines', () => {
  let cosines: TestService;
  beforeAll(async () => {
    const scores = Float32Array.of(0.25, -0.5, 0.75);
    cosines = await startScriptedTasks({ rerank: async () => ({ scores, kind: 'cosine', inputTokens: 7 }) });
  });
  afterAll(() => cosines.close());
  const read = async (path: string, body: object): Promise<unknown> => {
    const reply = await cosines.post(path, body);
    expect(reply.status).toBe(200);
    return reply.json();
  };
  const three = ['a', 'b', 'c'];

  it.each([true, false, undefined])('stay as they are with use_activation: %s', async (use_activation) => {
    const ranked = await read('/v1/rerank', { query: 'q', documents: three, use_activation });
    expect(RerankResponse.parse(ranked).results).toEqual([
      { index: 2, relevance_score: 0.75 },
      { index: 0, relevance_score: 0.25 },
      { index: 1, relevance_score: -0.5 },
    ]);
    const scored = ScoreResponse.parse(await read('/v1/score', { text_1: 'q', text_2: three, use_activation }));
    expect(scored.data.map(({ score: value }) => value)).toEqual([0.25, -0.5, 0.75]);
  });

  it.each([true, false])('stay as they are with raw_scores: %s', async (raw_scores) => {
    const found = TeiRerankResponse.parse(await read('/rerank', { query: 'q', texts: three, raw_scores }));
    expect(found.map(({ score: value }) => value)).toEqual([0.75, 0.25, -0.5]);
  });
});

it('counts the tokens', async () => {
  const before = await tokensOf();
  const { usage } = await rerank();
  expect((await tokensOf()) - before).toBe(usage.prompt_tokens);
});

async function tokensOf(): Promise<number> {
  const text = await (await service.get('/metrics')).text();
  return Number(/^xim_input_tokens_total\S* (\d+)$/m.exec(text)?.[1] ?? NaN);
}

it('a service whose engine cannot rank says so', async () => {
  const idle = await startIdle();
  const response = await idle.post('/v1/rerank', { model: 'gpt-4o-mini', query, documents });
  await idle.close();
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { param: 'model', code: 'unsupported_parameter' } });
});
