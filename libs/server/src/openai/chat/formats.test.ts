import { ErrorResponse } from '@effect/ai-openai/Generated';
import { type GenerateInput, InvalidInputError } from '@xim/engine';
import { ChatCompletion, ChatCompletionChunk } from '@xim/openai-schema';
import { Schema } from 'effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { framesOf, startChat, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

const path = '/v1/chat/completions';
const base = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'one "two" 🙂' }] };
const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, people: { type: 'integer' }, capital: { type: 'boolean' } },
  required: ['city', 'people', 'capital'],
  additionalProperties: false,
};
const asked = (json_schema: object) => ({ response_format: { type: 'json_schema', json_schema } });

async function refusalOf(fields: object, from = service) {
  const response = await from.post(path, { ...base, ...fields });
  const body: unknown = await response.json();
  return { status: response.status, ...Schema.decodeUnknownSync(ErrorResponse)(body).error };
}

describe('response_format', () => {
  it.each<[string, object]>([
    ['strict', asked({ name: 'city', schema, strict: true })],
    ['not strict', asked({ name: 'city', schema, strict: false, description: 'A city.' })],
    ['neither', asked({ name: 'city', schema, strict: null })],
  ])('json_schema, %s: JSON of that shape, streamed and not', async (_, fields) => {
    const whole = ChatCompletion.parse(await (await service.post(path, { ...base, ...fields })).json());
    const { content } = whole.choices[0]!.message;
    expect(JSON.parse(content!)).toEqual({ city: 'one "two" 🙂', people: 1, capital: true });
    expect(whole.choices[0]!.finish_reason).toBe('stop');

    const response = await service.post(path, { ...base, ...fields, stream: true });
    const frames = framesOf(await response.text()).filter((frame) => frame !== '[DONE]');
    const pieces = frames.map((frame) => ChatCompletionChunk.parse(JSON.parse(frame)).choices[0]!.delta.content ?? '');
    expect(pieces.join('')).toBe(content);
  });

  it('json_object: JSON, though no message says so', async () => {
    const response = await service.post(path, { ...base, response_format: { type: 'json_object' } });
    const answer = ChatCompletion.parse(await response.json());
    expect(JSON.parse(answer.choices[0]!.message.content!)).toBeTypeOf('object');
  });

  it('may have the forms that the hub’s clients send: a schema beside json_object, a pattern', async () => {
    const response_format = { type: 'json_object', value: schema };
    const answer = ChatCompletion.parse(await (await service.post(path, { ...base, response_format })).json());
    expect(JSON.parse(answer.choices[0]!.message.content!)).toMatchObject({ people: 1, capital: true });
    const pattern = { type: 'regex', value: '[0-9]{3}-[a-z]{2}' };
    const shaped = ChatCompletion.parse(await (await service.post(path, { ...base, response_format: pattern })).json());
    expect(shaped.choices[0]!.message.content).toMatch(/^[0-9]{3}-[a-z]{2}$/);
    expect(await refusalOf({ response_format: { type: 'regex', value: '(?=a)b' } })).toMatchObject({
      status: 400,
      param: 'response_format.value',
    });
  });

  it('may be cut by the limit of tokens, and says so', async () => {
    const fields = { ...asked({ name: 'city', schema }), max_tokens: 3 };
    const answer = ChatCompletion.parse(await (await service.post(path, { ...base, ...fields })).json());
    expect(answer.choices[0]!.finish_reason).toBe('length');
  });

  it('reaches the engine as it is', async () => {
    const formats: GenerateInput['format'][] = [];
    const scripted = await startScripted(async function* ({ format }) {
      formats.push(format);
      yield { type: 'start', inputTokens: 1 };
      yield { type: 'choice-end', choice: 0, reason: 'stop' };
      yield { type: 'end', usage: { inputTokens: 1, outputTokens: 0 } };
    });
    for (const response_format of [
      { type: 'text' },
      { type: 'json_object' },
      asked({ name: 'x', schema }).response_format,
    ])
      await (await scripted.post(path, { ...base, response_format })).json();
    await scripted.close();
    expect(formats).toEqual([undefined, { type: 'json' }, { type: 'json-schema', schema }]);
  });

  it.each<[string, object]>([
    ['response_format.type', { response_format: { type: 'yaml' } }],
    ['response_format.type', { response_format: {} }],
    ['response_format', { response_format: 'json_object' }],
    ['response_format.value', { response_format: { type: 'json_object', value: 'x' } }],
    ['response_format.value', { response_format: { type: 'regex' } }],
    ['response_format.json_schema', { response_format: { type: 'json_schema' } }],
    ['response_format.json_schema.name', asked({ schema })],
    ['response_format.json_schema.name', asked({ name: 'a b', schema })],
    ['response_format.json_schema.schema', asked({ name: 'x' })],
    ['response_format.json_schema.schema', asked({ name: 'x', schema: null })],
    ['response_format.json_schema.schema', asked({ name: 'x', schema: 'object' })],
    ['response_format.json_schema.strict', asked({ name: 'x', schema, strict: 'yes' })],
  ])('is a 400 at %s: %j', async (param, fields) => {
    expect(await refusalOf(fields)).toMatchObject({ status: 400, param, code: 'invalid_value' });
  });

  it('that the engine cannot hold to is a 400 that names the keyword', async () => {
    const picky = await startScripted(async function* () {
      throw new InvalidInputError('"not" is no keyword that can be held to.', {
        param: 'format.schema.properties.a.not',
        code: 'XIM_UNSUPPORTED_PARAMETER',
      });
    });
    const refusal = await refusalOf(asked({ name: 'x', schema }), picky);
    await picky.close();
    expect(refusal).toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'response_format.json_schema.schema.properties.a.not',
    });
  });
});
