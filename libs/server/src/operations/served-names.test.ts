import type { ModelEntry } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { createServedNames } from './served-names.ts';

const model = { id: 'org/model', created: 7, aliases: ['gpt-4o-mini'] } as unknown as ModelEntry;
const alias = (name: string, target?: string) => ({ name, target });

describe('the names of the served model', () => {
  it('begin with its id; every one means the id', () => {
    const { names, resolve } = createServedNames(model, [
      alias('a'),
      alias('b', 'org/model'),
      alias('c', 'gpt-4o-mini'),
    ]);
    expect(names().map((one) => one.name)).toEqual(['org/model', 'gpt-4o-mini', 'a', 'b', 'c']);
    for (const { name } of names()) {
      expect(resolve(name)).toEqual({ name, id: 'org/model', created: 7, ownedBy: 'org' });
    }
  });

  it('do not hold what was not configured; the error lists what is served', () => {
    const { resolve } = createServedNames(model, []);
    for (const name of ['gpt-5', '', '__proto__', 'constructor']) {
      expect(() => resolve(name)).toThrow('Served: org/model, gpt-4o-mini.');
    }
  });

  it('may be left out, or be a placeholder, unless names are strict', () => {
    const { names, resolve } = createServedNames(model, []);
    const strict = createServedNames(model, [], true);
    for (const name of [undefined, null, 'tgi', 'dummy', 'local-model']) {
      expect(resolve(name).id).toBe('org/model');
      expect(() => strict.resolve(name)).toThrow(name == null ? 'is missing' : 'Served: org/model');
    }
    expect(names().map((one) => one.name)).toEqual(['org/model', 'gpt-4o-mini']);
    expect(strict.resolve('gpt-4o-mini').id).toBe('org/model');
  });

  it('cannot point at a model that is not served', () => {
    expect(() => createServedNames(model, [alias('a', 'org/other')])).toThrow('"a=org/other"');
  });
});
