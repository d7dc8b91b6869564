import { describe, expect, it } from 'vitest';
import { CompatGenerateRequest, GenerateParameters, Info } from './index.ts';

const parse = (parameters: object) => CompatGenerateRequest.safeParse({ inputs: 'hi', parameters });
const pathOf = (parameters: object) => parse(parameters).error?.issues[0]?.path.join('.');

describe('GenerateRequest', () => {
  it.each<[string, object]>([
    ['nothing', {}],
    [
      'the smallest values',
      { max_new_tokens: 1, top_k: 1, best_of: 1, seed: 0, truncate: 1, top_n_tokens: 0, temperature: 0.01 },
    ],
    ['the largest values', { top_p: 1, typical_p: 1, frequency_penalty: 2, top_n_tokens: 5, seed: 2 ** 64 }],
    ['four stop texts', { stop: ['a', 'b', 'c', 'd'] }],
    ['no stop texts', { stop: [] }],
    ['a grammar as an object', { grammar: { type: 'json', value: { type: 'object' } } }],
    ['a named schema', { grammar: { type: 'json_schema', value: { name: 'n', schema: {} } } }],
    ['a pattern', { grammar: { type: 'regex', value: '[0-9]+' } }],
  ])('takes %s', (_, parameters) => {
    expect(parse(parameters).error).toBeUndefined();
  });

  it('takes null for every parameter, and for all of them', () => {
    const keys = Object.keys(GenerateParameters.shape);
    expect(keys).toHaveLength(19);
    expect(parse(Object.fromEntries(keys.map((key) => [key, null]))).error).toBeUndefined();
    expect(CompatGenerateRequest.safeParse({ inputs: 'hi', parameters: null, stream: null }).error).toBeUndefined();
  });

  it('reads a schema that comes as a text', () => {
    const grammar = { type: 'json', value: '{"properties": {"a": {"type": "string"}}}' };
    expect(parse({ grammar }).data?.parameters?.grammar?.value).toEqual({ properties: { a: { type: 'string' } } });
  });

  it('drops what it does not know', () => {
    expect(CompatGenerateRequest.parse({ inputs: 'hi', options: {}, parameters: { zz: 1 } })).toEqual({
      inputs: 'hi',
      parameters: {},
    });
  });

  it.each<[string, object]>([
    ['max_new_tokens', { max_new_tokens: 0 }],
    ['max_new_tokens', { max_new_tokens: 1.5 }],
    ['stop', { stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['stop.0', { stop: [''] }],
    ['temperature', { temperature: 0 }],
    ['top_k', { top_k: 0 }],
    ['top_p', { top_p: 0 }],
    ['top_p', { top_p: 1.1 }],
    ['typical_p', { typical_p: 0 }],
    ['seed', { seed: -1 }],
    ['seed', { seed: 0.5 }],
    ['repetition_penalty', { repetition_penalty: 0 }],
    ['frequency_penalty', { frequency_penalty: -2.1 }],
    ['best_of', { best_of: 0 }],
    ['truncate', { truncate: 0 }],
    ['top_n_tokens', { top_n_tokens: 6 }],
    ['details', { details: 'yes' }],
    ['grammar.type', { grammar: { type: 'yaml', value: '' } }],
    ['grammar.value', { grammar: { type: 'regex', value: 1 } }],
    ['grammar.value', { grammar: { type: 'json', value: '[1]' } }],
    ['grammar.value', { grammar: { type: 'json', value: '{' } }],
    ['grammar.value.schema', { grammar: { type: 'json_schema', value: {} } }],
  ])('refuses at %s: %j', (path, parameters) => {
    expect(pathOf(parameters)).toBe(`parameters.${path}`);
  });

  it('needs a text to continue', () => {
    for (const body of [{}, { inputs: '' }, { inputs: ['a'] }])
      expect(CompatGenerateRequest.safeParse(body).success).toBe(false);
  });
});

it('Info has the ten keys that every client may count on', () => {
  const required = ['model_id', 'max_concurrent_requests', 'max_best_of', 'max_stop_sequences', 'max_input_tokens'];
  required.push('max_total_tokens', 'validation_workers', 'max_client_batch_size', 'router', 'version');
  for (const key of required) expect(Info.shape[key as keyof typeof Info.shape].isOptional(), key).toBe(false);
});
