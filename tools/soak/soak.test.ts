import { describe, expect, it } from 'vitest';
import { createRandom } from './random.ts';
import { formatReport, verdicts } from './report.ts';
import { judge } from './request.ts';
import { startSoaked } from './service.ts';
import { meansOf, slopeOf } from './slope.ts';
import { soak, type SoakReport } from './soak.ts';

const MAIN = 'tools/soak/__fixtures__/echo-main.ts';

describe('a service under load and faults', { timeout: 240_000 }, () => {
  it.each([
    ['generate', 400, 1],
    ['transcribe', 40, 1],
  ])('that does %s loses no request and leaves nothing', async (task, rate, kills) => {
    const service = await startSoaked(MAIN, {
      XIM_VENVS: process.env['XIM_VENVS'] ?? '',
      ...{ XIM_SLOTS: '4', XIM_QUEUE: '8', XIM_READ_TIMEOUT_SECONDS: '10', XIM_DRAIN_SECONDS: '90' },
      ...{ SOAK_TASK: task, SOAK_RATE: String(rate) },
    });
    try {
      const report = await soak(service, { seconds: 6, seed: 7, kills, patienceMs: 90_000 }, () => {});
      expect(report.complaints, service.log()).toEqual([]);
      expect(report.outcomes).toMatchObject({ failed: 0, hung: 0, lost: 0 });
      expect(report.outcomes.accepted).toBeGreaterThan(0);
      expect(report.temporary[0]).toBe(0);
      expect(report.atSigterm).toEqual({ open: 4, answered: 4, code: 0 });
      expect(formatReport(report)).toContain('SIGTERM     4 of 4 open requests answered, exit code 0');
    } finally {
      await service.dispose();
    }
  });
});

it.each([
  ['refused', 429, '{"error":{"code":"rate_limit_exceeded"}}', 'application/json'],
  ['refused', 503, '{"error":{"code":"engine_not_ready"}}', 'application/json'],
  ['failed', 503, '{"error":{"code":"engine_dead"}}', 'application/json'],
  ['expired', 504, '{"error":{"code":"deadline_exceeded"}}', 'application/json'],
  ['expired', 200, 'data: {"error":{"code":"deadline_exceeded"}}\n\n', 'text/event-stream'],
  ['failed', 200, 'data: {"error": {"code":"engine_dead"}}\n\n', 'text/event-stream'],
  ['lost', 200, 'data: {"choices":[]}\n\n', 'text/event-stream'],
  ['accepted', 200, 'data: {"choices":[]}\n\ndata: [DONE]\n\n', 'text/event-stream'],
] as const)('is %s: %i %s', (outcome, status, body, type) => {
  expect(judge(status, Buffer.from(body), type)[0]).toBe(outcome);
});

it('the same seed gives the same numbers, over the whole range', () => {
  const numbers = (seed: number): number[] => Array.from({ length: 1000 }, createRandom(seed));
  expect(numbers(3)).toEqual(numbers(3));
  expect(numbers(3)).not.toEqual(numbers(4));
  expect(Math.min(...numbers(3))).toBeLessThan(0.01);
  expect(Math.max(...numbers(3))).toBeGreaterThan(0.99);
});

it('a slope has an interval', () => {
  expect(
    slopeOf([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
  ).toEqual({ value: 2, margin: 0 });
  const noisy = slopeOf([
    [0, 0],
    [1, 1],
    [2, 0],
    [3, 1],
  ]);
  expect(noisy.value).toBeCloseTo(0.2);
  expect(noisy.margin).toBeGreaterThan(noisy.value);
  expect(
    slopeOf([
      [0, 1],
      [1, 2],
    ]).value,
  ).toBeNaN();
});

it('samples that follow each other count as one', () => {
  const samples = Array.from({ length: 12 }, (_, at): [number, number] => [at, Math.floor(at / 4) % 2]);
  expect(meansOf(samples, 3)).toEqual([
    [1.5, 0],
    [5.5, 1],
    [9.5, 0],
  ]);
  expect(slopeOf(meansOf(samples, 3)).margin).toBeGreaterThan(slopeOf(samples).margin);
  expect(meansOf([[1, 2]], 20)).toEqual([[1, 2]]);
});

it('each condition that is missed is named', () => {
  const good: SoakReport = {
    ...{
      task: 'generate',
      slots: 4,
      peak: 10,
      goodput: 10,
      killed: 0,
      refusalP99: 0.001,
      unreached: 0,
      diskFull: undefined,
    },
    outcomes: { accepted: 9, refused: 9, expired: 0, failed: 0, left: 0, hung: 0, lost: 0 },
    memory: { value: 5, margin: 6 },
    ...{ files: [20, 20], temporary: [0, 0], complaints: [] },
    atSigterm: { open: 4, answered: 4, code: 0 },
  };
  const missed = (report: SoakReport): string[] => verdicts(report).flatMap(({ name, met }) => (met ? [] : [name]));
  expect(missed(good)).toEqual([]);
  expect(missed({ ...good, goodput: 9 })).toEqual(['goodput at least 95 % of the capacity']);
  expect(missed({ ...good, memory: { value: 7, margin: 6 } })).toEqual(['no slope of memory, within its interval']);
  expect(missed({ ...good, files: [21, 20] })).toEqual(['open files as before']);
  expect(missed({ ...good, outcomes: { ...good.outcomes, hung: 1 } })).toEqual(['0 hung']);
  expect(missed({ ...good, refusalP99: 0.02, atSigterm: { open: 4, answered: 4, code: 1 } }).length).toBe(2);
});
