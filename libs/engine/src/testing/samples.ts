import type {
  EmbedInput,
  EmbedOutput,
  Engine,
  GenerateEvent,
  GenerateInput,
  ImageEvent,
  ImageInput,
  InvalidInputCode,
  RerankInput,
  RerankOutput,
  SpeakEvent,
  SpeakInput,
  Task,
  TranscribeEvent,
  TranscribeInput,
} from '../index.ts';

/** The suite's description of an engine. */
export interface EngineSuite {
  readonly name: string;
  /**
   * A fresh engine in state `starting`, each time. Give it few slots (2 to 8): the suite fills them. Called about
   * twenty times; all but a few of them are started.
   */
  readonly create: () => Engine | Promise<Engine>;
  /** One whose `start()` fails; without it the two tests of start errors are left out. */
  readonly createFaulty?: (fault: 'permanent' | 'passing') => Engine | Promise<Engine>;
  /** By task; exactly the tasks the engine has. */
  readonly samples: { readonly [T in Task]?: TaskSamples<T> };
  /** Milliseconds that one test may take. Default 120,000: the machine may be busy. */
  readonly timeoutMs?: number;
  /** Calls at once, and in a round of the search for leaks. Default 200; fewer where a call takes long. */
  readonly concurrent?: number;
  /** Processes of the job, the oldest ones, whose death ends it; default: all. Others are programs that a worker starts anew. */
  readonly ranks?: number;
}

export interface TaskSamples<T extends Task> {
  /** Ends by itself, soon, and gives the same output each time. */
  readonly quick: InputOf[T];
  /** Has at least ten events and runs for longer than `timeoutMs`, unless cancelled: a slot that is not freed shows. */
  readonly long: InputOf[T];
  /** Further valid inputs; their events are checked. */
  readonly more?: readonly InputOf[T][];
  /** Answers with several MiB, and ends by itself. For tasks whose events carry bytes. */
  readonly large?: InputOf[T];
  /** Inputs that this engine refuses, beside those that every engine refuses by the contract. */
  readonly bad?: readonly BadInput<InputOf[T]>[];
  /** Inputs whose outputs can be told apart: `check` throws when the events are not those of this input. */
  readonly numbered?: (number: number) => {
    readonly input: InputOf[T];
    readonly check: (events: readonly EventOf[T][]) => void;
  };
}

export interface BadInput<I> {
  /** Completes the sentence "refuses …". */
  readonly what: string;
  readonly input: I;
  /** Default `XIM_INVALID_INPUT`. */
  readonly code?: InvalidInputCode;
  readonly param?: string;
}

export interface InputOf {
  readonly generate: GenerateInput;
  readonly embed: EmbedInput;
  readonly rerank: RerankInput;
  readonly transcribe: TranscribeInput;
  readonly speak: SpeakInput;
  readonly generateImage: ImageInput;
}

export interface EventOf {
  readonly generate: GenerateEvent;
  /** The answer, seen as a stream of one event so that every test is written once. */
  readonly embed: { readonly type: 'result'; readonly output: EmbedOutput };
  readonly rerank: { readonly type: 'result'; readonly output: RerankOutput };
  readonly transcribe: TranscribeEvent;
  readonly speak: SpeakEvent;
  readonly generateImage: ImageEvent;
}
