import type { EmbedInput, EmbedOutput } from './embed.ts';
import type { GenerateEvent, GenerateInput, TokenizeInput, TokenizeOutput } from './generate.ts';
import type { Host, MemoryNeeds, Plan } from './host.ts';
import type { ImageEvent, ImageInput } from './image.ts';
import type { ModelEntry, Profile, Refusal } from './model.ts';
import type { RerankInput, RerankOutput } from './rerank.ts';
import type { SpeakEvent, SpeakInput } from './speak.ts';
import type { Task } from './task.ts';
import type { TranscribeEvent, TranscribeInput } from './transcribe.ts';

/**
 * Describes an engine without starting anything. An engine's package exports one factory; an app lists the factories it
 * wants in order of preference, and the server takes the first whose `check` accepts this host and model.
 */
export interface EngineFactory {
  /** Short, lower case, stable: the value of `Profile.engine`, of `XIM_ENGINE` and of the metric label `engine`. */
  readonly name: string;

  /**
   * Kinds of weights that the engine loads: `gguf` (of every kind that ggml has; `gguf:q8_0` of one), `openvino-ir`,
   * `safetensors`, `onnx`, `ctranslate2`, `xft`. A model that a user names is offered to the engines that load it.
   */
  readonly formats: readonly string[];

  /**
   * Tasks whose results do not depend on what else runs, where the profile's option `exact` is true. Absent: none; then
   * the option is not given to the engine.
   */
  readonly exact?: readonly Task[] | undefined;

  /**
   * Says whether this engine can run `model` on `host`, and by which of the model's profiles.
   *
   * Pure: it reads only its arguments, so the answer can be repeated from a recorded host. It never touches the disk,
   * never imports the runtime, never throws. A refusal lists everything that is missing, not the first thing found,
   * and says what would work. With `handler` (that of `CreateOptions`) the service brings its own for the model's task,
   * so an engine without one is no reason to refuse.
   */
  check(host: Host, model: ModelEntry, handler?: string): Profile | Refusal;

  /** The memory of `model` with a profile of this engine. Pure, as `check`. */
  memory(model: ModelEntry, profile: Profile): MemoryNeeds;

  /** Makes an engine in state `starting`. Spawns nothing and opens nothing before `start()`. */
  create(options: CreateOptions): Engine;
}

export interface CreateOptions {
  /** The result of `check` for this host and model. */
  readonly profile: Profile;
  readonly plan: Plan;
  readonly model: ModelEntry;
  /** Folder that holds the files of the profile's artifact, verified. Empty string when the profile has no artifact. */
  readonly modelPath: string;
  /**
   * The models around the main one, by their role in `models.json` (`vad`, `speaker`, `alignment`, `vocoder`), verified
   * like it. Absent or empty where the service has none.
   */
  readonly companions?: Readonly<Record<string, Companion>> | undefined;
  /** Interpreter that has the engine's wheels; engines without Python ignore it. */
  readonly python: string;
  /**
   * Path of a Python file with the service's own handler for the model's task, run instead of the engine's and with the
   * engine's wheels. Absent: the engine's own handler.
   */
  readonly handler?: string | undefined;
  readonly log: Log;
}

/** A model that the main one works with. */
export interface Companion {
  readonly model: ModelEntry;
  /** The first profile of the model for this engine whose instruction sets the host has. */
  readonly profile: Profile;
  /** Folder that holds the files of the profile's artifact, verified. */
  readonly modelPath: string;
}

/** The part of a structured logger that engines use. Fields first, then a sentence. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * One engine serving one model.
 *
 * One-shot: `starting` → `ready` → `dead`, or `starting` → `dead`. Dead stays dead. Making a new one, with back-off, is
 * the server's supervision; an engine never restarts itself.
 *
 * A task the engine cannot do is a method it does not have. Methods exist from creation on; calling one while the state
 * is not `ready` fails with `EngineNotReadyError` (or `EngineDeadError` once dead) and sends nothing.
 *
 * Calls are independent: any number may be open at once, each sees only its own events, and one that fails with
 * `InvalidInputError` or `EngineRequestError` disturbs no other. Calls beyond the free slots queue inside the engine, in
 * the order of turns (`CallOptions.turn`); admission bounds their number, not the engine.
 */
export interface Engine {
  /**
   * Loads the model and runs one real inference, then resolves; the state is `ready`.
   *
   * Called once. Rejects with `EngineStartError` (`permanent: true` = starting again is useless) carrying the worker's
   * last words; then the state is `dead` and nothing is left behind. Aborting `signal` or calling `stop()` meanwhile
   * rejects in the same way.
   */
  start(options?: StartOptions): Promise<EngineInfo>;

  /**
   * Ends the engine: open calls fail with `EngineDeadError`, processes are asked and after a short grace killed.
   * Resolves when no process, socket or file is left. Never rejects; safe to call twice, or before `start()`.
   */
  stop(): Promise<void>;

  readonly state: 'starting' | 'ready' | 'dead';

  /** Resolves once, after the state became `dead` for any cause. Never rejects. */
  readonly exited: Promise<EngineExit>;

  /**
   * Monotonic milliseconds (`performance.now()`) of the last sign of progress. Meaningful while calls are open: opening
   * the first call counts as progress, and so does waiting for a reader that takes nothing. The caller compares it with
   * the plan's stall time; the engine itself never decides that it hangs.
   */
  readonly lastProgress: number;

