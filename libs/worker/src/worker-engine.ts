import {
  type CallOptions,
  type CreateOptions,
  type EmbedOutput,
  type Engine,
  EngineDeadError,
  type EngineExit,
  type EngineInfo,
  EngineNotReadyError,
  EngineStartError,
  ModelNotFoundError,
  type Plan,
  type RerankOutput,
  type StartOptions,
  type Task,
  type TokenizeOutput,
} from '@xim/engine';
import { type Carrier, CREDIT_BYTES, sendCall, type Receiver, type WireEvent } from './call.ts';
import { type Frame, PROTOCOL } from './frames.ts';
import { type Job, type JobConnection, startJob } from './job.ts';
import { pythonFolder } from './python-folder.ts';

export interface WorkerSpec {
  /** The whole job: `python -m …`, or a launcher with its ranks. */
  readonly command: readonly [string, ...string[]];
  /** Complete: nothing is inherited from the host's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Hellos awaited; rank 0 takes the calls. */
  readonly ranks: number;
  /** The tasks whose methods the engine has. */
  readonly tasks: readonly (Task | 'tokenize')[];
}

export interface WorkerOptions {
  /** `EngineFactory.name`. */
  readonly name: string;
  readonly create: CreateOptions;
  /** Milliseconds between asking, terminating and killing. Default 2000. */
  readonly graceMs?: number;
  /** Milliseconds without any frame after which a start has failed. Default ten minutes. */
  readonly startTimeoutMs?: number;
  /** Exit codes of a start that would end alike again. SIGILL is always one. */
  readonly hopelessCodes?: readonly number[];
}

/**
 * An engine whose work is done by a worker job. Spawns nothing before `start()`.
 *
 * The job's failures become the contract's: an exit, a broken protocol or another protocol version ends the engine;
 * an `error` event ends one call.
 */
export function createWorkerEngine(spec: WorkerSpec, options: WorkerOptions): Engine {
  const { create, name } = options;
  const receivers = new Map<number, Receiver>();
  let state: Engine['state'] = 'starting';
  let job: Job | undefined;
  let main: JobConnection | undefined;
  let exit: EngineExit | undefined;
  let hopeless = false;
  let served: readonly string[] = [];
  let stopping = false;
  let nextId = 1;
  let progressed = performance.now();
  let resolveExited: (exit: EngineExit) => void = () => undefined;
  const exited = new Promise<EngineExit>((resolve) => (resolveExited = resolve));
  let onStartFrame: (frame: Frame, connection: JobConnection) => void = () => undefined;

  const die = (how: EngineExit, neverStarts = false): void => {
    if (state === 'dead') return;
    state = 'dead';
    exit = how;
    hopeless = neverStarts;
    const open = [...receivers.values()];
    receivers.clear();
    for (const receiver of open) receiver.fail(deadError(name, how));
    resolveExited(how);
  };

  const onFrame = (frame: Frame, connection: JobConnection): void => {
    progressed = performance.now();
    if (frame.type !== 'events' || state !== 'ready') {
      onStartFrame(frame, connection);
      return;
    }
    for (const [id, event] of frame['events'] as [number, WireEvent][]) receivers.get(id)?.event(event);
  };

  const carrier: Carrier = {
    open(task, input, callOptions, receiver) {
      if (state === 'dead') throw deadError(name, exit);
      if (state !== 'ready' || main === undefined) {
        throw new EngineNotReadyError(`[engine-${name}] The engine is still starting.`);
      }
      const { model, turn } = callOptions;
      if (model !== undefined && !served.includes(model)) throw new ModelNotFoundError(model, served);
      if (receivers.size === 0) progressed = performance.now();
      const id = nextId++;
      receivers.set(id, receiver);
      main.send({ type: 'call', id, task, input, model, turn, credit: CREDIT_BYTES });
      return id;
    },
    close(id, endedByWorker) {
      if (receivers.delete(id) && !endedByWorker) main?.send({ type: 'cancel', id });
    },
    credit: (id, bytes) => main?.send({ type: 'credit', id, bytes }),
  };

  const start = async ({ signal, onProgress }: StartOptions = {}): Promise<EngineInfo> => {
    if (job !== undefined || state !== 'starting') throw startError(name, 'an engine is started once', true);
    const began = (progressed = performance.now());
    const hellos = new Map<number, JobConnection>();
    const ready = new Set<number>();
    let refusal: { message: string; permanent: boolean } | undefined;
    let info: Frame | undefined;
    const refuse = (message: string, permanent: boolean): void => {
      refusal ??= { message, permanent };
      job?.kill(message);
    };

    const handlers: Record<string, (frame: Frame, connection: JobConnection) => void> = {
      hello(frame, connection) {
        const rank = Number(frame['rank']);
        if (frame['protocol'] !== PROTOCOL) {
          refuse(`the worker speaks protocol ${String(frame['protocol'])}, this host speaks ${PROTOCOL}`, true);
        } else if (hellos.has(rank) || connection.rank !== undefined || !(rank >= 0 && rank < spec.ranks)) {
          refuse(`unexpected hello of rank ${String(frame['rank'])}`, false);
        } else {
          connection.rank = rank;
          hellos.set(rank, connection);
        }
        if (hellos.size < spec.ranks) return;
        job?.sealed();
        for (const each of hellos.values()) each.send(toLoad(create));
      },
      progress: (frame) =>
        onProgress?.({
          step: String(frame['step']),
          fraction: typeof frame['fraction'] === 'number' ? frame['fraction'] : undefined,
        }),
      failed: (frame) => refuse(String(frame['message']), frame['permanent'] === true),
      ready(frame, connection) {
        // What was refused or stopped may have said `ready` before it noticed.
        if (connection.rank === undefined || refusal !== undefined || stopping) return;
        ready.add(connection.rank);
        if (connection.rank === 0) info = frame['info'] as Frame;
        if (ready.size === spec.ranks) becomeReady();
      },
    };
    onStartFrame = (frame, connection) => handlers[frame.type]?.(frame, connection);
    let becomeReady: () => void = () => undefined;
    const isReady = new Promise<void>((resolve) => (becomeReady = resolve));

    job = startJob({
      command: spec.command,
      env: { ...spec.env, PYTHONPATH: withWorkerPython(spec.env['PYTHONPATH']) },
      graceMs: options.graceMs ?? 2000,
      log: create.log,
      onFrame,
      onExit: die,
    });
    const onAbort = (): void => void engine.stop();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    const patience = options.startTimeoutMs ?? 600_000;
    const watch = setInterval(
      () => {
        if (performance.now() - progressed > patience) refuse(`no sign of life for ${patience / 1000} s`, false);
      },
      Math.min(patience, 1000),
    );

    await Promise.race([isReady, exited]);
    clearInterval(watch);
    signal?.removeEventListener('abort', onAbort);
    if (exit !== undefined || info === undefined) {
      const message = refusal?.message ?? exit?.reason ?? 'the worker sent no info';
      throw startError(name, message, refusal?.permanent ?? isHopeless(exit), exit?.lastWords);
    }
    main = hellos.get(0);
    state = 'ready';
    onStartFrame = () => undefined;
    const engineInfo = toEngineInfo(info, name, create, (performance.now() - began) / 1000);
    served = engineInfo.models;
    return engineInfo;
  };

  const isHopeless = ({ code, signal }: Partial<EngineExit> = {}): boolean =>
    hopeless || signal === 'SIGILL' || (code !== undefined && (options.hopelessCodes ?? []).includes(code));

  const engine: Engine = {
    start,
    stop() {
      stopping = true;
      if (job === undefined) die({ reason: 'stopped before it was started', expected: true, lastWords: [] });
      return job?.stop() ?? Promise.resolve();
    },
    get state() {
      return state;
    },
    exited,
    get lastProgress() {
      const held = receivers.size > 0 && [...receivers.values()].every((receiver) => receiver.held);
      return held ? performance.now() : progressed;
    },
  };

  const stream = <I, E>(task: Task) => {
    return (input: I, call: CallOptions) => sendCall<E>(carrier, task, input, call, 'end');
  };
  const once = async (task: string, input: unknown, call: CallOptions): Promise<WireEvent> => {
    for await (const event of sendCall<WireEvent>(carrier, task, input, call, 'result')) return event;
    throw deadError(name, exit);
  };
  const methods: Required<Pick<Engine, Task | 'tokenize'>> = {
    generate: stream('generate'),
    tokenize: async (input, call) => toTokenizeOutput(await once('tokenize', input, call)),
    embed: async (input, call) => toEmbedOutput(await once('embed', input, call)),
    rerank: async (input, call) => toRerankOutput(await once('rerank', input, call)),
    transcribe: stream('transcribe'),
    speak: stream('speak'),
    generateImage: stream('generateImage'),
  };
  for (const task of spec.tasks) Object.assign(engine, { [task]: methods[task] });
  return engine;
}

