import { beforeAll, describe, expect, it } from 'vitest';

it('passes', () => {});
it('fails', () => expect(1).toBe(2));
it('is skipped with a reason', ({ skip }) => skip(true, 'cpu:amx: no amx_tile in this machine'));
it.skip('is skipped without one', () => {});
it.todo('is to do');
describe.skip('a skipped suite', () => {
  it('is skipped with its suite', () => {});
});
describe('a suite whose hook fails', () => {
  beforeAll(() => {
    throw new Error('on purpose');
  });
  it('is kept from running', () => {});
});
