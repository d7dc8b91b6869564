import { messageOf } from './messages.ts';
import { createRandom } from './random.ts';
import { type Behaviour, type Outcome, type Sent, send } from './request.ts';
import type { SoakedService } from './service.ts';
import { meansOf, type Slope, slopeOf } from './slope.ts';

export interface SoakSettings {
  /** Seconds of load at twice the capacity; a third of it is spent before, to find the capacity. */
  readonly seconds: number;
  readonly seed: number;
  /** How often a process of the worker is killed. */
  readonly kills: number;
  /** Milliseconds after which a client calls its request hung. */
  readonly patienceMs: number;
}

export interface SoakReport {
  readonly task: string;
  readonly slots: number;
  /** Answers per second with as many clients as slots, nobody leaving. */
  readonly peak: number;
  /** Answers per second at twice the capacity, while an engine was ready. */
  readonly goodput: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Requests that were open when a process was killed, or reached it dying, and ended with an error: no service can do more. */
  readonly killed: number;
  /** Seconds of refusals, 99th percentile. */
  readonly refusalP99: number;
  /** Bytes of the host's memory per request. */
  readonly memory: Slope;
  /** After the load and before it. */
  readonly files: readonly [after: number, before: number];
  readonly temporary: readonly [after: number, before: number];
  /** Answers that say 507 while the disk was full; absent where there was no disk to fill, or no upload. */
  readonly diskFull: number | undefined;
  /** Requests that were accepted before SIGTERM, and how many of them had their whole answer. */
  readonly atSigterm: { readonly open: number; readonly answered: number; readonly code: number | null };
  /** Requests after SIGTERM that found no service: a proxy sends them elsewhere. */
  readonly unreached: number;
  /** Examples of what should not be, at most ten. */
  readonly complaints: readonly string[];
}

/** Seconds after the kill of a worker in which requests still reach it. */
const KILL_SHADOW = 2;
const BEHAVIOURS: readonly Behaviour[] = ['patient', 'patient', 'patient', 'patient', 'vanishing', 'slow', 'cutting'];
/** More open connections than this would measure the client. */
const MOST_OPEN = 500;

/** Runs the whole programme against a service that is ready; the service has ended afterwards. */
export async function soak(
  service: SoakedService,
  { seconds, seed, kills, patienceMs }: SoakSettings,
  say: (line: string) => void,
): Promise<SoakReport> {
  const random = createRandom(seed);
  const { port, task, slots } = service;
  const one = (behaviour: Behaviour): Promise<Sent> =>
    send({ port, message: messageOf(task, service.model, random), behaviour, part: random(), patienceMs });

  const peak = await findPeak(one, Math.min(slots, 32), seconds / 3);
  say(`capacity: ${peak.toFixed(1)} answers/s from ${Math.min(slots, 32)} clients`);
  const before = service.usage();

  const outcomes: Record<Outcome, number> = {
    accepted: 0,
    refused: 0,
    expired: 0,
    failed: 0,
    left: 0,
    hung: 0,
    lost: 0,
  };
  const complaints: string[] = [];
  const refusals: number[] = [];
  const samples: [requests: number, bytes: number][] = [];
  const killTimes: number[] = [];
  let [killed, ended, fullDisk, unready] = [0, 0, 0, 0];
  let [diskIsFull, isReady] = [false, true];
  const note = (sent: Sent, began: number): void => {
    ended += 1;
    const inShadow = killTimes.some((at) => began <= at + KILL_SHADOW * 1000 && at <= performance.now());
    if (sent.status === 507 && diskIsFull) fullDisk += 1;
    // The engine died under it, or the disk was full: an error is the right answer.
    const isError = sent.outcome === 'failed' || sent.outcome === 'lost' || sent.status === 503;
    if (isError && (inShadow || sent.status === 507)) killed += 1;
    else {
      outcomes[sent.outcome] += 1;
      if (sent.outcome === 'refused') refusals.push(sent.seconds);
      if (['failed', 'hung', 'lost'].includes(sent.outcome) && complaints.length < 10) {
        complaints.push(`${sent.outcome}: ${sent.detail}`);
      }
    }
  };

  const open = new Set<Promise<void>>();
  const launch = (behaviour: Behaviour): void => {
    const began = performance.now();
    const running = one(behaviour).then((sent) => {
      open.delete(running);
      note(sent, began);
    });
    open.add(running);
  };
  const schedule = [
    ...Array.from({ length: kills }, (_, at) => ({ at: ((at + random()) / kills) * 0.8, run: kill })),
    ...(service.hasOwnDisk && task === 'transcribe'
      ? [
          { at: 0.4, run: () => ((diskIsFull = true), service.fillDisk()) },
          { at: 0.5, run: () => ((diskIsFull = false), service.emptyDisk()) },
        ]
      : []),
  ].sort((a, b) => a.at - b.at);
  function kill(): void {
    killTimes.push(performance.now());
    say('a process of the worker is killed');
    service.killWorker();
  }

  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1000;
  const watch = setInterval(() => {
    samples.push([ended, service.usage().bytes]);
    void service.isReady().then((ready) => {
      if (!ready) unready += WATCH_MS / 1000;
      isReady = ready;
    });
  }, WATCH_MS);
  // As a crowd does it: at random times, whether earlier requests were answered or not.
  while (elapsed() < seconds) {
    while (schedule[0] && elapsed() >= schedule[0].at * seconds) schedule.shift()!.run();
    const due = Math.floor(elapsed() * 2 * peak) - (ended + open.size);
    for (let count = 0; count < due && open.size < MOST_OPEN; count++) {
      launch(BEHAVIOURS[Math.floor(random() * BEHAVIOURS.length)]!);
    }
    await sleep(5 + random() * 10);
  }
  const loaded = elapsed();
  const accepted = outcomes.accepted;
  clearInterval(watch);
  say(`${ended} requests have ended, ${open.size} are open`);
  await Promise.all(open);
  for (let tries = 0; !(isReady = await service.isReady()) && tries < 600; tries++) await sleep(100);
  if (!isReady) complaints.push('the service was not ready a minute after the load');

  const after = await settle(service, before);
  const sigterm = await terminateUnderLoad(service, one, slots);
  for (const { outcome, detail } of sigterm.sent) {
    if (outcome === 'hung' || outcome === 'lost') {
      outcomes[outcome] += 1;
      complaints.push(`after SIGTERM, ${outcome}: ${detail}`);
    }
  }
  const { open: count, answered, code, unreached } = sigterm;
  return {
    ...{ task, slots, peak, outcomes, killed, unreached, complaints: complaints.slice(0, 10) },
    goodput: accepted / Math.max(0.001, loaded - unready),
    refusalP99: quantile(refusals, 0.99),
    memory: slopeOf(meansOf(samples.slice(Math.floor(samples.length / 4)), RUNS)),
    files: [after.files, before.files],
    temporary: [after.temporary, before.temporary],
    diskFull: service.hasOwnDisk && task === 'transcribe' ? fullDisk : undefined,
    atSigterm: { open: count, answered, code },
  };
}

