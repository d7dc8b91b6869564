import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FakeServer, startFakeServer } from './__fixtures__/fake-server.ts';
import { formatReport } from './report.ts';
import { chooseChecks, runConformance } from './run.ts';
import { TASK_NAMES } from './check.ts';

let fake: FakeServer;
beforeAll(async () => {
  fake = await startFakeServer();
});
afterEach(() => {
  Object.assign(fake, { tamper: undefined, absent: [], apiKey: undefined });
});
afterAll(() => fake.close());

const run = (more: object = {}) => runConformance({ baseUrl: fake.url, timeoutSeconds: 20, concurrency: 4, ...more });

describe('a server that behaves', () => {
  it('passes everything', async () => {
    fake.apiKey = 'secret';
    const report = await run({ apiKey: 'secret' });
    expect(report.results.filter(({ outcome }) => outcome !== 'passed')).toEqual([
      expect.objectContaining({ id: 'http.key.unused', outcome: 'skipped' }),
    ]);
    expect(report.score).toMatchObject({ failed: 0, refused: 0, skipped: 1, percent: 100 });
    expect(report.model).toBe('org/fake-model');
    expect(formatReport(report)).toContain('100 %');
  });
});
void [chooseChecks, TASK_NAMES];
