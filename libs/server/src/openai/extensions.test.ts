import type { EmbedInput, EmbedOutput, GenerateInput, RerankInput, RerankOutput } from '@xim/engine';
import { extensionFields, type ExtensionRoute } from '@xim/openai-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScriptedTasks, type TestService } from '../__fixtures__/test-service.ts';

const calls: unknown[] = [];
let service: TestService;
beforeAll(async () => {
  service = await startScriptedTasks({
    async *generate(input: GenerateInput) {
      calls.push(input);
      yield { type: 'start', inputTokens: 1 };
      yield { type: 'text-delta', choice: 0, text: 'a', tokens: 1 };
      yield { type: 'choice-end', choice: 0, reason: 'stop' };
      yield { type: 'end', usage: { inputTokens: 1, outputTokens: 1 } };
    },
    async embed(input: EmbedInput): Promise<EmbedOutput> {
      calls.push(input);
      return { vectors: Float32Array.of(1), dimensions: 1, inputTokens: 1 };
    },
    async rerank(input: RerankInput): Promise<RerankOutput> {
      calls.push(input);
      return { scores: Float32Array.of(1), kind: 'log-odds', inputTokens: 2 };
    },
  });
});
afterAll(() => service.close());

const path: Record<ExtensionRoute, string> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  responses: '/v1/responses',
  embeddings: '/v1/embeddings',
  rerank: '/v1/rerank',
  score: '/v1/score',
};
const base: Record<ExtensionRoute, object> = {
  chat: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'a' }] },
  completions: { model: 'gpt-4o-mini', prompt: 'a' },
  responses: { model: 'gpt-4o-mini', input: 'a' },
  embeddings: { model: 'gpt-4o-mini', input: 'a' },
  rerank: { model: 'gpt-4o-mini', query: 'a', documents: ['b'] },
  score: { model: 'gpt-4o-mini', text_1: 'a', text_2: 'b' },
};

const schema = { type: 'object' };
/** For each field that is honoured, fields of a request that asks for something. */
const examples: Record<string, object> = {
  top_k: { top_k: 3 },
  min_p: { min_p: 0.1 },
  typical_p: { typical_p: 0.9 },
  allowed_token_ids: { allowed_token_ids: [1, 2] },
  bad_words: { bad_words: ['no'] },
  stop_token_ids: { stop_token_ids: [1] },
  min_tokens: { min_tokens: 2 },
  min_new_tokens: { min_new_tokens: 2 },
  add_generation_prompt: { add_generation_prompt: false },
  continue_final_message: { continue_final_message: true },
  chat_template_kwargs: { chat_template_kwargs: { style: 'short' } },
  instruction: { instruction: 'Find harbours.' },
  truncate_prompt_tokens: { truncate_prompt_tokens: 3 },
  truncate: { truncate: true },
  truncation_side: { truncate: true, truncation_side: 'left' },
  prompt_logprobs: { prompt_logprobs: 0 },
  return_token_ids: { return_token_ids: true },
  'stream_options.continuous_usage_stats': {
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  },
  repetition_penalty: { repetition_penalty: 1.1 },
  repeat_penalty: { repeat_penalty: 1.1 },
  ignore_eos: { ignore_eos: true },
  include_stop_str_in_output: { include_stop_str_in_output: true },
  no_stop_trim: { no_stop_trim: true },
  guided_json: { guided_json: schema },
  guided_choice: { guided_choice: ['a', 'b'] },
  guided_regex: { guided_regex: '[ab]' },
  guided_grammar: { guided_grammar: 'root ::= "a"' },
  structured_outputs: { structured_outputs: { choice: ['a'] } },
  grammar: { grammar: 'root ::= "a"' },
  ebnf: { ebnf: 'root ::= "a"' },
  json_schema: { json_schema: JSON.stringify(schema) },
  regex: { regex: '[ab]' },
  response_format: { response_format: { type: 'json_object' } },
  prompt_name: { prompt_name: 'query' },
  input_type: { input_type: 'query' },
  logprobs: { logprobs: true },
};
/** Fields that change the answer, and not what the engine is asked for. */
const answersOnly: readonly string[] = ['stream_options.continuous_usage_stats'];

async function ask(route: ExtensionRoute, fields: object) {
  calls.length = 0;
  const response = await service.post(path[route], { ...base[route], ...fields });
  const body = await response.text();
  return { status: response.status, body, call: calls[0] };
}

const usagesOf = (body: string) => body.match(/"usage":[^}]*/g);

/** A value at a path: `a.b` → `{a: {b: value}}`. */
const at = (name: string, value: unknown): object =>
  name.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;