  generate?(input: GenerateInput, options: CallOptions): AsyncIterable<GenerateEvent>;
  tokenize?(input: TokenizeInput, options: CallOptions): Promise<TokenizeOutput>;
  embed?(input: EmbedInput, options: CallOptions): Promise<EmbedOutput>;
  rerank?(input: RerankInput, options: CallOptions): Promise<RerankOutput>;
  transcribe?(input: TranscribeInput, options: CallOptions): AsyncIterable<TranscribeEvent>;
  speak?(input: SpeakInput, options: CallOptions): AsyncIterable<SpeakEvent>;
  generateImage?(input: ImageInput, options: CallOptions): AsyncIterable<ImageEvent>;
}

/**
 * The options of every call, beside its input.
 *
 * Rules of every iterable:
 * - the call is sent when iteration begins (the first `next()`), and it may be iterated once;
 * - the first event is `start`: the input was validated, tokenised and admitted. An earlier failure is thrown
 *   instead of it, as `InvalidInputError`;
 * - the last event is `end`; after it the iteration is done;
 * - failures are thrown as an `XimError`; there is no error event;
 * - events of a type that the reader does not know must be ignored;
 * - leaving the loop (`break`, `return()`) or aborting `signal` cancels the call: the engine stops working on it within
 *   one step. Aborting throws `signal.reason` if that is an `XimError`, else `CancelledError` (`toAbortError`);
 * - an engine keeps no time: the caller ends a late call by aborting `signal` with a `DeadlineError`.
 *
 * A promise-returning method follows the same rules without the events.
 */
export interface CallOptions {
  /** The request's id, for logs on both sides. Need not be unique. */
  readonly id: string;
  readonly signal: AbortSignal;
  /** One of `EngineInfo.models`; absent: the first. */
  readonly model?: string | undefined;
  /** The client and the request of the call; absent: the call is a client of its own. */
  readonly turn?: Turn | undefined;
}

/**
 * Whose turn a call uses. Where more sequences, texts or choices wait than the engine computes at once, clients take
 * turns, and the requests of a client take turns: a request of thousands of items delays the first item of another
 * request by one batch. Several calls may belong to one request; then they share its turns. An engine that runs one
 * call at a time ignores it.
 */
export interface Turn {
  /** The client: never a secret, since it may be logged. */
  readonly caller: string;
  /** The request of the client; unique among its open requests. */
  readonly request: string;
}

export interface StartOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

export interface LoadProgress {
  /** The current step, for people: `reading weights`. */
  readonly step: string;
  /** 0 to 1 where it is known. */
  readonly fraction?: number | undefined;
}

/** The state of the engine after loading, as the worker reports it; never assumed from the profile. */
export interface EngineInfo {
  /** `EngineFactory.name`. */
  readonly engine: string;
  /** The library that computes, and the best instruction set it uses here: `{ name: 'openvino', version: '2026.4.1', isa: 'amx_bf16' }`. */
  readonly runtime: { readonly name: string; readonly version: string; readonly isa: string };
  /** Model ids that calls may name, the base model first. */
  readonly models: readonly string[];
  /** dtype of the computation as the runtime reports it: `bf16`, `f32`, `int8` … */
  readonly dtype: string;
  /** dtype of the key-value cache as the runtime reports it: `u8`, `f16`, `bf16`, `f32`; absent where the task has none. */
  readonly kvCacheDtype?: string | undefined;
  /** Tokens that prompt and output of one call may have together; absent where the task has none. */
  readonly contextLength?: number | undefined;
  /** Elements of an embedding. */
  readonly dimensions?: number | undefined;
  /** Names that `SpeakInput.voice` may have, the default first. */
  readonly voices?: readonly string[] | undefined;
  /** Samples per second of the speech that is made. */
  readonly sampleRate?: number | undefined;
  /** Sizes of pictures, `512x512`, the default first; absent where any size may be asked for. */
  readonly imageSizes?: readonly string[] | undefined;
  /** A picture for which nothing but a prompt is given. */
  readonly imageDefaults?: ImageDefaults | undefined;
  /** Whether a checker looks at every picture and rejects those that are not safe for work; absent for other tasks. */
  readonly safetyChecker?: boolean | undefined;
  /** Languages that a recording may have, ISO 639-1. */
  readonly languages?: readonly string[] | undefined;
  /** Sequences the engine runs at once. */
  readonly slots: number;
  /** From `start()` to ready, the proving inference included. */
  readonly loadSeconds: number;
  /** Whether this profile was ever run with this `runtime.isa` by those who recorded it. */
  readonly verified: boolean;
}

export interface ImageDefaults {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Denoising steps. */
  readonly steps: number;
  /** Seconds that one step took at the start, with nothing else running. Both times grow with the number of pixels. */
  readonly stepSeconds: number;
  /** Seconds that everything around the steps took: reading the prompt, decoding, encoding. */
  readonly otherSeconds: number;
}

/** How an engine ended. */
export interface EngineExit {
  /** One sentence: `the worker was killed by SIGSEGV`. */
  readonly reason: string;
  /** `stop()` was called. */
  readonly expected: boolean;
  readonly code?: number | undefined;
  readonly signal?: string | undefined;
  /** The last lines of the worker's log, oldest first. */
  readonly lastWords: readonly string[];
}
