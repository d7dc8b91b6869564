import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bestBare } from './best-bare.ts';
import { ratioFigure } from './best-split.ts';
import { runLoad } from './load.ts';
import { type Bare, ROOT, startService } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { exactly, medianInterval } from './statistics.ts';

interface BareRun {
  readonly count: number;
  readonly seconds: number;
}

interface Work {
  readonly task: 'generate' | 'embed';
  readonly unit: string;
  /** Writes the model of both sides. */
  prepare(folder: string): Promise<void>;
  readonly clients: readonly number[];
  requests(clients: number): number;
  /** The question for the bare loop; `offset` makes texts new. */
  bare(clients: number, requests: number, offset: number): object;
  readonly path: string;
  body(number: number): object;
}

const TOKENS = 48;
const PROMPT = 'Fact {number}: the harbour lies behind a long wall of stone, and the sea';
/** Texts of a request, as many as a batch of the bare loop has. */
const LIST = 32;
const text = (number: number): string => PROMPT.replace('{number}', String(number));

/** Text and vectors of the engine ipex, against Transformers with the same weights. */
export async function benchIpex(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const python = join(settings.env['XIM_VENVS']!, 'ipex', 'bin', 'python');
  const figures: Figure[] = [];
  for (const work of [textWork(settings), vectorWork(settings, python)])
    figures.push(...(await compareWork(work, settings, python, say)));
  return figures;
}

/** The model of the service `chat`, in safetensors. */
function textWork({ clients, env, modelFolder }: Settings): Work {
  return {
    task: 'generate',
    unit: 'tokens/s',
    async prepare(folder) {
      const source = await modelFolder('chat');
      const file = join(
        source,
        readdirSync(source).find((name) => name.endsWith('.gguf'))!,
      );
      const script = join(ROOT, 'libs/engine-ipex/src/__fixtures__/gguf_to_transformers.py');
      const path = ['engine-oneapi', 'generation', 'worker']
        .map((name) => join(ROOT, 'libs', name, 'python'))
        .join(':');
      execFileSync(join(env['XIM_VENVS']!, 'oneapi/bin/python'), [script, file, folder], {
        env: { ...process.env, PYTHONPATH: path },
      });
    },
    clients: clients.filter((count) => count <= 8),
    requests: (count) => 2 * count,
    bare: (streams, requests, offset) => ({
      streams,
      requests,
      tokens: TOKENS,
      prompt: PROMPT,
      offset,
    }),
    path: '/v1/completions',
    body: (number) => ({
      model: 'local/model',
      prompt: text(number),
      max_tokens: TOKENS,
      temperature: 0,
      ignore_eos: true,
      stream: true,
      stream_options: { include_usage: true },
    }),
  };
}

function vectorWork({ modelFolder }: Settings, python: string): Work {
  return {
    task: 'embed',
    unit: 'texts/s',
    async prepare(folder) {
      const tokenizer = join(await modelFolder('embedding'), 'tokenizer.json');
      execFileSync(python, [join(ROOT, 'tools/bench/random_encoder.py'), folder, tokenizer], {
        stdio: ['ignore', 2, 2],
      });
    },
    // While one list is computed, the other is read and sent.
    clients: [2],
    requests: () => 16,
    bare: (_, requests, offset) => ({ texts: listOf(offset, requests) }),
    path: '/v1/embeddings',
    body: (number) => ({ model: 'local/model', input: listOf(number), encoding_format: 'base64' }),
  };
}

/** The texts of requests, those of `number` first. */
function listOf(number: number, requests = 1): string[] {
  return Array.from({ length: LIST * requests }, (_, at) => text(LIST * number + at));
}

async function compareWork(
  work: Work,
  settings: Settings,
  python: string,
  say: (line: string) => void,
): Promise<Figure[]> {
  const temporary = mkdtempSync(join(tmpdir(), 'xim-bench-ipex-'));
  const folder = join(temporary, 'model');
  mkdirSync(folder);
  try {
    await work.prepare(folder);
    const service = await startService('tools/bench/ipex-service.ts', {
      ...settings.env,
      BENCH_TASK: work.task,
      XIM_MODEL: folder,
      XIM_MODEL_CACHE: join(temporary, 'cache'),
    });
    try {
      const metadata = (await (await fetch(`http://127.0.0.1:${service.port}/v1/metadata`)).json()) as {
        engine: { info: { dtype: string } };
      };
      const { dtype } = metadata.engine.info;
      const speed = async (bare: Bare): Promise<number> => {
        const run = await bare.ask<BareRun>(work.bare(8, 16, 0));
        return run.count / run.seconds;
      };
      const options = { ...settings, python };
      const { bare, threads } = await bestBare(options, 'bare_torch.py', [work.task, folder, dtype], speed, say);
      const figures: Figure[] = [{ name: `${work.task}: threads of the bare loop`, unit: '', value: exactly(threads) }];
      try {
        for (const clients of work.clients)
          figures.push(...(await compareClients(work, service.port, bare, clients, settings.pairs, say)));
      } finally {
        await bare.stop();
      }
      return figures;
    } finally {
      await service.stop();
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

let offset = 1000;

async function compareClients(
  work: Work,
  port: number,
  bare: Bare,
  clients: number,
  pairs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const requests = work.requests(clients);
  const rates = { xim: [] as number[], bare: [] as number[], ratio: [] as number[] };
  for (let pair = 0; pair <= pairs; pair++) {
    offset += requests;
    const start = offset;
    const theirs = async (): Promise<number> => {
      const run = await bare.ask<BareRun>(work.bare(clients, requests, start));
      return run.count / run.seconds;
    };
    const before = pair % 2 === 0 ? await theirs() : undefined;
    const run = await runLoad({
      port,
      path: work.path,
      clients,
      requests,
      body: (number) => work.body(start + number),
    });
    const ours = (work.task === 'embed' ? LIST * requests : run.tokens) / run.seconds;
    const other = before ?? (await theirs());
    say(`${work.task}, ${clients} clients, pair ${pair}: ${ours.toFixed(1)} ${work.unit}, bare ${other.toFixed(1)}`);
    if (pair === 0) continue;
    rates.xim.push(ours);
    rates.bare.push(other);
    rates.ratio.push(ours / other);
  }
  const name = `${work.task}, ${clients} ${clients === 1 ? 'client' : 'clients'}`;
  return [
    { name: `${name}: XIM`, unit: work.unit, value: medianInterval(rates.xim) },
    { name: `${name}: Transformers`, unit: work.unit, value: medianInterval(rates.bare) },
    ratioFigure(`${name}: ratio`, rates.ratio, 'least', 0.95),
  ];
}
