import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchArtifact, readModels } from '@xim/model-cache';
import type { XimServer } from '@xim/server';
import { openService } from '@xim/server/testing';
import OpenAI from 'openai';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import app from './app.ts';

/** The service as it is shipped, on its real model, through the official client. */
describe('chat', { timeout: 300_000 }, () => {
  let server: XimServer;
  let client: OpenAI;
  let origin: string;

  beforeAll(async () => {
    ({ server, origin } = await openService(app));
    client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'unused', maxRetries: 0 });
  }, 300_000);
  afterAll(() => server.close());

  const ask = (content: string, more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}) =>
    client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content }],
      temperature: 0,
      max_completion_tokens: 24,
      ...more,
    });

  it('answers alike streamed and not, under the model’s own name', async () => {
    const whole = await ask('Tell me about the sea.');
    expect(whole.model).toBe('HuggingFaceTB/SmolLM2-135M-Instruct');
    expect(whole.choices[0]?.message.content).toMatch(/\w+ \w+ \w+/);
    expect(whole.usage?.completion_tokens).toBe(24);
    expect(whole.choices[0]?.finish_reason).toBe('length');

    const stream = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Tell me about the sea.' }],
      temperature: 0,
      max_completion_tokens: 24,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage;
    }
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(usage).toMatchObject({ completion_tokens: 24, prompt_tokens: whole.usage?.prompt_tokens });
  });

  it('gives the same text for the same seed, and another for another', async () => {
    const seeded = async (seed: number) =>
      (await ask('Tell me a story.', { temperature: 1, seed })).choices[0]?.message.content;
    // The first one reads its whole prompt, later ones take it from the prefix cache, which may round differently.
    await seeded(42);
    const text = await seeded(42);
    expect(await seeded(42)).toBe(text);
    expect(await seeded(43)).not.toBe(text);
  });

  it('leaves a stop string out and ends there', async () => {
    const text = (await ask('Tell me about the sea.')).choices[0]?.message.content ?? '';
    const stop = text.slice(20, 26);
    const stopped = await ask('Tell me about the sea.', { stop });
    expect(stopped.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: text.slice(0, text.indexOf(stop)) },
    });
  });

  it('refuses a prompt that does not fit, and harms nobody', async () => {
    const neighbour = ask('Tell me about the sea.');
    const error = await ask('sea '.repeat(10_000)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'messages' });
    expect((await neighbour).usage?.completion_tokens).toBe(24);
  });

  it('frees the slot of a client that goes away', async () => {
    const running = () =>
      server.app.inject('/metrics').then(({ body }) => Number(/^xim_running_sequences\{.*\} (\d+)/m.exec(body)?.[1]));
    const stream = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Count to ten thousand.' }],
      stream: true,
    });
    for await (const chunk of stream) {
      if (!chunk.choices[0]?.delta.content) continue;
      expect(await running()).toBe(1);
      break;
    }
    await expect.poll(running, { timeout: 20_000 }).toBe(0);
  });

  it('gives several choices, each with the probabilities of its tokens', async () => {
    const { choices, usage } = await ask('Tell me a story.', { n: 3, temperature: 1, seed: 5, logprobs: true });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(new Set(choices.map(({ message }) => message.content)).size).toBeGreaterThan(1);
    expect(usage?.completion_tokens).toBe(72);
    for (const { message, logprobs } of choices) {
      const entries = logprobs?.content ?? [];
      expect(Buffer.from(entries.flatMap(({ bytes }) => bytes ?? [])).toString('utf8')).toContain(message.content);
      expect(entries.every(({ logprob }) => logprob <= 0)).toBe(true);
    }
  });

  const City = z.object({ name: z.string().max(20), people: z.int().min(0).max(9999), coast: z.boolean() });

  it('answers in the shape of a schema, streamed and not', async () => {
    const request = {
      model: 'gpt-4o-mini',
      messages: [{ role: 'user' as const, content: 'Describe a city by the sea.' }],
      response_format: zodResponseFormat(City, 'city'),
      max_completion_tokens: 200,
      temperature: 0,
    };
    const parsed = await client.chat.completions.parse(request);
    expect(parsed.choices[0]?.finish_reason).toBe('stop');
    expect(City.parse(parsed.choices[0]?.message.parsed)).toEqual(parsed.choices[0]?.message.parsed);
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    expect(City.safeParse(streamed.choices[0]?.message.parsed).success).toBe(true);
  });

  it('calls the tool that is required, with arguments of its shape, streamed and not', async () => {
    const request = {
      model: 'gpt-4o-mini',
      messages: [{ role: 'user' as const, content: 'Look up Lisbon.' }],
      tools: [zodFunction({ name: 'look_up', parameters: City })],
      tool_choice: { type: 'function' as const, function: { name: 'look_up' } },
      max_completion_tokens: 200,
      temperature: 0,
    };
    const whole = await client.chat.completions.parse(request);
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    for (const { choices } of [whole, streamed]) {
      const [call] = choices[0]?.message.tool_calls ?? [];
      expect(call?.function.name).toBe('look_up');
      expect(City.safeParse(call?.function.parsed_arguments).success).toBe(true);
      expect(['stop', 'tool_calls']).toContain(choices[0]?.finish_reason);
    }
  });

  it('refuses a schema that it cannot hold to, and what this engine cannot do, by name', async () => {
    const schema = { type: 'object', properties: { a: { $ref: 'https://example.com/a.json' } } };
    const refused = (more: object) => ask('Hello', more).catch((reason: unknown) => reason);
    expect(
      await refused({ response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } }),
    ).toMatchObject({ status: 400, param: expect.stringMatching(/^response_format\.json_schema\.schema/) as string });
    expect(await refused({ logit_bias: { 99999999: 1 } })).toMatchObject({ status: 400, param: 'logit_bias' });
    expect(await refused({ reasoning_effort: 'high' })).toMatchObject({ status: 400, param: 'reasoning_effort' });
  });

  it('continues texts and tokens, several at once, streamed as not', async () => {
    const request = { model: 'gpt-4o-mini', prompt: ['The sea is', 'Once upon a time'], temperature: 0, max_tokens: 8 };
    const { choices, usage } = await client.completions.create(request);
    expect(choices.map(({ index, finish_reason }) => [index, finish_reason])).toEqual([
      [0, 'length'],
      [1, 'length'],
    ]);
    expect(usage).toMatchObject({ completion_tokens: 16 });
    const indices = new Set<number>();
    for await (const chunk of await client.completions.create({ ...request, stream: true }))
      for (const { index } of chunk.choices) indices.add(index);
    expect([...indices].toSorted()).toEqual([0, 1]);
    // Alone, since kernels of some hosts round differently for one row than for several.
    for (const prompt of request.prompt) {
      const whole = await client.completions.create({ ...request, prompt });
      let joined = '';
      for await (const chunk of await client.completions.create({ ...request, prompt, stream: true }))
        joined += chunk.choices[0]?.text ?? '';
      expect(joined).toBe(whole.choices[0]?.text);
    }
  });

  it('gives alternatives of tokens, and takes a bias', async () => {
    const request = { model: 'gpt-4o-mini', max_completion_tokens: 3, temperature: 0 };
    const messages = [{ role: 'user' as const, content: 'Hello' }];
    const { choices } = await client.chat.completions.create({
      ...{ ...request, messages, logprobs: true, top_logprobs: 5 },
    });
    const entries = choices[0]?.logprobs?.content ?? [];
    expect(entries.map(({ top_logprobs }) => top_logprobs.length)).toEqual(entries.map(() => 5));
    for (const { token, top_logprobs } of entries) expect(top_logprobs[0]?.token).toBe(token);
    const biased = await client.chat.completions.create({ ...request, messages, logit_bias: { 253: 100 } });
    expect(biased.choices[0]?.message.content).toBe(' a a a');
  });

  it('says a prompt again before it goes on, and where each token stands', async () => {
    const request = { model: 'gpt-4o-mini', prompt: 'The sea is', temperature: 0, max_tokens: 4 };
    const plain = await client.completions.create({ ...request, logprobs: 0 });
    const echoed = await client.completions.create({ ...request, echo: true });
    expect(echoed.choices[0]?.text).toBe(`The sea is${plain.choices[0]?.text}`);
    expect(plain.choices[0]?.logprobs?.text_offset?.[0]).toBe('The sea is'.length);
    expect(plain.choices[0]?.logprobs?.tokens?.join('')).toContain(plain.choices[0]?.text);
  });

  it('serves Text Generation Inference’s clients, at once and as a stream', async () => {
    const parameters = { max_new_tokens: 12, details: true };
    const post = (path: string, body: object) =>
      fetch(`${origin}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: 'The sea is', ...body }),
      });
    const response = await post('/generate', { parameters });
    const whole = (await response.json()) as { generated_text: string; details: { tokens: { text: string }[] } };
    expect(whole.details).toMatchObject({ finish_reason: 'length', generated_tokens: 12, seed: null });
    expect(whole.details.tokens.map((token) => token.text).join('')).toBe(whole.generated_text);
    expect(response.headers.get('x-generated-tokens')).toBe('12');

    const streamed = await (await post('/generate_stream', { parameters })).text();
    const frames = [...streamed.matchAll(/^data: (.*)$/gm)];
    const events = frames.map(([, data]) => JSON.parse(data!) as { index: number; generated_text: string | null });
    expect(events.map((event) => event.index)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(events.at(-1)?.generated_text).toBe(whole.generated_text);

    const tokens = (await (await post('/tokenize', {})).json()) as { text: string }[];
    expect(tokens.map((token) => token.text).join('')).toBe('The sea is');
    const stopped = await post('/', { parameters: { stop: [whole.generated_text.slice(4, 9)], max_new_tokens: 12 } });
    expect(await stopped.json()).toEqual([{ generated_text: `The sea is${whole.generated_text.slice(0, 9)}` }]);
    const info = (await (await fetch(`${origin}/info`)).json()) as object;
    expect(info).toMatchObject({ model_id: 'HuggingFaceTB/SmolLM2-135M-Instruct', max_total_tokens: 8192 });
  });

  it('survives the death of its worker', async () => {
    const stream = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Count to ten thousand.' }],
      stream: true,
    });
    const read = async () => {
      let killed = false;
      for await (const chunk of stream) {
        if (killed || !chunk.choices[0]?.delta.content) continue;
        process.kill(workerPid(), 'SIGKILL');
        killed = true;
      }
    };
    await expect(read()).rejects.toThrow(/engine stopped/);
    expect((await fetch(`${origin}/health/ready`)).status).toBe(503);
    expect((await fetch(`${origin}/health/live`)).status).toBe(200);
    await expect
      .poll(() => fetch(`${origin}/health/ready`).then(({ status }) => status), { timeout: 120_000 })
      .toBe(200);
    expect((await ask('Tell me about the sea.')).usage?.completion_tokens).toBe(24);
  });
});

describe('a file of the user', { timeout: 300_000 }, () => {
  it('is served instead of the service’s own model, without a network', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'xim-chat-'));
    const cacheDir = process.env['XIM_MODEL_CACHE']!;
    const { main } = readModels(app.models).models;
    const own = await fetchArtifact({ model: main, artifact: 'gguf-q4_1', cacheDir, python: 'python3' });
    const env = { XIM_MODEL_CACHE: folder, XIM_OFFLINE: '1', XIM_MODEL: join(folder, 'mine.gguf') };
    symlinkSync(realpathSync(join(own, 'SmolLM2-135M-Instruct.Q4_1.gguf')), env.XIM_MODEL);
    const { server } = await openService(app, env);
    try {
      const response = await server.app.inject({
        method: 'POST',
        url: '/v1/chat/completions',
        payload: {
          model: 'gpt-4o-mini',
          messages: [{ role: 'user', content: 'Tell me about the sea.' }],
          max_completion_tokens: 4,
        },
      });
      expect(response.json()).toMatchObject({ model: 'local/mine', usage: { completion_tokens: 4 } });
      // The shape was read from the file's own header.
      expect(server.app.xim.model.shape).toEqual(main.shape);
    } finally {
      await server.close();
      rmSync(folder, { recursive: true });
    }
  });
});

/** The one child of this process that runs a worker. */
function workerPid(): number {
  const children = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean),
  );
  return Number(children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('xim_engine_oneapi')));
}
