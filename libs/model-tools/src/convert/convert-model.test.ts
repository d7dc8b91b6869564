import { sourceProblem } from '@xim/model-cache/internal';
import { expect, test } from 'vitest';
import { ENGINES } from './convert-model.ts';

const weights = Object.values(ENGINES).flatMap((targets) => targets.flatMap((target) => [...target.weights]));

test.each([...new Set(weights)])('models.json takes the recipe of files in %s', (one) => {
  expect(sourceProblem(`convert:${one}:org/name@revision`)).toBeUndefined();
});
