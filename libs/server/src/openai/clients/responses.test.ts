import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResponseInputItem } from 'openai/resources/responses/responses';
import { z } from 'zod';
import { callsItsTools } from '../../__fixtures__/calling-engine.ts';
import { startChat, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

let echo: TestService;
let calling: TestService;
beforeAll(async () => {
  [echo, calling] = await Promise.all([startChat(), startScripted(callsItsTools)]);
});
afterAll(() => Promise.all([echo.close(), calling.close()]));

const model = 'gpt-4o-mini';
const City = z.object({ city: z.string(), people: z.number().int(), kind: z.enum(['big', 'small']) });
const parsed = { city: 'Köln', people: 1, kind: 'big' };

describe('the openai package for Node: responses', () => {
  it('gets a text for a text, and for the items of a conversation', async () => {
    expect((await echo.client.responses.create({ model, input: 'Köln 🙂' })).output_text).toBe('Köln 🙂');
    const first = await echo.client.responses.create({ model, instructions: 'Be brief.', input: 'one' });
    const input = [...first.output, { role: 'user', content: 'two' }] as ResponseInputItem[];
    expect((await echo.client.responses.create({ model, input })).output_text).toBe('two');
  });

  it('streams', async () => {
    const stream = echo.client.responses.stream({ model, input: 'Köln 🙂 am Rhein' });
    const deltas: string[] = [];
    stream.on('response.output_text.delta', ({ delta }) => deltas.push(delta));
    const response = await stream.finalResponse();
    expect([deltas.join(''), response.output_text]).toEqual(['Köln 🙂 am Rhein', 'Köln 🙂 am Rhein']);
    expect([deltas.length > 1, response.status]).toEqual([true, 'completed']);
  });

  it('parses what a Zod schema describes, whole and from a stream', async () => {
    const request = { model, input: 'Köln', text: { format: zodTextFormat(City, 'city') } };
    expect((await echo.client.responses.parse(request)).output_parsed).toEqual(parsed);
    expect((await echo.client.responses.stream(request).finalResponse()).output_parsed).toEqual(parsed);
  });

  it('parses the arguments of a required tool', async () => {
    const tools = [zodResponsesFunction({ name: 'look_up', parameters: City })];
    const request = { model, input: 'Köln', tools, tool_choice: 'required' as const };
    const { output } = await echo.client.responses.parse(request);
    expect(output).toMatchObject([{ type: 'function_call', name: 'look_up', parsed_arguments: parsed }]);
    const streamed = await echo.client.responses.stream(request).finalResponse();
    expect(streamed.output).toMatchObject([{ type: 'function_call', name: 'look_up', parsed_arguments: parsed }]);
  });

  it('sends the result of a call back', async () => {
    const tools = [{ type: 'function' as const, name: 'weather', parameters: { type: 'object' }, strict: false }];
    const asked = { role: 'user' as const, content: 'Köln' };
    const { output } = await calling.client.responses.create({ model, input: [asked], tools });
    const [call] = output;
    if (call?.type !== 'function_call') throw new Error(`expected a call: ${JSON.stringify(output)}`);
    expect(JSON.parse(call.arguments)).toEqual({ city: 'Köln' });
    const result = { type: 'function_call_output' as const, call_id: call.call_id, output: 'sunny' };
    const input = [asked, ...output, result] as ResponseInputItem[];
    const last = await calling.client.responses.create({ model, input, tools });
    expect(last.output_text).toBe('It is sunny.');
  });
});

it('the openai package for Python: responses', { timeout: 300_000 }, async () => {
  const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const args = [file('./__fixtures__/python_responses.py'), `${echo.origin}/v1`];
  const { stdout } = await promisify(execFile)(file('../../../../../.venv/dev/bin/python'), args);
  expect(stdout).toMatch(/^openai [\d.]+: all as it should be$/m);
});