const WATCH_MS = 250;
/** Of samples of the memory, one point each. */
const RUNS = 20;

/** A closed loop: each client sends its next request when its last is answered. */
async function findPeak(
  one: (behaviour: Behaviour) => Promise<Sent>,
  clients: number,
  seconds: number,
): Promise<number> {
  const began = performance.now();
  const elapsed = (): number => (performance.now() - began) / 1000;
  let accepted = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (elapsed() < seconds) {
        const { outcome, detail } = await one('patient');
        if (outcome !== 'accepted') throw new Error(`a service without load has to accept: ${outcome} ${detail}`);
        accepted += 1;
      }
    }),
  );
  return accepted / elapsed();
}

/** Sockets of clients that left are closed within a moment: the numbers are those of quiet, or of ten seconds later. */
async function settle(service: SoakedService, before: { files: number; temporary: number }) {
  let usage = service.usage();
  for (let tries = 0; tries < 100 && (usage.files > before.files || usage.temporary > before.temporary); tries++) {
    await sleep(100);
    usage = service.usage();
  }
  return usage;
}

/** SIGTERM with every slot taken: what was accepted is answered, what comes later is refused. */
async function terminateUnderLoad(service: SoakedService, one: (behaviour: Behaviour) => Promise<Sent>, slots: number) {
  const before = await service.admitted();
  const running = Array.from({ length: Math.min(slots, 32) }, () => one('patient'));
  // Each of them has its slot, or is answered already; a minute is more than any client needs to be heard.
  for (let tries = 0; tries < 600 && (await service.admitted()) < before + running.length; tries++) await sleep(100);
  service.terminate();
  const late = Array.from({ length: 8 }, () => one('patient'));
  const [early, later, code] = await Promise.all([Promise.all(running), Promise.all(late), service.exited]);
  const isUnreached = ({ outcome, status }: Sent): boolean => outcome === 'lost' && status === 0;
  return {
    open: early.length,
    answered: early.filter(({ outcome }) => outcome === 'accepted').length,
    code,
    unreached: later.filter(isUnreached).length,
    sent: [...early, ...later.filter((sent) => !isUnreached(sent))],
  };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