const cases = extensionFields.flatMap((field) => field.routes.map((route) => ({ ...field, route })));
const of = (treatment: string) => cases.filter((one) => one.treatment === treatment);

describe('a known extension field is honoured or refused by name, never dropped', () => {
  it('each is listed once for a route', () => {
    const names = cases.map(({ name, route }) => `${route} ${name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(of('honoured'))('$route honours $name', async ({ name, route }) => {
    const streamed = { stream: true, stream_options: { include_usage: true } };
    const plain = await ask(route, answersOnly.includes(name) ? streamed : {});
    const asked = await ask(route, examples[name]!);
    expect(asked).toMatchObject({ status: 200 });
    // Ids and times differ in any case.
    if (answersOnly.includes(name)) expect(usagesOf(asked.body)).not.toEqual(usagesOf(plain.body));
    else expect(asked.call).not.toEqual(plain.call);
  });

  it.each(of('refused'))('$route refuses $name', async ({ name, route, neutral = [] }) => {
    const { status, body, call } = await ask(route, at(name, { some: 'value' }));
    expect({ status, call }).toEqual({ status: 400, call: undefined });
    expect(JSON.parse(body)).toMatchObject({
      error: { param: name, code: 'unsupported_parameter', message: expect.stringContaining(name) as string },
    });
    for (const value of [null, ...neutral]) {
      const stream = name.startsWith('stream_options.') ? { stream: true } : {};
      expect(await ask(route, { ...at(name, value), ...stream }), JSON.stringify(value)).toMatchObject({ status: 200 });
    }
  });

  it.each(of('no effect'))('$route drops $name, which changes nothing', async ({ name, route }) => {
    const plain = await ask(route, {});
    const asked = await ask(route, { [name]: 7 });
    expect(asked).toMatchObject({ status: 200, call: plain.call });
  });

  it('a field that no server has is dropped', async () => {
    for (const route of Object.keys(path) as ExtensionRoute[]) {
      const plain = await ask(route, {});
      expect(await ask(route, { temprature: 0.5 })).toMatchObject({ status: 200, call: plain.call });
    }
  });
});

describe('the shape of a text', () => {
  const json = { type: 'json-schema', schema };
  it.each<[object, object]>([
    [{ guided_json: schema }, json],
    [{ guided_json: JSON.stringify(schema) }, json],
    [{ json_schema: schema }, json],
    [{ structured_outputs: { json: schema } }, json],
    [{ structured_outputs: { json_object: true } }, { type: 'json' }],
    [{ structured_outputs: { regex: 'a+' } }, { type: 'regex', pattern: 'a+' }],
    [{ guided_choice: ['a.b', 'c|d'] }, { type: 'regex', pattern: 'a\\.b|c\\|d' }],
    [{ structured_outputs: { grammar: 'root ::= "a"' } }, { type: 'grammar', grammar: 'root ::= "a"' }],
    [{ response_format: { type: 'json_object', schema } }, json],
    [{ response_format: { type: 'json', value: schema } }, json],
    [{ response_format: { type: 'json_schema', value: { name: 'x', schema } } }, json],
    [{ response_format: { type: 'grammar', grammar: 'start: "a"' } }, { type: 'grammar', grammar: 'start: "a"' }],
  ])('%j', async (fields, format) => {
    for (const route of ['chat', 'completions'] as const)
      expect(await ask(route, fields)).toMatchObject({ status: 200, call: { format } });
  });

  it.each<[string, object]>([
    ['guided_json', { guided_json: '{' }],
    ['guided_choice', { guided_choice: [] }],
    ['guided_choice', { guided_json: schema, guided_choice: ['a'] }],
    ['regex', { response_format: { type: 'json_object' }, regex: 'a' }],
    ['structured_outputs', { structured_outputs: {} }],
    ['structured_outputs', { structured_outputs: { regex: 'a', choice: ['a'] } }],
    ['structured_outputs', { structured_outputs: { structural_tag: '{}' } }],
    ['response_format.value', { response_format: { type: 'json' } }],
    ['stream_options.continuous_usage_stats', { stream: true, stream_options: { continuous_usage_stats: true } }],
    ['prompt_logprobs', { stream: true, prompt_logprobs: 1 }],
    ['min_new_tokens', { min_tokens: 1, min_new_tokens: 2 }],
    ['min_p', { min_p: 1.5 }],
    ['repeat_penalty', { repeat_penalty: 2, repetition_penalty: 3 }],
  ])('is a 400 at %s: %j', async (param, fields) => {
    for (const route of ['chat', 'completions'] as const) {
      const { status, body } = await ask(route, fields);
      expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({ status: 400, error: { param } });
    }
  });
});
