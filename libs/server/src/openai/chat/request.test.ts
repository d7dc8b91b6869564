import { ChatCompletionRequest } from '@xim/openai-schema';
import { describe, expect, it } from 'vitest';
import { toGenerateInput } from './request.ts';

const toInput = (fields: object) =>
  toGenerateInput(ChatCompletionRequest.parse({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...fields }));
const messagesOf = (...messages: object[]) => (toInput({ messages }).prompt as { messages: unknown }).messages;

describe('toGenerateInput', () => {
  it('leaves to the model what the request leaves open, null included', () => {
    const bare = { prompt: { messages: [{ role: 'user', content: 'hi' }] }, sampling: {} };
    expect(toInput({})).toEqual(bare);
    expect(toInput({ temperature: null, stop: null, max_tokens: null, n: null, seed: null, logprobs: null })).toEqual(
      bare,
    );
  });

  it('renames every field that shapes the text', () => {
    const input = toInput({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.05,
      seed: 7,
      presence_penalty: 1,
      frequency_penalty: -1,
      repetition_penalty: 1.1,
      logit_bias: { 5: -100 },
      max_completion_tokens: 9,
      stop: ['a', 'b'],
      n: 3,
      ignore_eos: true,
    });
    expect(input).toMatchObject({
      choices: 3,
      maxTokens: 9,
      stop: ['a', 'b'],
      ignoreEnd: true,
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        minP: 0.05,
        seed: 7,
        presencePenalty: 1,
        frequencyPenalty: -1,
        repetitionPenalty: 1.1,
        logitBias: { 5: -100 },
      },
    });
  });

  it.each<[object, object]>([
    [{ max_tokens: 4 }, { maxTokens: 4 }],
    [{ stop: 'x' }, { stop: ['x'] }],
    [{ logprobs: true }, { logprobs: 0 }],
    [{ logprobs: true, top_logprobs: 3 }, { logprobs: 3 }],
    [{ logprobs: false }, { logprobs: undefined }],
    [{ top_k: -1 }, { sampling: { topK: 0 } }],
    [{ response_format: { type: 'text' } }, { format: undefined }],
    [{ response_format: { type: 'json_object' } }, { format: { type: 'json' } }],
    [
      { response_format: { type: 'json_object', value: { type: 'object' } } },
      { format: { type: 'json-schema', schema: { type: 'object' } } },
    ],
    [{ response_format: { type: 'regex', value: 'a+' } }, { format: { type: 'regex', pattern: 'a+' } }],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } } },
      { format: { type: 'json-schema', schema: { type: 'object' } } },
    ],
  ])('%j → %j', (fields, part) => {
    expect(toInput(fields)).toMatchObject(part);
  });

  it('gives every seed a number that is not negative, different ones for different seeds', () => {
    const seeds = [0, 1, -1, -2, 2 ** 53 - 2, -(2 ** 63)].map((seed) => toInput({ seed }).sampling!.seed!);
    expect(seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0)).toBe(true);
    expect(new Set(seeds.slice(0, 4)).size).toBe(4);
    expect(seeds[1]).toBe(1);
  });

  it('joins the parts of a text in every role', () => {
    const parts = [
      { type: 'text', text: 'one ' },
      { type: 'text', text: 'two' },
    ];
    for (const role of ['system', 'developer', 'user', 'assistant']) {
      expect(messagesOf({ role, content: parts })).toEqual([{ role, content: 'one two' }]);
    }
    expect(messagesOf({ role: 'tool', tool_call_id: 'c', content: parts })).toEqual([
      { role: 'tool', toolCallId: 'c', content: 'one two' },
    ]);
    expect(messagesOf({ role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] })).toEqual([
      { role: 'assistant', content: 'no' },
    ]);
  });

  it('keeps a turn of calls, its results, names and reasoning', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":' } };
    expect(
      messagesOf(
        { role: 'user', content: 'hi', name: 'Ann' },
        { role: 'assistant', content: null, tool_calls: [call], reasoning_content: 'hm' },
        { role: 'tool', tool_call_id: 'c1', content: '3' },
      ),
    ).toEqual([
      { role: 'user', content: 'hi', name: 'Ann' },
      { role: 'assistant', content: null, reasoning: 'hm', toolCalls: [{ id: 'c1', name: 'f', arguments: '{"a":' }] },
      { role: 'tool', toolCallId: 'c1', content: '3' },
    ]);
  });

  it.each<[unknown, object]>([
    [undefined, { mode: 'auto', parallel: true }],
    ['none', { mode: 'none', parallel: true }],
    ['required', { mode: 'required', parallel: true }],
    [
      { type: 'function', function: { name: 'f' } },
      { mode: 'required', name: 'f', parallel: true },
    ],
  ])('carries tools and the choice %j', (tool_choice, toolChoice) => {
    const tools = [{ type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } }];
    expect(toInput({ tools, tool_choice }).prompt).toMatchObject({
      tools: [{ name: 'f', description: 'd', parameters: { type: 'object' } }],
      toolChoice,
    });
  });
});
