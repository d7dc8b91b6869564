import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, InvalidInputError } from '@xim/engine';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEngine, modelOf } from './__fixtures__/engines.ts';

const MODULES = join(import.meta.dirname, '../../../node_modules');
/** Schemas of others: the options of Nx's generators and executors. */
const SCHEMAS = ['nx', '@nx/js', '@nx/workspace']
  .flatMap((name) => readdirSync(join(MODULES, name), { recursive: true }).map((file) => join(name, String(file))))
  .filter((file) => /(\/schema|\/schemas\/[^/]*)\.json$/.test(file) && !/node_modules|\/files\//.test(file))
  .toSorted();
/** Most schemas have two answers. */
const RUNS = 60;
const SLOTS = 32;

let engine: Engine;
beforeAll(async () => {
  engine = createEngine(modelOf('chat'), { plan: { slots: SLOTS } });
  await engine.start();
}, 300_000);
afterAll(() => engine.stop(), 300_000);

async function answer(
  schema: Record<string, unknown>,
  seed: number,
  maxTokens = 100,
): Promise<{ text: string; reason: string }> {
  const messages = [{ role: 'user', content: 'Fill in the options, briefly, as JSON.' } as const];
  const input = {
    prompt: { messages },
    format: { type: 'json-schema', schema } as const,
    maxTokens,
    sampling: { temperature: 0.9, seed },
  };
  let text = '';
  let reason = '';
  for await (const event of engine.generate!(input, { id: 'schema', signal: new AbortController().signal })) {
    if (event.type === 'text-delta') text += event.text;
    if (event.type === 'choice-end') ({ reason } = event);
  }
  return { text, reason };
}

/** Without the names that some give to their draft and to themselves, which no validator knows. */
function toSchema(json: string): Record<string, unknown> {
  const named = (key: string, value: unknown) => key === '$schema' || (key === 'id' && typeof value === 'string');
  return JSON.parse(json, (key, value: unknown) => (named(key, value) ? undefined : value)) as Record<string, unknown>;
}

it(
  `${RUNS} of ${RUNS} seeded answers that ended by themselves validate, over schemas of others`,
  { timeout: 900_000 },
  async () => {
    const probe = async (file: string) => {
      const schema = toSchema(readFileSync(join(MODULES, file), 'utf8'));
      const refused = await answer(schema, 0, 1).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refused === undefined) return [{ file, schema }];
      expect(InvalidInputError.isInstance(refused), String(refused)).toBe(true);
      return [];
    };
    const taken = (await Promise.all(SCHEMAS.map(probe))).flat();
    expect(taken.length / SCHEMAS.length).toBeGreaterThan(0.7);

    const wrong: string[] = [];
    let stopped = 0;
    const one = async (seed: number): Promise<void> => {
      const { file, schema } = taken[seed % taken.length]!;
      const { text, reason } = await answer(schema, seed);
      if (reason !== 'stop') return;
      stopped += 1;
      const ajv = new Ajv({ strict: false, validateFormats: false, logger: false });
      if (!ajv.validate(schema, JSON.parse(text))) wrong.push(`${file}, seed ${seed}: ${ajv.errorsText()}: ${text}`);
    };
    let seeds = 0;
    const lane = async (): Promise<void> => {
      while (stopped < RUNS && seeds < 10 * RUNS) await one((seeds += 1));
    };
    await Promise.all(Array.from({ length: SLOTS }, lane));
    expect(wrong).toEqual([]);
    expect(stopped).toBeGreaterThanOrEqual(RUNS);
  },
);
