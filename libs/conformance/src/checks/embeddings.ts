import { z } from 'zod';
import { expectError, fetchJson } from '../answers.ts';
import type { Answer } from '../client.ts';
import type { Check, Context } from '../check.ts';
import { anything, expectEqual, expectShape, expectThat } from '../expectations.ts';
import { longText } from '../long-text.ts';

export const EMBEDDINGS = '/v1/embeddings';

const Usage = z.looseObject({ prompt_tokens: z.int().min(1), total_tokens: z.int().min(1) });
const vector = z.array(z.number()).min(1);
const Embeddings = z.looseObject({
  object: z.literal('list'),
  data: z.array(z.looseObject({ object: z.literal('embedding'), index: z.int().min(0), embedding: vector })).min(1),
  model: z.string().min(1),
  usage: Usage,
});
const Loose = z.looseObject({
  data: z.array(z.looseObject({ index: anything, embedding: vector })).min(1),
  usage: z.looseObject({ prompt_tokens: z.number().optional(), total_tokens: z.number().optional() }).optional(),
});

const TEXTS = [
  'The cat sleeps on the warm stove.',
  'Interest rates rise.',
  'A ship sails over the wide blue sea today.',
];
/** Small numbers are token ids in every vocabulary. */
const TOKENS = [1000, 1001, 1002];

const tryEmbed = (context: Context, more: object): Promise<Answer> =>
  context.send({ path: EMBEDDINGS, body: { model: context.model, input: TEXTS[0], ...more } });

async function embed(context: Context, input: unknown, more: object = {}) {
  const body = { model: context.model, input, ...more };
  return expectShape(Loose, await fetchJson(context, { path: EMBEDDINGS, body }), 'answer');
}

const single = (context: Context, text: string) => context.shared(`embeddings ${text}`, (own) => embed(own, text));

const norm = (a: readonly number[]) => Math.hypot(...a);
const cosine = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? NaN), 0) / (norm(a) * norm(b));

const wrong: readonly (readonly [id: string, title: string, more: object, param: string])[] = [
  ['encoding', 'an unknown encoding_format is refused', { encoding_format: 'hex' }, 'encoding_format'],
  ['input-missing', 'a request without input is refused', { input: undefined }, 'input'],
  ['input-empty-list', 'an empty list is refused', { input: [] }, 'input'],
  ['input-empty-text', 'an empty string is refused', { input: '' }, 'input'],
  ['input-empty-item', 'an empty string in a list is refused', { input: ['a', ''] }, 'input'],
  ['input-type', 'an object as input is refused', { input: { text: 'a' } }, 'input'],
  ['input-too-many', 'more than 2,048 items are refused', { input: Array.from({ length: 2049 }, () => 'a') }, 'input'],
  ['dimensions-zero', 'dimensions: 0 is refused', { dimensions: 0 }, 'dimensions'],
];

