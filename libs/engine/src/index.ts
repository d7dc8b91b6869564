// The engine: what an adapter implements and a server calls.
export type {
  CallOptions,
  Companion,
  CreateOptions,
  Engine,
  EngineExit,
  EngineFactory,
  EngineInfo,
  ImageDefaults,
  LoadProgress,
  Log,
  StartOptions,
  Turn,
} from './engine.ts';
export type { Media, Task, Truncation } from './task.ts';

// The tasks.
export type {
  GenerateEvent,
  GenerateInput,
  Message,
  OutputFormat,
  Prompt,
  ReasoningEffort,
  Sampling,
  TextToken,
  TokenChance,
  TokenizeInput,
  TokenizeOutput,
  TokenLogprob,
  Tool,
  ToolCall,
  ToolChoice,
  Usage,
} from './generate.ts';
export type { EmbedInput, EmbedItem, EmbedOutput } from './embed.ts';
export type { RerankInput, RerankOutput } from './rerank.ts';
export type {
  KnownSpeaker,
  Segment,
  SpeakersHint,
  TranscribeEvent,
  TranscribeInput,
  VoiceActivity,
  Word,
} from './transcribe.ts';
export type { SpeakEvent, SpeakInput } from './speak.ts';
export type { ImageEvent, ImageInput, ImageUsage } from './image.ts';

// The choice of an engine.
export type { Host, HostCpu, HostNode, HugePages, MemoryNeeds, Plan, Work } from './host.ts';
export { fileBytes, isRefusal } from './model.ts';
export { checkProfiles } from './check-profiles.ts';
export type { EngineTraits } from './check-profiles.ts';
export type { DefaultSampling, Artifact, ModelEntry, ModelFile, ModelShape, Profile, Refusal } from './model.ts';

// Errors.
export {
  CancelledError,
  DeadlineError,
  toAbortError,
  EngineDeadError,
  EngineNotReadyError,
  EngineRequestError,
  EngineStartError,
  InvalidInputError,
  ModelNotFoundError,
  OverloadedError,
  XimError,
} from './errors.ts';
export type { InvalidInputCode } from './errors.ts';
