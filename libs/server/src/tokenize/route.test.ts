import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChat, type TestService } from '../__fixtures__/test-service.ts';
import { LlamaTokens, VllmTokens } from './schema.ts';

const TEXT = 'Köln am Rhein';
const messages = [{ role: 'user', content: TEXT }];
let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

const post = async (path: string, body: object): Promise<unknown> => {
  const reply = await service.post(path, body);
  const text = await reply.text();
  expect(reply.status, text).toBe(200);
  return JSON.parse(text);
};

it('tells the tokens of a text in the shape of each server, and the text of the tokens', async () => {
  const theirs = (await post('/tokenize', { inputs: TEXT })) as { id: number; text: string }[];
  const tokens = theirs.map(({ id }) => id);
  expect(VllmTokens.parse(await post('/tokenize', { model: 'gpt-4o-mini', prompt: TEXT }))).toEqual({
    count: tokens.length,
    max_model_len: expect.any(Number) as number,
    tokens,
    token_strs: null,
  });
  const named = VllmTokens.parse(await post('/tokenize', { prompt: TEXT, return_token_strs: true }));
  expect(named.token_strs).toEqual(theirs.map(({ text }) => text));
  expect(LlamaTokens.parse(await post('/tokenize', { content: TEXT }))).toEqual({ tokens });
  expect(LlamaTokens.parse(await post('/tokenize', { content: TEXT, with_pieces: true }))).toEqual({
    tokens: theirs.map(({ id, text }) => ({ id, piece: text })),
  });
  expect(await post('/detokenize', { tokens })).toEqual({ prompt: TEXT, content: TEXT });
  expect(await post('/detokenize', { tokens: [] })).toEqual({ prompt: '', content: '' });
});

it('tells a conversation as the model reads it, and its tokens', async () => {
  const { prompt } = (await post('/apply-template', { messages })) as { prompt: string };
  expect(prompt).toBe(`<|user|>${TEXT}<|assistant|>`);
  const { tokens, count } = VllmTokens.parse(await post('/tokenize', { messages }));
  expect(await post('/detokenize', { tokens })).toEqual({ prompt, content: prompt });
  expect(count).toBe(tokens.length);
});

it.each<[string, string, object, number]>([
  ['add_special_tokens', '/tokenize', { prompt: 'a', add_special_tokens: false }, 422],
  ['add_special_tokens', '/tokenize', { messages, add_special_tokens: true }, 422],
  ['add_special', '/tokenize', { content: 'a', add_special: false }, 422],
  ['inputs', '/tokenize', {}, 422],
  ['tokens', '/detokenize', { tokens: ['a'] }, 400],
  ['tokens', '/detokenize', { tokens: [10 ** 9] }, 400],
  ['messages', '/apply-template', { messages: [] }, 400],
  [
    'messages.0.content.0',
    '/apply-template',
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
    400,
  ],
])('is refused at %s: %s %j', async (param, path, body, status) => {
  const reply = await service.post(path, body);
  expect([reply.status, await reply.text()]).toEqual([status, expect.stringContaining(param)]);
});
