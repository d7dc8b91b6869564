import type { EngineFactory, ModelEntry, Profile, Refusal } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { host } from '../__fixtures__/fake-service.ts';
import { chooseEngine, toExactProfile } from './choose.ts';

const model = { id: 'org/model' } as ModelEntry;
const takes = (name: string): EngineFactory => ({
  name,
  formats: [],
  memory: () => ({ weightBytes: 0, reserveBytes: 0 }),
  check: (): Profile => ({ engine: name, isa: [] }),
  create: () => {
    throw new Error('not here');
  },
});
const refuses = (name: string): EngineFactory => ({
  ...takes(name),
  check: (): Refusal => ({ missing: ['amx_bf16 (found: avx2)', 'an Intel CPU'], advice: `Do without ${name}.` }),
});

describe('XIM_EXACT', () => {
  const choose = (exact?: EngineFactory['exact']) =>
    chooseEngine([{ ...takes('a'), exact, check: () => ({ engine: 'a', isa: [], options: { b: 1 } }) }], host, model);

  it('is the option of the profile, beside its others', () => {
    expect(toExactProfile(choose(['generate']), 'generate').options).toEqual({ b: 1, exact: true });
  });

  it('is refused where nobody holds to it', () => {
    const none = 'XIM_EXACT=1 cannot be held to: the engine a has no such setting for the task embed';
    expect(() => toExactProfile(choose(['generate']), 'embed')).toThrow(none);
    expect(() => toExactProfile(choose(), 'embed')).toThrow(none);
    expect(() => toExactProfile(choose(['generate']), 'generate', 'handler.py')).toThrow('a handler of its own');
  });
});

describe('the engine', () => {
  it('is the first that accepts; what the others are missing is kept', () => {
    expect(chooseEngine([takes('a'), takes('b')], host, model)).toMatchObject({
      profile: { engine: 'a' },
      reason: "a is the service's first choice",
      refusals: [],
    });
    expect(chooseEngine([refuses('xft'), takes('b')], host, model)).toMatchObject({
      factory: { name: 'b' },
      reason: 'b is the first that this host can run; refused: xft',
      refusals: [{ engine: 'xft', missing: ['amx_bf16 (found: avx2)', 'an Intel CPU'] }],
    });
  });

  it('may be pinned, and is then the only one asked', () => {
    expect(chooseEngine([takes('a'), takes('b')], host, model, 'b').reason).toBe('b is pinned by XIM_ENGINE');
    expect(() => chooseEngine([refuses('a'), takes('b')], host, model, 'a')).toThrow(
      '[server] No engine can run org/model on this host (pinned by XIM_ENGINE): ' +
        'a is missing amx_bf16 (found: avx2), an Intel CPU. Do without a.',
    );
    expect(() => chooseEngine([takes('a')], host, model, 'c')).toThrow('no such engine. It has: a.');
  });

  it('that does not exist is one error that lists everything', () => {
    expect(() => chooseEngine([refuses('a'), refuses('b')], host, model)).toThrow(
      /a is missing .* b is missing .* Do without b\./,
    );
  });
});
