import { runLoad } from './load.ts';
import { type Service, startService } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { medianInterval } from './statistics.ts';

const TEXT =
  'The harbour of the old town lies behind a long wall of stone. In the morning the boats leave with the tide, and in ' +
  'the evening they come back with fish. The men of the harbour mend their nets on the wall, and the women sell the ' +
  'fish in the market. In winter the wind is strong, and the boats stay behind the long wall of stone. Then the men ' +
  'mend their boats, and the children learn to swim in the pool of the old town.';

interface Prompt {
  readonly name: string;
  readonly message: string;
  /** The throughput over that without speculation. */
  readonly least: number;
}

const PROMPTS: readonly Prompt[] = [
  { name: 'summary', message: `Summarise this text with its own sentences, text {number}:\n\n${TEXT}`, least: 1.5 },
  {
    name: 'rewriting',
    message: `Write this text again, with "town" in capitals, text {number}:\n\n${TEXT}`,
    least: 1.5,
  },
  { name: 'free text', message: 'Tell me {number} facts about the sea.', least: 0.97 },
];
const CLIENTS = [1, 4];
const TOKENS = 128;

let number = 0;

/** The throughput with prompt lookup over that without, for one and four clients, on prompts of three kinds. */
export async function benchSpeculation(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const start = (speculation: boolean) =>
    startService('tools/bench/chat-options.ts', { ...settings.env, BENCH_OPTIONS: JSON.stringify({ speculation }) });
  const on = await start(true);
  const off = await start(false);
  const figures: Figure[] = [];
  try {
    for (const prompt of PROMPTS)
      for (const clients of CLIENTS) figures.push(await compare(on, off, prompt, clients, settings.pairs, say));
  } finally {
    await on.stop();
    await off.stop();
  }
  return figures;
}

async function compare(
  on: Service,
  off: Service,
  { name, message, least }: Prompt,
  clients: number,
  pairs: number,
  say: (line: string) => void,
): Promise<Figure> {
  const ratios: number[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    const start = number;
    number += 100;
    const run = (service: Service) => rate(service, message, clients, start);
    const first = pair % 2 === 0 ? await run(on) : undefined;
    const without = await run(off);
    const speed = first ?? (await run(on));
    say(`${name}, ${clients} clients, pair ${pair}: ${speed.toFixed()} tokens/s, without ${without.toFixed()}`);
    if (pair > 0) ratios.push(speed / without);
  }
  return {
    name: `${name}, ${clients} ${clients === 1 ? 'client' : 'clients'}: with speculation over without`,
    unit: '',
    value: medianInterval(ratios),
    target: { at: 'least', value: least },
  };
}

/** Output tokens per second. */
async function rate({ port }: Service, message: string, clients: number, start: number): Promise<number> {
  const { tokens, seconds } = await runLoad({
    port,
    path: '/v1/chat/completions',
    clients,
    requests: 3 * clients,
    body: (index) => ({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: message.replace('{number}', String(start + index)) }],
      temperature: 0,
      max_completion_tokens: TOKENS,
      stream: true,
      stream_options: { include_usage: true },
    }),
  });
  return tokens / seconds;
}
