import { describe, expect, it } from 'vitest';
import { ChatCompletionRequest } from './index.ts';

const base = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
const tool = (name: string) => ({ type: 'function', function: { name } });
const allowed = (...tools: object[]) => ({ type: 'allowed_tools', allowed_tools: { mode: 'auto', tools } });
const parse = (fields: object) => ChatCompletionRequest.safeParse({ ...base, ...fields });
const pathOf = (fields: object) => parse(fields).error?.issues[0]?.path.join('.');

describe('ChatCompletionRequest', () => {
  it.each<[string, object]>([
    ['nothing but the two required fields', {}],
    ['content as parts', { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] }],
    ['an empty text', { messages: [{ role: 'user', content: '' }] }],
    ['every role', { messages: ['system', 'developer', 'user', 'assistant'].map((role) => ({ role, content: 'x' })) }],
    ['a tool’s message', { messages: [{ role: 'tool', content: 'x', tool_call_id: 'c' }] }],
    [
      'an assistant turn of calls alone',
      {
        messages: [
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{' } }],
          },
        ],
      },
    ],
    ['the ends of ranges', { temperature: 0, top_p: 1, presence_penalty: -2, frequency_penalty: 2, n: 128 }],
    ['the other ends', { temperature: 2, top_p: 0, presence_penalty: 2, frequency_penalty: -2, n: 1 }],
    ['one stop text', { stop: 'a' }],
    ['four stop texts', { stop: ['a', 'b', 'c', 'd'] }],
    ['a negative and a huge seed', { seed: -9223372036854775808 }],
    ['both limits of tokens when they agree', { max_tokens: 5, max_completion_tokens: 5 }],
    ['a tool that is named', { tools: [tool('f')], tool_choice: tool('f') }],
    ['tools that are allowed', { tools: [tool('f'), tool('g')], tool_choice: allowed(tool('g')) }],
    ['a choice that asks for nothing, without tools', { tool_choice: 'auto', tools: [] }],
    ['usage asked for', { stream: true, stream_options: { include_usage: true } }],
  ])('takes %s', (_, fields) => {
    expect(parse(fields).error).toBeUndefined();
  });

  it('takes null for every optional field', () => {
    const optional = Object.keys(ChatCompletionRequest.shape).filter((key) => !(key in base));
    expect(optional.length).toBeGreaterThan(35);
    expect(parse(Object.fromEntries(optional.map((key) => [key, null]))).error).toBeUndefined();
  });

  it('drops unknown fields, at the top and inside', () => {
    const result = parse({ zz: 1, messages: [{ role: 'user', content: 'hi', zz: 1 }] });
    expect(result.data).toEqual(base);
  });

  it.each<[string, object]>([
    ['temperature', { temperature: 2.1 }],
    ['temperature', { temperature: -0.1 }],
    ['temperature', { temperature: '1' }],
    ['top_p', { top_p: 1.01 }],
    ['presence_penalty', { presence_penalty: -2.1 }],
    ['frequency_penalty', { frequency_penalty: 2.1 }],
    ['n', { n: 0 }],
    ['n', { n: 129 }],
    ['n', { n: 1.5 }],
    ['top_logprobs', { logprobs: true, top_logprobs: 21 }],
    ['top_logprobs', { top_logprobs: 0 }],
    ['logit_bias.7', { logit_bias: { 7: 101 } }],
    ['logit_bias.hello', { logit_bias: { hello: 1 } }],
    ['max_completion_tokens', { max_completion_tokens: 0 }],
    ['max_tokens', { max_tokens: 5, max_completion_tokens: 6 }],
    ['stop', { stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['stop', { stop: [] }],
    ['stop', { stop: '' }],
    ['seed', { seed: 0.5 }],
    ['stream_options', { stream_options: { include_usage: true } }],
    ['stream_options', { stream: false, stream_options: {} }],
    ['response_format.type', { response_format: { type: 'yaml' } }],
    ['response_format.json_schema.schema', { response_format: { type: 'json_schema', json_schema: { name: 'x' } } }],
    ['tool_choice', { tool_choice: 'required' }],
    ['tool_choice.function.name', { tools: [tool('f')], tool_choice: tool('g') }],
    ['tool_choice.custom.name', { tools: [tool('f')], tool_choice: { type: 'custom', custom: { name: 'g' } } }],
    ['tool_choice.allowed_tools.tools.0', { tools: [tool('f')], tool_choice: allowed({ type: 'function' }) }],
    ['tools.1', { tools: [tool('f'), tool('f')] }],
    ['messages', { messages: [] }],
    ['messages', { messages: undefined }],
    ['model', { model: 7 }],
    ['messages.0.role', { messages: [{ role: 'robot', content: 'x' }] }],
    ['messages.0.content', { messages: [{ role: 'user' }] }],
    ['messages.0.content', { messages: [{ role: 'assistant', content: null }] }],
    ['messages.0.content', { messages: [{ role: 'user', content: [] }] }],
    ['messages.0.tool_call_id', { messages: [{ role: 'tool', content: 'x' }] }],
    ['metadata', { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, 'x'])) }],
  ])('refuses at %s: %j', (path, fields) => {
    expect(pathOf(fields)).toBe(path);
  });
});

it('tool_choice may be a name, or have no type', () => {
  const chosen = { type: 'function', function: { name: 'f' } };
  for (const tool_choice of ['f', { function: { name: 'f' } }, chosen])
    expect(parse({ tools: [tool('f'), tool('g')], tool_choice }).data?.tool_choice).toEqual(chosen);
  expect(pathOf({ tools: [tool('f')], tool_choice: 'g' })).toBe('tool_choice.function.name');
  expect(pathOf({ tools: [tool('f')], tool_choice: { function: {} } })).toMatch(/^tool_choice/);
  expect(pathOf({ tools: [tool('f')], tool_choice: 'no name' })).toMatch(/^tool_choice/);
});
