import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { echo, echoModel, type EchoOptions } from '@xim/engine-echo';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { venvs } from '../__fixtures__/venvs.ts';
import { until } from '../__fixtures__/until.ts';
import { readConfig } from '../config/config.ts';
import { createServer, type XimServer } from '../create-server.ts';
import { chatCompletions } from '../openai/chat/route.ts';
import { defineService } from '../service.ts';

const folder = mkdtempSync(join(tmpdir(), 'xim-server-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Echo answers with these words, one per token. */
const PROMPT = 'word '.repeat(1000);

let server: XimServer;
let url: string;
let foreign: readonly number[];

async function start(options: EchoOptions, env: Record<string, string> = {}): Promise<void> {
  const file = join(folder, 'models.json');
  writeFileSync(file, JSON.stringify({ lockVersion: 1, models: { main: echoModel('generate', options) } }));
  const models = pathToFileURL(file);
  const service = defineService({ name: 'chat', task: 'generate', engines: [echo], models, routes: [chatCompletions] });
  const { config } = readConfig({ XIM_SLOTS: '2', XIM_LOG_LEVEL: 'silent', XIM_VENVS: venvs, ...env });
  server = await createServer(service, config, { restart: { minDelayMs: 1, maxDelayMs: 5 } });
  url = await server.app.listen({ host: '127.0.0.1', port: 0 });
  await server.ready;
}

/** The living children of this process; a zombie is dead. */
function children(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, state, parent] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;
        return Number(parent) === process.pid && state !== 'Z';
      } catch {
        return false; // it ended meanwhile
      }
    })
    .map(Number);
}
const workers = (): number[] => children().filter((pid) => !foreign.includes(pid));

const chat = (body: object, signal?: AbortSignal) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'xim/echo-generate',
      messages: [{ role: 'user', content: PROMPT }],
      ...body,
    }),
    ...(signal && { signal }),
  });
const isReady = async (): Promise<boolean> => (await fetch(`${url}/health/ready`)).status === 200;
const readyAgain = (): Promise<void> => until(isReady, 'the service is ready', 60_000);
/** Sequences that run in the engine. */
async function slots(): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^xim_running_sequences{.*} (\d+)$/m.exec(text)![1]);
}

beforeEach(() => {
  foreign = children();
});
afterEach(async () => {
  await server.close({ drainMs: 0 });
  expect(workers()).toEqual([]);
});

describe('a service on a real worker', () => {
  it('that is killed ends its streams with an error, is not ready, and comes back with a new worker', async () => {
    await start({ rate: 20 });
    const [before] = workers();
    const stream = await chat({ stream: true, max_tokens: 1000 });
    const waiting = chat({ max_tokens: 1000 });
    await until(async () => (await slots()) === 2, 'both calls run');
    process.kill(before!, 'SIGKILL');
    const frames = (await stream.text()).trim().split('\n\n');
    expect(JSON.parse(frames.at(-1)!.slice('data: '.length))).toMatchObject({ error: { code: 'engine_dead' } });
    expect((await waiting).status).toBe(503);
    await readyAgain();
    expect(workers()).toHaveLength(1);
    expect(workers()).not.toEqual([before]);
    expect((await chat({ max_tokens: 2 })).status).toBe(200);
  });

  it('that hangs in native code is killed and replaced', async () => {
    await start({ faults: { hangAfterTokens: 3 } }, { XIM_STALL_SECONDS: '1' });
    const [before] = workers();
    const answer = await chat({ max_tokens: 100 });
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'engine_dead' } }]);
    await until(() => !workers().includes(before!), 'it is gone');
    await readyAgain();
  });

  it('stops working for a client that went away', async () => {
    await start({ rate: 5 });
    const client = new AbortController();
    const stream = await chat({ stream: true, max_tokens: 1000 }, client.signal);
    const silent = chat({ max_tokens: 1000 }, client.signal).catch(() => undefined);
    await until(async () => (await slots()) === 2, 'both calls run');
    client.abort();
    await stream.text().catch(() => undefined);
    await silent;
    await until(async () => (await slots()) === 0, 'the slots are free');
    expect((await chat({ max_tokens: 1 })).status).toBe(200);
  });

  it('finishes what runs when it is closed', async () => {
    await start({ rate: 20 });
    const stream = await chat({ stream: true, max_tokens: 10 });
    await server.close({ drainMs: 60_000 });
    expect((await stream.text()).trim().endsWith('data: [DONE]')).toBe(true);
  });
});
