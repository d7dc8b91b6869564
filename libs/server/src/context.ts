import type { CallOptions, DefaultSampling, Engine, EngineInfo, ModelEntry, Plan } from '@xim/engine';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Config } from './config/config.ts';

/** One route file of the API: a Fastify plugin that finds what it needs at `app.xim`. */
export type RoutePlugin = FastifyPluginAsync;

/** The parts of the running service that a route may use; none of them knows the wire. Decorates the Fastify instance as `xim`. */
export interface ServiceContext {
  readonly name: string;
  /** The service's own, where it has one. */
  readonly version?: string | undefined;
  readonly config: Config;
  readonly model: ModelEntry;
  readonly plan: Plan;
  /** The running engine; undefined while no engine is ready. */
  info(): EngineInfo | undefined;
  /** Every name a client may send, resolved ids first; the order of `/v1/models`. */
  names(): readonly ServedName[];
  /**
   * The served model for a name that a client sent. Throws ModelNotFoundError, and InvalidInputError for no name where
   * one is needed.
   */
  resolve(name: string | null | undefined): ServedName;
  /** Sampling of a request that names none: the lock entry's, before that of the model's files once those are there. */
  sampling(): DefaultSampling;
  readonly calls: Calls;
}

export interface ServedName {
  /** The name that a client may send. */
  readonly name: string;
  /** The name in answers: the model's own id. */
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly ownedBy: string;
}

/**
 * The one way a route reaches the engine. Each call takes `sequences` slots (at most all there are) or waits in the bounded queue, carries
 * the request's deadline and a signal that aborts when the client goes away, is measured, and gives its slots back
 * whatever happens. Fails with OverloadedError, EngineNotReadyError, DeadlineError, CancelledError or what the engine throws.
 */
export interface Calls {
  stream<E extends { readonly type: string }>(
    request: FastifyRequest,
    sequences: number,
    open: (engine: Engine, options: CallOptions) => AsyncIterable<E>,
  ): AsyncIterable<E>;
  once<T>(
    request: FastifyRequest,
    sequences: number,
    open: (engine: Engine, options: CallOptions) => Promise<T>,
  ): Promise<T>;
  /**
   * Admits a call whose input is not there yet, such as an upload, so that a full service refuses before it reads.
   * Resolves when the call has its slots; `end()` must follow.
   */
  admitCall(request: FastifyRequest, sequences: number): Promise<AdmittedCall>;
}

/** A call that has its slots and no input yet. Its deadline does not run before `restartDeadline()`. */
export interface AdmittedCall {
  /** Aborts when the client goes away, the deadline passes or the service shuts down. */
  readonly signal: AbortSignal;
  restartDeadline(): void;
  /** Counts an upload that came whole. */
  received(bytes: number): void;
  /** Runs the call, once. */
  stream<E extends { readonly type: string }>(
    open: (engine: Engine, options: CallOptions) => AsyncIterable<E>,
  ): AsyncIterable<E>;
  /** Gives the slots back, run or not; once, however often it is called. */
  end(): void;
}

declare module 'fastify' {
  interface FastifyInstance {
    xim: ServiceContext;
  }
}
