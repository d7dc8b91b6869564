import { listSchema, toFormat } from './chat-kinds.ts';
import { runLoad } from './load.ts';
import type { Service } from './processes.ts';
import type { Figure } from './report.ts';
import { medianInterval, quantile } from './statistics.ts';

/** The time that a schema adds to the first token of a single client: on its first use, and later. */
export async function benchSchemaCost(service: Service, pairs: number, say: (line: string) => void): Promise<Figure[]> {
  const first: number[] = [];
  const later: number[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    const schema = toFormat(listSchema(`facts_${pair}_${Date.now()}`));
    const plain = await firstToken(service, {}, 7);
    const unseen = await firstToken(service, { response_format: schema }, 1);
    const seen = await firstToken(service, { response_format: schema }, 7);
    say(
      `time to first token: ${plain.toFixed(1)} ms, ${unseen.toFixed(1)} with a new schema, ${seen.toFixed(1)} again`,
    );
    if (pair === 0) continue;
    first.push(unseen - plain);
    later.push(seen - plain);
  }
  const most = (value: number) => ({ at: 'most', value }) as const;
  return [
    { name: 'a new schema: added time to first token', unit: 'ms', value: medianInterval(first), target: most(1000) },
    { name: 'a known schema: added time to first token', unit: 'ms', value: medianInterval(later), target: most(5) },
  ];
}

/** Median milliseconds over `requests` requests, one after the other, all with the same prompt. */
async function firstToken(service: Service, more: object, requests: number): Promise<number> {
  const { first } = await runLoad({
    port: service.port,
    path: '/v1/chat/completions',
    clients: 1,
    requests,
    body: () => ({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Tell me facts about the sea.' }],
      temperature: 0,
      max_completion_tokens: 4,
      stream: true,
      stream_options: { include_usage: true },
      ...more,
    }),
  });
  return quantile(first, 0.5) * 1000;
}