export const embeddingChecks: readonly Check[] = [
  {
    id: 'embeddings.fields',
    title: 'an answer has the fields that the API requires, and vectors of numbers by default',
    why: 'Clients without an SDK read the numbers directly.',
    async run(context) {
      const body = { model: context.model, input: TEXTS[0] };
      const { data } = expectShape(Embeddings, await fetchJson(context, { path: EMBEDDINGS, body }), 'answer');
      expectEqual(data.length, 1, 'the number of vectors');
    },
  },
  {
    id: 'embeddings.usage',
    title: 'total_tokens equals prompt_tokens, summed over the inputs',
    why: 'Cost tools bill by these numbers.',
    async run(context) {
      const { usage } = await embed(context, TEXTS);
      expectEqual(usage?.total_tokens ?? null, usage?.prompt_tokens ?? -1, 'total_tokens');
      let sum = 0;
      for (const text of TEXTS) sum += (await single(context, text)).usage?.prompt_tokens ?? 0;
      expectEqual(usage?.prompt_tokens ?? null, sum, 'prompt_tokens');
    },
  },
  {
    id: 'embeddings.order',
    title: 'vectors come in the order of the inputs, each with its index',
    why: 'Vector stores pair texts and vectors by their order.',
    async run(context) {
      const { data } = await embed(context, TEXTS);
      expectEqual(data.map(({ index }) => index).join(), '0,1,2', 'the indexes');
      for (const [i, text] of TEXTS.entries()) {
        const alone = (await single(context, text)).data[0]!.embedding;
        const likeness = data.map(({ embedding }) => cosine(embedding, alone));
        expectThat(likeness[i]! > 0.99, `vector ${i} like that of its text alone (cosine above 0.99)`, likeness[i]);
        expectThat(
          likeness.every((value, other) => other === i || value < 0.999),
          `the others unlike it`,
          likeness,
        );
      }
    },
  },
  {
    id: 'embeddings.base64',
    title: 'base64 is the little-endian float32 of the same vector',
    why: 'Both official SDKs request it by default and decode it.',
    async run(context) {
      const more = { model: context.model, input: TEXTS[0], encoding_format: 'base64' };
      const Base64 = z.looseObject({ data: z.array(z.looseObject({ embedding: z.base64().min(1) })).min(1) });
      const { data } = expectShape(Base64, await fetchJson(context, { path: EMBEDDINGS, body: more }), 'answer');
      const bytes = Buffer.from(data[0]!.embedding, 'base64');
      const plain = (await single(context, TEXTS[0]!)).data[0]!.embedding;
      expectEqual(bytes.length, plain.length * 4, 'the number of bytes');
      const decoded = plain.map((_, i) => bytes.readFloatLE(i * 4));
      expectThat(cosine(decoded, plain) > 0.999, 'the vector that float gives', decoded.slice(0, 4));
      expectThat(Math.abs(norm(decoded) / norm(plain) - 1) < 0.01, `a length of ${norm(plain)}`, norm(decoded));
    },
  },
  {
    id: 'embeddings.float',
    title: 'encoding_format: float gives numbers',
    why: 'Clients that cannot decode base64 send this value.',
    async run(context) {
      await embed(context, TEXTS[0], { encoding_format: 'float' });
    },
  },
  {
    id: 'embeddings.tokens',
    title: 'a list of tokens is one input',
    why: 'LangChain’s OpenAIEmbeddings sends tokens by default.',
    async run(context) {
      expectEqual((await embed(context, TOKENS)).data.length, 1, 'the number of vectors');
    },
  },
  {
    id: 'embeddings.token-lists',
    title: 'lists of tokens are one input each',
    why: 'The same client sends them in batches.',
    async run(context) {
      const { data } = await embed(context, [TOKENS, [2000, 2001]]);
      expectEqual(data.map(({ index }) => index).join(), '0,1', 'the indexes');
      const [a, b] = data.map(({ embedding }) => embedding);
      expectThat(
        cosine(a!, b!) < 0.99999,
        'two different vectors',
        data.map(({ embedding }) => embedding.slice(0, 3)),
      );
    },
  },
  {
    id: 'embeddings.many',
    title: 'sixty-four inputs of different length are answered at once',
    why: 'Indexers send batches of such sizes.',
    async run(context) {
      const texts = Array.from({ length: 64 }, (_, i) => `Text number ${i} ${'and so on '.repeat(i % 7)}`);
      const { data } = await embed(context, texts);
      expectEqual(data.map(({ index }) => index).join(), texts.map((_, i) => i).join(), 'the indexes');
      expectEqual(new Set(data.map(({ embedding }) => embedding.length)).size, 1, 'the number of different lengths');
    },
  },
  {
    id: 'embeddings.dimensions',
    title: 'dimensions gives unit vectors of that length',
    why: 'Vector stores have a fixed length, and a longer vector does not fit.',
    mayRefuse: ['dimensions'],
    async run(context) {
      const { embedding } = (await embed(context, TEXTS[0], { dimensions: 32 })).data[0]!;
      expectEqual(embedding.length, 32, 'the length');
      expectThat(Math.abs(norm(embedding) - 1) < 0.01, 'a unit vector', norm(embedding));
    },
  },
  {
    id: 'embeddings.unknown-fields',
    title: 'unknown fields are ignored, and user is accepted',
    why: 'Clients may be newer than the server.',
    async run(context) {
      await embed(context, TEXTS[0], { x_unknown: 1, user: 'someone' });
    },
  },
  ...wrong.map(([id, title, more, param]): Check => ({
    id: `embeddings.invalid.${id}`,
    title,
    why: 'A wrong request must get an error that the SDKs can read.',
    async run(context) {
      expectError(await tryEmbed(context, more), { status: 400, param });
    },
  })),
  {
    id: 'embeddings.too-long',
    title: 'an input that does not fit is a 400, not a vector of its beginning',
    why: 'Otherwise search misses the rest of the text without notice.',
    async run(context) {
      expectError(await tryEmbed(context, { input: longText(context) }), { status: 400 });
    },
  },
  {
    id: 'embeddings.unknown-model',
    title: 'an unknown model is a 404 with code model_not_found',
    why: 'Vectors of another model are not comparable with the vectors in the store.',
    async run(context) {
      expectError(await tryEmbed(context, { model: 'no-such-model' }), { status: 404, code: 'model_not_found' });
    },
  },
];
