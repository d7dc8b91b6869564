import type { Host, MemoryNeeds, ModelEntry } from '@xim/engine';
import { formatBytes, MIB } from '../bytes.ts';
import { askedOr } from './decision.ts';
import type { Decision } from './decision.ts';
import { HostTooSmallError, PlanRequestError } from '../errors.ts';

/** Of the memory left after weights and reserve. The rest is for scratch, the page cache and the neighbours. */
const cacheShare = 0.5;
/** Tokens of a chat turn with its history and answer: the expected content of a slot, not its limit. */
const typicalTokens = 2048;
/** Bytes by which the free memory of a container differs from one start to the next. Measured: 5 MiB. */
const MOVING_BYTES = 16 * MIB;

export interface MemoryPlan {
  readonly weights: Decision;
  readonly kvCache: Decision;
  /** Typical sequences that the cache holds; absent when nothing is known about the cache. */
  readonly sequences?: number;
}

export interface MemoryOptions {
  readonly host: Host;
  readonly model: ModelEntry;
  readonly needs: MemoryNeeds;
  readonly requested?: number | undefined;
  /** More slots than this are not planned, so neither is a cache for them. */
  readonly maxSlots: number;
}

/**
 * Throws `HostTooSmallError` when weights and, for `generate`, one full context do not fit into the free memory;
 * `PlanRequestError` when the cache that was asked for does not fit, or holds no token.
 */
export function planMemory(options: MemoryOptions): MemoryPlan {
  const { host, model, needs, requested } = options;
  const { reserveBytes, kvBytesPerToken: perToken, reservedTokens } = needs;
  const weights = planWeights(needs.weightBytes);
  const left = host.availableMemoryBytes - weights.value - reserveBytes;
  if (model.task !== 'generate') {
    // Services of one host share their environment: a cache that was asked for means nothing to a task without one.
    if (left < 0 && weights.value > 0) throw tooSmall(options, weights.value);
    return { weights, kvCache: { value: 0, reason: `${model.task} keeps no key-value cache between steps` } };
  }

  const context = reservedTokens ?? model.shape.contextLength ?? typicalTokens;
  const whole = { context, perToken: perToken ?? 0, bytes: Math.ceil(context * (perToken ?? 0)) };
  // Without weights and cache there is nothing to fit: the echo engine.
  const least = requested === undefined ? whole.bytes : 0;
  if (left < least && weights.value + least > 0) throw tooSmall(options, weights.value, whole);
  const spent = `${formatBytes(host.availableMemoryBytes)} free less ${formatBytes(weights.value)} of weights and ${formatBytes(reserveBytes)} for the programs`;
  if (requested !== undefined && requested > left) {
    throw new PlanRequestError(
      `XIM_KV_CACHE_BYTES=${requested} is more than the ${formatBytes(Math.max(0, left))} that ${model.id} leaves: ${spent}. ` +
        'Ask for less, or give the service more memory.',
    );
  }
  if (perToken === undefined) {
    const reason = 'left to the engine: the model does not say the bytes of a token (layers, kvHeads, headDim)';
    return { weights, kvCache: askedOr(requested, () => ({ value: 0, reason }), formatBytes) };
  }

  const typical = Math.ceil((reservedTokens ?? Math.min(context, typicalTokens)) * perToken);
  const wanted = Math.min(Math.floor(left * cacheShare), options.maxSlots * typical);
  const value = requested ?? Math.max(whole.bytes, wanted);
  const tokens = Math.floor(value / perToken);
  if (tokens < 1) {
    throw new PlanRequestError(
      `XIM_KV_CACHE_BYTES=${value} does not hold one token of ${model.id}, which takes ${formatBytes(perToken)}. ` +
        `Ask for more; a full context of ${context} tokens takes ${whole.bytes}.`,
    );
  }
  const holds = `${tokens} tokens of ${formatBytes(perToken)}`;
  const short = tokens < context ? `; the longest sequence is then ${tokens} of ${context} tokens` : '';
  const reason =
    requested === undefined ? `${holds}, of ${formatBytes(left)} left: ${spent}` : `asked for: ${holds}${short}`;
  return { weights, kvCache: { value, shown: formatBytes(value), reason }, sequences: Math.floor(value / typical) };
}

/**
 * Bytes with which a model starts in a container of its own: weights, programs, for `generate` one full context, and
 * the bytes by which free memory moves.
 */
export function leastMemory(model: ModelEntry, needs: MemoryNeeds): number {
  const { weightBytes, reserveBytes, kvBytesPerToken = 0, reservedTokens } = needs;
  const context = reservedTokens ?? model.shape.contextLength ?? typicalTokens;
  const cache = model.task === 'generate' ? Math.ceil(context * kvBytesPerToken) : 0;
  return weightBytes + reserveBytes + cache + MOVING_BYTES;
}

function planWeights(value: number): Decision {
  if (value === 0) return { value, shown: 'none', reason: 'the engine loads no weights' };
  return { value, shown: formatBytes(value), reason: 'as the engine keeps them in memory' };
}

interface WholeContext {
  readonly context: number;
  readonly perToken: number;
  readonly bytes: number;
}

function tooSmall(
  { host, model, needs: { reserveBytes } }: MemoryOptions,
  weights: number,
  cache?: WholeContext,
): HostTooSmallError {
  const { availableMemoryBytes: available, memoryBytes: total } = host;
  const needed = weights + reserveBytes + (cache?.bytes ?? 0);
  const parts = [`${formatBytes(weights)} of weights`, `${formatBytes(reserveBytes)} for the programs`];
  if (cache && cache.bytes > 0) {
    parts.push(`${formatBytes(cache.bytes)} of key-value cache for one full context of ${cache.context} tokens`);
  }
  // Free memory moves: nine tenths of it will still be free at the next start.
  const spare = Math.floor((available - weights - reserveBytes) * 0.9);
  const shorter =
    cache && cache.perToken > 0 && spare >= cache.perToken
      ? `, set XIM_KV_CACHE_BYTES=${spare} to take sequences of at most ${Math.floor(spare / cache.perToken)} tokens`
      : '';
  const limit = Math.ceil((needed + MOVING_BYTES + total - available) / MIB);
  return new HostTooSmallError(
    `${model.id} needs ${formatBytes(needed)} (${parts.join(', ')}), but of ${formatBytes(total)} only ${formatBytes(available)} are free here. ` +
      `Give it more memory (a container: -m ${limit}m or more)${shorter}, or take a smaller model.`,
    needed,
    available,
  );
}
