import { describe, expect, it } from 'vitest';
import { EmbeddingsRequest } from './index.ts';

const parse = (fields: object) => EmbeddingsRequest.safeParse({ model: 'm', input: 'x', ...fields });

describe('EmbeddingsRequest', () => {
  it.each([
    ['a text', 'x'],
    ['texts', ['x', 'y']],
    ['tokens', [1, 2, 3]],
    ['arrays of tokens', [[1], [2, 3]]],
    ['2,048 items', Array(2048).fill('x')],
  ])('takes %s', (_, input) => {
    expect(parse({ input }).error).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['input', undefined],
    ['input', null],
    ['input', 5],
    ['input', {}],
    ['input', ''],
    ['input', []],
    ['input', Array(2049).fill('x')],
    ['input.1', ['x', '']],
    ['input.1', ['x', 1]],
    ['input.1', [1, 'x']],
    ['input.1', [1, -1]],
    ['input.0', [1.5]],
    ['input.0', [null]],
    ['input.1', [[1], []]],
    ['input.1', [[1], 2]],
    ['input.1.2', [[1], [1, 2, 0.5]]],
    ['input.0.0', [['x']]],
    ['input.0.0', [[[1]]]],
  ])('refuses at %s', (path, input) => {
    expect(parse({ input }).error?.issues[0]?.path.join('.')).toBe(path);
  });

  it.each([
    ['encoding_format', 'hex'],
    ['dimensions', 0],
    ['dimensions', 1.5],
    ['dimensions', '3'],
    ['prompt_name', 1],
    ['input_type', 1],
  ])('refuses %s: %j', (field, value) => {
    expect(parse({ [field]: value }).error?.issues[0]?.path).toEqual([field]);
  });

  it('takes one of the two names of a prompt', () => {
    expect(parse({ input_type: 'query', prompt_name: null }).error).toBeUndefined();
    expect(parse({ input_type: 'query', prompt_name: 'document' }).error?.issues[0]?.path).toEqual(['input_type']);
  });

  it('takes null for every optional field', () => {
    expect(parse({ encoding_format: null, dimensions: null, user: null }).error).toBeUndefined();
  });
});
