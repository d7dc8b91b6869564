import type { Host, MemoryNeeds, ModelEntry, Plan } from '@xim/engine';
import { askedOr, type Decision } from './decision.ts';
import { cpusLine, hostLines } from './host-lines.ts';
import { planMemory } from './plan-memory.ts';
import { checkRequest } from './plan-request.ts';
import type { PlanRequest } from './plan-request.ts';
import { mostSlots, planQueue, planSlots } from './plan-slots.ts';
import { formatSeconds, planBatchTokens, planStall } from './plan-steps.ts';
import { planThreads } from './plan-threads.ts';

export interface PlanOptions {
  readonly host: Host;
  readonly model: ModelEntry;
  /** The result of the engine's `memory` for the model and the profile that its `check` chose. */
  readonly memory: MemoryNeeds;
  readonly requested?: PlanRequest | undefined;
}

/**
 * The share of a service in a host, with reasons. Pure: the same arguments give the same plan, on any machine.
 *
 * Throws `HostTooSmallError` when the model cannot fit, `PlanRequestError` when a requested value is impossible.
 */
export function planFor({ host, model, memory: needs, requested = {} }: PlanOptions): Plan {
  checkRequest(requested, host);
  const { task } = model;

  const threads = askedOr(requested.threads, () => planThreads(host));
  const maxSlots = requested.slots ?? mostSlots(threads.value);
  const memory = planMemory({ host, model, needs, requested: requested.kvCacheBytes, maxSlots });
  const slots = askedOr(requested.slots, () => planSlots(task, threads.value, memory.sequences));
  const queue = askedOr(requested.queue, () => planQueue(task, slots.value));
  const batchTokens = planBatchTokens(task, threads.value, slots.value);
  const cpus = Math.min(threads.value, host.cpuQuota ?? threads.value);
  // A prompt of an engine that reserves whole sequences is one step.
  const stepTokens = Math.max(batchTokens.value, needs.reservedTokens ?? 0);
  const work = { batchTokens: stepTokens, tokensPerThreadSecond: needs.tokensPerThreadSecond, cpus };
  const stallMs = askedOr(requested.stallMs, () => planStall(task, work), formatSeconds);

  const line = (key: string, { value, shown, reason }: Decision) => ({ key, value: shown ?? String(value), reason });
  return {
    threads: threads.value,
    slots: slots.value,
    queue: queue.value,
    kvCacheBytes: memory.kvCache.value,
    batchTokens: batchTokens.value,
    stallMs: stallMs.value,
    reasons: [
      line('threads', threads),
      cpusLine(host),
      ...hostLines(host, needs),
      line('weights', memory.weights),
      line('kvCacheBytes', memory.kvCache),
      line('slots', slots),
      line('queue', queue),
      line('batchTokens', batchTokens),
      line('stallMs', stallMs),
    ],
  };
}
