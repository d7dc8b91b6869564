import { expect, it } from 'vitest';
import { toGroups } from './steps.mjs';

it('neighbouring steps whose commands are independent form a group, each other step is alone', () => {
  const steps = [true, true, false, false, true].map((together, number) => ({ number, together }));
  expect(toGroups(steps).map((group) => group.map(({ number }) => number))).toEqual([[0, 1], [2], [3], [4]]);
});
