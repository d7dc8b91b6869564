import { expect, test } from 'vitest';
import { formatCpuList, parseCpuList } from './cpu-list.ts';

test.each([
  ['0', [0]],
  ['0-3,8', [0, 1, 2, 3, 8]],
  ['0-1,4-5', [0, 1, 4, 5]],
  ['0,2,4', [0, 2, 4]],
])('the list %s', (list, cpus) => {
  expect(parseCpuList(list)).toEqual(cpus);
  expect(formatCpuList(cpus)).toBe(list);
});

test.each([undefined, '', '\n', 'none'])('%j is an empty list', (list) => {
  expect(parseCpuList(list)).toEqual([]);
});
