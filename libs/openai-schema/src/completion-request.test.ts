import { describe, expect, it } from 'vitest';
import { CompletionRequest } from './index.ts';

const base = { model: 'm', prompt: 'x' };
const parse = (fields: object) => CompletionRequest.safeParse({ ...base, ...fields });

describe('CompletionRequest', () => {
  it.each<[string, object]>([
    ['a text', { prompt: 'x' }],
    ['an empty text', { prompt: '' }],
    ['texts, empty ones too', { prompt: ['x', ''] }],
    ['tokens, as many as it likes', { prompt: Array(5000).fill(1) }],
    ['tokens of several', { prompt: [[1], [2, 3]] }],
    ['no prompt', { prompt: undefined }],
    ['the ends of ranges', { temperature: 0, top_p: 1, logprobs: 5, max_tokens: 0, best_of: 20, n: 20 }],
    ['the other ends', { temperature: 2, top_p: 0, logprobs: 0, n: 128 }],
    ['as many choices as there may be', { prompt: Array(16).fill('x'), n: 128 }],
    ['a prompt of tokens as one', { prompt: Array(100).fill(1), n: 128 }],
    ['what is best, of a stream of as many', { best_of: 2, n: 2, stream: true }],
  ])('takes %s', (_, fields) => {
    expect(parse(fields).error).toBeUndefined();
  });

  it('takes null for every optional field, and drops what it does not know', () => {
    const optional = Object.keys(CompletionRequest.shape).filter((key) => key !== 'model');
    expect(optional.length).toBeGreaterThan(18);
    const nulls = Object.fromEntries(optional.map((key) => [key, null]));
    expect(CompletionRequest.parse({ model: 'm', ...nulls, zz: 1 })).toEqual({ model: 'm', ...nulls });
  });

  it.each<[string, object]>([
    ['prompt', { prompt: 1 }],
    ['prompt', { prompt: [] }],
    ['prompt.1', { prompt: ['x', 1] }],
    ['prompt.1', { prompt: [[1], []] }],
    ['prompt', { prompt: Array(2049).fill([1]) }],
    ['n', { prompt: Array(17).fill('x'), n: 128 }],
    ['best_of', { prompt: Array(200).fill('x'), best_of: 20 }],
    ['best_of', { best_of: 1, n: 2 }],
    ['best_of', { best_of: 2, stream: true }],
    ['logprobs', { logprobs: 6 }],
    ['max_tokens', { max_tokens: -1 }],
    ['stream_options', { stream_options: {} }],
    ['suffix', { suffix: 1 }],
    ['echo', { echo: 'yes' }],
  ])('refuses at %s: %j', (path, fields) => {
    expect(parse(fields).error?.issues[0]?.path.join('.')).toBe(path);
  });
});
