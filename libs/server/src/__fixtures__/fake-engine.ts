import {
  type CallOptions,
  CancelledError,
  type CreateOptions,
  DeadlineError,
  type Engine,
  EngineDeadError,
  EngineNotReadyError,
  type EngineExit,
  type EngineFactory,
  type EngineInfo,
  EngineStartError,
  type GenerateEvent,
  type GenerateInput,
  type Refusal,
  type StartOptions,
  type TokenizeOutput,
  toAbortError,
} from '@xim/engine';

/** How fake engines behave; may be changed while they run. */
export interface FakeBehaviour {
  startMs: number;
  /** Thrown by `start()`, once per entry; `undefined` = that start succeeds. */
  startErrors: (EngineStartError | undefined)[];
  /** Between two tokens; a call gives `maxTokens` of them. */
  tokenMs: number;
  /** Calls never get another event, and progress stands still. */
  hangs: boolean;
  /** Thrown by every call before its first event. */
  callError: Error | undefined;
  refusal: Refusal | undefined;
}

export interface FakeEngine extends Engine {
  readonly running: number;
  /** How calls ended, in order. */
  readonly ends: readonly ('end' | 'cancelled' | 'deadline' | 'dead' | 'failed')[];
  readonly options: readonly CallOptions[];
  die(reason: string): void;
  /** Ends the start, or the waits of the calls, that run now. The next waits take the times of the behaviour. */
  proceed(): void;
}

export interface FakeFactory extends EngineFactory {
  readonly behaviour: FakeBehaviour;
  /** Everything that was created, newest last. */
  readonly engines: readonly FakeEngine[];
  readonly engine: FakeEngine;
}

/** An engine in this process: text out of timers. */
export function createFakeFactory(behaviour: Partial<FakeBehaviour> = {}, name = 'fake'): FakeFactory {
  const whole: FakeBehaviour = {
    startMs: 0,
    startErrors: [],
    tokenMs: 1,
    hangs: false,
    callError: undefined,
    refusal: undefined,
    ...behaviour,
  };
  const engines: FakeEngine[] = [];
  return {
    name,
    behaviour: whole,
    engines,
    get engine() {
      return engines.at(-1)!;
    },
    check: (_host, model) => whole.refusal ?? model.profiles[0]!,
    formats: [],
    memory: () => ({ weightBytes: 0, reserveBytes: 0 }),
    create(options) {
      const engine = createFakeEngine(whole, options, name);
      engines.push(engine);
      return engine;
    },
  };
}

function createFakeEngine(behaviour: FakeBehaviour, { model, plan }: CreateOptions, name: string): FakeEngine {
  const open = new Set<(error: Error) => void>();
  const waits = new Set<() => void>();
  const ends: FakeEngine['ends'][number][] = [];
  const seen: CallOptions[] = [];
  let state: Engine['state'] = 'starting';
  let lastProgress = 0;
  let resolveExited!: (exit: EngineExit) => void;
  const exited = new Promise<EngineExit>((resolve) => (resolveExited = resolve));

  const die = (reason: string, expected: boolean): void => {
    if (state === 'dead') return;
    state = 'dead';
    for (const fail of [...open]) fail(new EngineDeadError(`The fake engine died: ${reason}.`));
    resolveExited({ reason, expected, lastWords: [] });
  };

  /** Waits like a call does: ends early when the call's signal aborts or its engine dies. */
  const wait = (ms: number, { signal }: CallOptions): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        open.delete(fail);
        waits.delete(proceed);
        signal.removeEventListener('abort', onAbort);
        if (error) reject(error);
        else resolve();
      };
      const fail = (error: Error): void => settle(error);
      const proceed = (): void => settle();
      const onAbort = (): void => settle(toAbortError(signal));
      const timer = behaviour.hangs ? undefined : setTimeout(() => settle(), ms);
      open.add(fail);
      waits.add(proceed);
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort);
      if (state === 'dead') fail(new EngineDeadError('The fake engine is dead.'));
    });

  let running = 0;
  const enter = (options: CallOptions): void => {
    seen.push(options);
    if (running++ === 0) lastProgress = performance.now();
    if (behaviour.callError) throw behaviour.callError;
  };
  const leave = (error?: unknown): void => {
    running--;
    if (error === undefined) ends.push('end');
    // A server that closes aborts the calls that are left with this reason.
    else if (CancelledError.isInstance(error) || EngineNotReadyError.isInstance(error)) ends.push('cancelled');
    else if (DeadlineError.isInstance(error)) ends.push('deadline');
    else ends.push(EngineDeadError.isInstance(error) ? 'dead' : 'failed');
  };

  async function* generate(input: GenerateInput, options: CallOptions): AsyncGenerator<GenerateEvent> {
    const { maxTokens = 3, choices = 1 } = input;
    let how: unknown = new CancelledError(); // the reader left the loop
    try {
      enter(options);
      yield { type: 'start', inputTokens: 5 };
      for (let token = 0; token < maxTokens; token++) {
        await wait(behaviour.tokenMs, options);
        lastProgress = performance.now();
        for (let choice = 0; choice < choices; choice++) {
          yield { type: 'text-delta', choice, text: `${token} `, tokens: 1 };
        }
      }
      for (let choice = 0; choice < choices; choice++) yield { type: 'choice-end', choice, reason: 'length' };
      yield { type: 'end', usage: { inputTokens: 5, outputTokens: maxTokens * choices } };
      how = undefined;
    } catch (error) {
      how = error;
      throw error;
    } finally {
      leave(how);
    }
  }

  return {
    ends,
    options: seen,
    exited,
    die: (reason) => die(reason, false),
    proceed() {
      for (const proceed of [...waits]) proceed();
    },
    get state() {
      return state;
    },
    get running() {
      return running;
    },
    get lastProgress() {
      return lastProgress;
    },
    async start({ signal, onProgress }: StartOptions = {}): Promise<EngineInfo> {
      onProgress?.({ step: 'pretending', fraction: 0.5 });
      const error = behaviour.startErrors.shift();
      await new Promise<void>((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          waits.delete(end);
          resolve();
        };
        const timer = setTimeout(end, behaviour.startMs);
        waits.add(end);
        signal?.addEventListener('abort', end);
      });
      if (error || signal?.aborted || state === 'dead') {
        die('it did not start', true);
        throw error ?? new EngineStartError('The start was cancelled.', { permanent: false });
      }
      state = 'ready';
      return {
        engine: name,
        runtime: { name: 'timers', version: '1', isa: 'none' },
        models: [model.id],
        dtype: 'none',
        slots: plan.slots,
        loadSeconds: behaviour.startMs / 1000,
        verified: true,
      };
    },
    async stop() {
      die('it was stopped', true);
    },
    generate,
    async tokenize(_input, options): Promise<TokenizeOutput> {
      let how: unknown;
      try {
        enter(options);
        await wait(behaviour.tokenMs, options);
        lastProgress = performance.now();
        return { tokens: [{ id: 7, text: 'sea', start: 0, end: 3 }], text: 'sea' };
      } catch (error) {
        how = error;
        throw error;
      } finally {
        leave(how);
      }
    },
  };
}
