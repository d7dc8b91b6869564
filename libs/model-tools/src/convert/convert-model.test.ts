import { sourceProblem } from '@xim/model-cache/internal';
import { expect, test } from 'vitest';
import { ENGINES } from './convert-model.ts';

const recipes = Object.entries(ENGINES).flatMap(([engine, targets]) =>
  targets.flatMap(({ tasks, weights }) =>
    tasks.flatMap((task) => weights.map((one) => `convert:${task}/${engine}/${one}:org/name@revision`)),
  ),
);

// Recipes that were written before name the weights alone.
test.each([...recipes, 'convert:int8:org/name@revision'])('models.json takes the recipe %s', (recipe) => {
  expect(sourceProblem(recipe)).toBeUndefined();
});
