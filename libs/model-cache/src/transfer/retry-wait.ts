import type { Network } from './network.ts';

/** Milliseconds before the second try, where the network names no other. */
const RETRY_MS = 500;
/** The longest wait, also where a server asks for a longer one. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Milliseconds before the next try after `failures` in a row: doubled with each failure, and at least `retryAfter`, the
 * milliseconds that the server asks for.
 */
export function toRetryWait(network: Network | undefined, failures: number, retryAfter = 0): number {
  const wait = (network?.retryMs ?? RETRY_MS) * 2 ** (failures - 1);
  return Math.min(Math.max(wait, retryAfter), LONGEST_WAIT_MS);
}
