import { describe, expect, it } from 'vitest';
import type { Task } from '../index.ts';
import { collect, open, samplesOf, type Shared, tasksOf } from './calls.ts';
import { checkEvents } from './event-order.ts';
import type { EngineSuite, InputOf } from './samples.ts';

export function describeEvents(suite: EngineSuite, shared: Shared): void {
  it('has a method for each task with samples, and for no other', () => {
    const tasks: Task[] = ['generate', 'embed', 'rerank', 'transcribe', 'speak', 'generateImage'];
    expect(tasks.filter((task) => shared.engine[task] !== undefined).toSorted()).toEqual(tasksOf(suite).toSorted());
  });

  describe.each(tasksOf(suite))('events of %s', (task) => describeTask(suite, shared, task));
  if (suite.samples.embed) describeEmbed(suite, shared);
  if (suite.samples.rerank) describeRerank(suite, shared);
  if (suite.samples.generate) describeGenerate(suite, shared);
}

function describeTask<T extends Task>(suite: EngineSuite, shared: Shared, task: T): void {
  const { quick, more = [] } = samplesOf(suite, task);

  it.each([quick, ...more].map((input, number) => [number, input] as [number, InputOf[T]]))(
    'come in order (sample %i)',
    async (_, input) => {
      checkEvents(task, input, await collect(open(shared.engine, task, input)));
    },
  );

  it('are the same for the same input', async () => {
    const first = await collect(open(shared.engine, task, quick));
    expect(joinDeltas(await collect(open(shared.engine, task, quick)))).toEqual(joinDeltas(first));
  });

  it('are given once', async () => {
    const call = open(shared.engine, task, quick);
    await collect(call);
    expect(await collect(call).catch(() => [])).toEqual([]);
  });

  it('may name the base model', async () => {
    const events = await collect(open(shared.engine, task, quick, { model: shared.info.models[0] }));
    checkEvents(task, quick, events);
  });
}

/** Deltas of one kind and choice in a row as one, since how many tokens come at once is the engine's business. */
function joinDeltas(events: readonly { readonly type: string }[]): unknown[] {
  const joined: Record<string, unknown>[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    const { text, tokens, ...rest } = event as { type: string; choice?: number; text?: string; tokens?: number };
    if (text === undefined) joined.push({ ...event });
    else if (last?.['type'] !== rest.type || last['choice'] !== rest.choice) joined.push({ ...rest, text, tokens });
    else
      Object.assign(last, { text: `${String(last['text'])}${text}`, tokens: Number(last['tokens']) + (tokens ?? 0) });
  }
  return joined;
}

function describeEmbed(suite: EngineSuite, shared: Shared): void {
  it('gives each text the vector that it has alone, in the order of the texts', async () => {
    const { items } = samplesOf(suite, 'embed').quick;
    const call = { id: 'conformance', signal: new AbortController().signal };
    const together = await shared.engine.embed!({ items: [...items, ...items.toReversed()] }, call);
    const rows = [...items, ...items.toReversed()].map((_, row) =>
      together.vectors.subarray(row * together.dimensions, (row + 1) * together.dimensions),
    );
    for (const [row, item] of [...items, ...items.toReversed()].entries()) {
      const alone = await shared.engine.embed!({ items: [item] }, call);
      const cosine = alone.vectors.reduce((sum, value, at) => sum + value * rows[row]![at]!, 0);
      expect(cosine, `item ${row}`).toBeGreaterThan(0.999);
    }
  });
}

function describeRerank(suite: EngineSuite, shared: Shared): void {
  it('gives each pair the score that it has alone, in the order of the documents', async () => {
    const { queries, documents } = samplesOf(suite, 'rerank').quick;
    const call = { id: 'conformance', signal: new AbortController().signal };
    const pairs = documents.map((document, at) => [queries[queries.length > 1 ? at : 0]!, document] as const);
    const all = [...pairs, ...pairs.toReversed()];
    const input = { queries: all.map(([query]) => query), documents: all.map(([, document]) => document) };
    const { scores, kind } = await shared.engine.rerank!(input, call);
    for (const [row, [query, document]] of all.entries()) {
      const alone = await shared.engine.rerank!({ queries: [query], documents: [document] }, call);
      expect(alone.kind, `pair ${row}`).toBe(kind);
      expect(Math.abs(alone.scores[0]! - scores[row]!), `pair ${row}`).toBeLessThan(0.05);
    }
  });
}

function describeGenerate(suite: EngineSuite, shared: Shared): void {
  it('tokenizes a prompt into as many tokens as generating counts', async () => {
    const { engine } = shared;
    const { quick } = samplesOf(suite, 'generate');
    if (engine.tokenize === undefined) return;
    const call = { id: 'conformance', signal: new AbortController().signal };
    const { tokens } = await engine.tokenize({ prompt: quick.prompt }, call);
    const [start] = await collect(open(engine, 'generate', quick));
    expect(start).toMatchObject({ type: 'start', inputTokens: tokens.length });
  });
}
