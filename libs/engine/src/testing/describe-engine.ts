import { describe } from 'vitest';
import { describeBadInput } from './bad-input.ts';
import { shareEngine } from './calls.ts';
import { describeCancel } from './cancel.ts';
import { describeConcurrency } from './concurrency.ts';
import { describeDeadline } from './deadline.ts';
import { describeDeath } from './death.ts';
import { describeEvents } from './events.ts';
import { describeLeaks } from './leaks.ts';
import { describeStart } from './start.ts';
import type { EngineSuite } from './samples.ts';
import { describeTurns } from './turns.ts';

/**
 * Registers the tests that every engine passes, for the tasks it has samples for. Call it at the top of a test file.
 *
 * Most tests share one engine; those of starting, stopping and dying make their own. Linux only: what is left behind
 * is looked for in /proc, so run it in a process (vitest's pool `forks`), not in a thread.
 */
export function describeEngine(suite: EngineSuite): void {
  const timeout = suite.timeoutMs ?? 120_000;
  describe(`the engine ${suite.name}`, { timeout }, () => {
    describe('one engine, many calls', () => {
      const shared = shareEngine(suite, timeout);
      describeEvents(suite, shared);
      describeBadInput(suite, shared);
      describeCancel(suite, shared);
      describeDeadline(suite, shared);
      describeConcurrency(suite, shared);
      describeTurns(suite, shared);
      describeLeaks(suite, shared);
    });
    describeStart(suite);
    describeDeath(suite);
  });
}