function withWorkerPython(rest: string | undefined): string {
  const own = pythonFolder(import.meta.url, 'xim_worker');
  return rest ? `${own}:${rest}` : own;
}

function toLoad({ model, modelPath, plan, profile, companions = {} }: CreateOptions): Frame {
  const { threads, slots, kvCacheBytes, batchTokens }: Plan = plan;
  return {
    type: 'load',
    model,
    modelPath,
    options: profile.options ?? {},
    companions: Object.fromEntries(
      Object.entries(companions).map(([role, one]) => [
        role,
        { model: one.model, modelPath: one.modelPath, options: one.profile.options ?? {} },
      ]),
    ),
    plan: { threads, slots, kvCacheBytes, batchTokens },
  };
}

function toEngineInfo(info: Frame, engine: string, { profile }: CreateOptions, loadSeconds: number): EngineInfo {
  const reported = info as unknown as Omit<EngineInfo, 'engine' | 'loadSeconds' | 'verified'>;
  const verified = profile.verified?.includes(reported.runtime.isa) ?? false;
  return { ...reported, engine, loadSeconds, verified };
}

function toEmbedOutput(result: WireEvent): EmbedOutput {
  const { dimensions, inputTokens } = result as unknown as EmbedOutput;
  return { vectors: toFloats(result['vectors']), dimensions, inputTokens };
}

function toRerankOutput(result: WireEvent): RerankOutput {
  const { kind, inputTokens } = result as unknown as RerankOutput;
  return { scores: toFloats(result['scores']), kind, inputTokens };
}

/** A copy, since a part of a frame need not begin on a multiple of four bytes. */
function toFloats(bytes: unknown): Float32Array {
  return new Float32Array(new Uint8Array(bytes as Uint8Array).buffer);
}

function toTokenizeOutput(result: WireEvent): TokenizeOutput {
  const { tokens, text } = result as unknown as TokenizeOutput;
  return { tokens, text };
}

function startError(name: string, message: string, permanent: boolean, lastWords?: readonly string[]) {
  return new EngineStartError(`[engine-${name}] ${message}`, { permanent, lastWords: lastWords ?? [] });
}

function deadError(name: string, exit: EngineExit | undefined): EngineDeadError {
  return new EngineDeadError(`[engine-${name}] The engine ended: ${exit?.reason ?? 'stopped'}.`);
}
