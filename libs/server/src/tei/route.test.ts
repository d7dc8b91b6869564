import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmbedding, type TestService } from '../__fixtures__/test-service.ts';
import { EmbedResponse, SimilarityResponse, TeiInfo } from './schema.ts';

let service: TestService;
beforeAll(async () => {
  service = await startEmbedding();
});
afterAll(() => service.close());

async function post(path: string, body: object): Promise<unknown> {
  const reply = await service.post(path, body);
  const text = await reply.text();
  expect(reply.status, text).toBe(200);
  return JSON.parse(text);
}

const texts = ['a quiet harbour', 'a loud market', 'a quiet harbour'];

it('POST /embed gives the vectors of /v1/embeddings', async () => {
  const body = { model: 'text-embedding-3-small', input: texts };
  const { data } = (await post('/v1/embeddings', body)) as { data: { embedding: number[] }[] };
  const vectors = EmbedResponse.parse(await post('/embed', { inputs: texts, normalize: true, truncate: false }));
  expect(vectors).toEqual(data.map(({ embedding }) => embedding));
  expect(await post('/embed', { inputs: texts[0] })).toEqual([vectors[0]]);
  expect(await post('/', { inputs: texts })).toEqual(vectors);
});

it('POST /similarity gives the cosine of each sentence with the source', async () => {
  const [a, b] = EmbedResponse.parse(await post('/embed', { inputs: texts }));
  const inputs = { source_sentence: texts[0], sentences: texts.slice(1) };
  const [other, same] = SimilarityResponse.parse(await post('/similarity', { inputs }));
  expect(same).toBeCloseTo(1, 5);
  expect(other).toBeCloseTo(
    a!.reduce((sum, value, i) => sum + value * b![i]!, 0),
    5,
  );
});

it('GET /info describes the model and the limits', async () => {
  const info = TeiInfo.parse(await (await service.get('/info')).json());
  expect(info).toMatchObject({ model_id: 'xim/echo-embed', max_input_length: 512, model_type: { embedding: {} } });
});

it('cuts a text that is too long on request, on the side that is named', async () => {
  const whole = `${'a'.repeat(400)}${'b'.repeat(400)}`;
  const embed = async (fields: object) => EmbedResponse.parse(await post('/embed', fields));
  const expected = await embed({ inputs: [whole.slice(0, 512), whole.slice(-512)] });
  expect(await embed({ inputs: whole, truncate: true })).toEqual([expected[0]]);
  expect(await embed({ inputs: whole, truncate: true, truncation_direction: 'Left' })).toEqual([expected[1]]);
  const inputs = { source_sentence: whole, sentences: [whole.slice(0, 512), 'c'] };
  const [same] = SimilarityResponse.parse(await post('/similarity', { inputs, parameters: { truncate: true } }));
  expect(same).toBeCloseTo(1, 5);
});

it.each<[string, string, object]>([
  ['normalize', '/embed', { inputs: 'a', normalize: false }],
  ['inputs', '/embed', { inputs: [] }],
  ['inputs', '/', { inputs: [] }],
  ['prompt_name', '/embed', { inputs: 'a', prompt_name: 'nobody' }],
  ['inputs', '/embed', { inputs: 'a '.repeat(600) }],
  ['inputs.sentences', '/similarity', { inputs: { source_sentence: 'a', sentences: [] } }],
])('is refused at %s: %s %j', async (param, path, body) => {
  const reply = await service.post(path, body);
  const { error, error_type: type } = (await reply.json()) as { error: string; error_type: string };
  expect([reply.status, type, error]).toEqual([422, 'validation', expect.stringContaining(param)]);
});
