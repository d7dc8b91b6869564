import { join } from 'node:path';
import type { Engine } from '@xim/engine';
import { echo, echoModel } from '@xim/engine-echo';
import { runLoad } from './load.ts';
import { type Service, startService } from './processes.ts';
import type { Figure } from './report.ts';
import { exactly, medianInterval, quantile } from './statistics.ts';
import { writeCost } from './write-cost.ts';

const STREAMS = 32;
const TOKENS = 200;
/** The rate of a real engine, at which every token is a separate write; a faster engine lets writes be joined. */
const PACE = 50;
/** Steps per second at which the way to the first token is measured. */
const QUICK = 1000;

/** The CPU time and the latency that the host adds, with engine-echo through a whole service. */
export async function benchHostCost(say: (line: string) => void): Promise<Figure[]> {
  const unpaced = await cpuPerToken(0, say);
  const paced = await cpuPerToken(PACE, say);
  const floor = await writeCost(STREAMS, PACE, PACE * 4);
  const [added, many] = await withEcho(QUICK, async (service) => {
    const added = await addedToFirstToken(service, say);
    say('engine-echo, 256 open streams');
    return [added, await runEcho(service, 256, 512, TOKENS)] as const;
  });
  const most = (value: number) => ({ at: 'most', value }) as const;
  const name = `echo, ${STREAMS} streams`;
  return [
    { name: `${name}: host CPU per token`, unit: 'µs', value: medianInterval(unpaced), target: most(25) },
    { name: `${name} at ${PACE} tokens/s each: host CPU per token`, unit: 'µs', value: medianInterval(paced) },
    { name: `a bare server's write of a token, at the same pace`, unit: 'µs', value: exactly(floor) },
    { name: 'echo, 8 streams: added time to first token', unit: 'ms', value: medianInterval(added), target: most(3) },
    {
      name: 'echo, 256 streams: requests answered without an error',
      unit: 'of 512',
      value: exactly(many.first.length),
      target: { at: 'least', value: 512 },
    },
  ];
}

function cpuPerToken(rate: number, say: (line: string) => void): Promise<number[]> {
  const pace = rate === 0 ? 'as fast as it can' : `at ${rate} tokens/s each`;
  return withEcho(rate, async (service) => {
    // Node compiles frequent code: a service is measured after a warm-up, not in its first second.
    for (let run = 0; run < 3; run++) await runEcho(service, STREAMS, STREAMS, TOKENS);
    const costs: number[] = [];
    for (let run = 0; run < 7; run++) {
      const before = service.cpu();
      // At full speed one round is over in a blink, and CPU time is counted in ticks of 10 ms.
      const { tokens } = await runEcho(service, STREAMS, rate === 0 ? 8 * STREAMS : STREAMS, TOKENS);
      costs.push(((service.cpu().host - before.host) / tokens) * 1e6);
      say(`engine-echo, ${STREAMS} streams ${pace}: ${costs.at(-1)!.toFixed(1)} µs of host CPU per token`);
    }
    return costs;
  });
}

/** Milliseconds per pair: the median through the service minus the median of the same calls on the engine alone. */
async function addedToFirstToken(service: Service, say: (line: string) => void): Promise<number[]> {
  const model = echoModel('generate', { rate: QUICK });
  const plan = { threads: 1, slots: 256, queue: 256, kvCacheBytes: 0, batchTokens: 512, stallMs: 60_000, reasons: [] };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const python = join(process.env['XIM_VENVS'] ?? join(import.meta.dirname, '../../.venv'), 'echo/bin/python');
  const engine = echo.create({ profile: model.profiles[0]!, plan, model, modelPath: '', python, log });
  await engine.start();
  try {
    const added: number[] = [];
    for (let pair = 0; pair <= 9; pair++) {
      const bare = quantile(await firstTokens(engine, 8, 80, 50), 0.5);
      const ours = quantile((await runEcho(service, 8, 80, 50)).first, 0.5);
      say(`engine-echo, 8 streams: first token after ${(ours * 1000).toFixed(2)} ms, ${(bare * 1000).toFixed(2)} bare`);
      if (pair > 0) added.push((ours - bare) * 1000);
    }
    return added;
  } finally {
    await engine.stop();
  }
}

/** Seconds to the first text of each call, from `streams` callers that each begin their next call after the last. */
async function firstTokens(engine: Engine, streams: number, calls: number, tokens: number): Promise<number[]> {
  const seconds: number[] = [];
  let left = calls;
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const began = performance.now();
      let first = 0;
      const input = { prompt: { messages: [{ role: 'user', content: words(tokens) } as const] }, maxTokens: tokens };
      for await (const event of engine.generate!(input, { id: 'bench', signal: new AbortController().signal }))
        if (event.type === 'text-delta') first ||= performance.now();
      seconds.push((first - began) / 1000);
    }
  };
  await Promise.all(Array.from({ length: streams }, caller));
  return seconds;
}

async function withEcho<T>(rate: number, measure: (service: Service) => Promise<T>): Promise<T> {
  const settings = { XIM_SLOTS: '256', XIM_QUEUE: '256', BENCH_RATE: String(rate) };
  const service = await startService('tools/bench/echo-service.ts', settings);
  try {
    return await measure(service);
  } finally {
    await service.stop();
  }
}

const words = (tokens: number): string => 'a rose is a rose is a rose '.repeat(tokens / 8);

function runEcho(service: Service, clients: number, requests: number, tokens: number) {
  const body = {
    model: 'xim/echo-generate',
    messages: [{ role: 'user', content: words(tokens) }],
    temperature: 0,
    max_completion_tokens: tokens,
    stream: true,
    stream_options: { include_usage: true },
  };
  return runLoad({ port: service.port, path: '/v1/chat/completions', clients, requests, body: () => body });
}
