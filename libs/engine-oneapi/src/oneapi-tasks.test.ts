import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { PYTHON, TRAITS } from './oneapi-engine.ts';

it('oneapi takes the tasks that package.json promises', () => {
  expect(packageJson.xim.tasks).toEqual(TRAITS.tasks);
  expect(Object.keys(PYTHON)).toEqual(TRAITS.tasks);
});

it.each(Object.entries(PYTHON))('a bundle of %s holds the Python that its handler imports', (task, folders) => {
  for (const folderOf of folders) {
    const { xim } = JSON.parse(readFileSync(join(folderOf(), '../package.json'), 'utf8')) as {
      xim?: { tasks: readonly string[] };
    };
    expect(xim?.tasks ?? [task], folderOf()).toContain(task);
  }
});
