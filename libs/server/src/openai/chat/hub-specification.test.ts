import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { framesOf, startChat, type TestService } from '../../__fixtures__/test-service.ts';

// What the Hugging Face hub's own package says of chat: others made it, of the description of another server.
const folder = createRequire(import.meta.url)
  .resolve('@huggingface/tasks/package.json')
  .replace(/package\.json$/, '');

type JsonSchema = Parameters<typeof z.fromJSONSchema>[0];

/** That description is OpenAPI 3.0, in which "nullable" adds null to a type. */
function read(file: string): z.ZodType {
  const text = readFileSync(`${folder}src/tasks/chat-completion/spec/${file}.json`, 'utf8');
  const withNull = (_key: string, value: unknown): unknown => {
    const { nullable, ...rest } = (value ?? {}) as { nullable?: boolean };
    return nullable === true ? { anyOf: [rest, { type: 'null' }] } : value;
  };
  const { $schema: _dialect, $id: _id, ...schema } = JSON.parse(text, withNull) as Record<string, unknown>;
  return z.fromJSONSchema(schema as JsonSchema);
}

const path = '/v1/chat/completions';
const requests: [string, object][] = [
  ['a text', {}],
  ['choices with probabilities', { n: 2, logprobs: true, top_logprobs: 2 }],
  ['the usage', { stream_options: { include_usage: true }, stream: true }],
];

let service: TestService;
beforeAll(async () => {
  service = await startChat();
});
afterAll(() => service.close());

const base = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'one two three' }] };

describe('@huggingface/tasks', () => {
  it.each(requests)('describes the request and its answer: %s', async (_, fields) => {
    const request = { ...base, ...fields };
    read('input').parse(request);
    if ('stream' in fields) return;
    const answer: unknown = await (await service.post(path, request)).json();
    read('output').parse(answer);
  });

  it.each(requests)('describes each chunk of a stream: %s', async (_, fields) => {
    const response = await service.post(path, { ...base, ...fields, stream: true });
    const frames = framesOf(await response.text()).filter((frame) => frame !== '[DONE]');
    expect(frames.length).toBeGreaterThan(3);
    const schema = read('stream_output');
    for (const frame of frames) {
      const chunk = JSON.parse(frame) as { choices: { delta: object }[] };
      // The server that was described says role and content in every delta; OpenAI's says only what is new.
      const whole = { role: 'assistant', content: '' };
      const choices = chunk.choices.map(({ delta, ...rest }) => ({ ...rest, delta: { ...whole, ...delta } }));
      schema.parse({ ...chunk, choices });
    }
  });

  it('finds what is wrong with one', () => {
    expect(read('output').safeParse({ id: 'x' }).success).toBe(false);
  });
});
