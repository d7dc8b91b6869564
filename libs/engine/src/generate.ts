/** The task `generate`: text out of text, token by token. */

export interface GenerateInput {
  readonly prompt: Prompt;
  /** Sequences to generate from the one prompt, numbered from 0. Default 1. */
  readonly choices?: number | undefined;
  /** Tokens to generate per choice at most. Absent: as many as the context allows. Too many for the context is invalid. */
  readonly maxTokens?: number | undefined;
  /** Texts that end a choice; the output leaves them out. */
  readonly stop?: readonly string[] | undefined;
  readonly sampling?: Sampling | undefined;
  /** Alternatives per token to report, 0 = only the chosen one's probability. Absent: no probabilities. */
  readonly logprobs?: number | undefined;
  /** A shape that the output is made to have, by the engine's grammar. */
  readonly format?: OutputFormat | undefined;
  /** Go on after the model's end token, up to `maxTokens`. For measurements. */
  readonly ignoreEnd?: boolean | undefined;
}

/** What the model continues: a conversation (the engine applies the model's template), a text, or tokens. */
export type Prompt =
  | { readonly messages: readonly Message[]; readonly tools?: readonly Tool[]; readonly toolChoice?: ToolChoice }
  | { readonly text: string }
  | { readonly tokens: readonly number[] };

export type Message =
  | { readonly role: 'system' | 'developer' | 'user'; readonly content: string; readonly name?: string | undefined }
  | {
      readonly role: 'assistant';
      readonly content: string | null;
      readonly reasoning?: string | undefined;
      readonly toolCalls?: readonly ToolCall[] | undefined;
    }
  | { readonly role: 'tool'; readonly content: string; readonly toolCallId: string };

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it; not necessarily valid. */
  readonly arguments: string;
}

export interface Tool {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema of the arguments. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  readonly strict?: boolean | undefined;
}

/** Whether and what the model may call; `parallel: false` allows one call at most. */
export interface ToolChoice {
  readonly mode: 'none' | 'auto' | 'required';
  /** Only this tool, with mode `required`. */
  readonly name?: string | undefined;
  readonly parallel?: boolean | undefined;
}

/** An absent member means the model's own default. */
export interface Sampling {
  /** 0 = always the most probable token. */
  readonly temperature?: number | undefined;
  /** Smallest set of tokens whose probabilities reach this sum, 0 to 1. */
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  /** The same seed and input give the same text, as far as the engine can: some do only for a call that runs alone. Non-negative, below 2^63. */
  readonly seed?: number | undefined;
  /** Subtracted from the logit of a token that was generated before, −2 to 2. */
  readonly presencePenalty?: number | undefined;
  /** Subtracted from the logit once per earlier occurrence, −2 to 2. */
  readonly frequencyPenalty?: number | undefined;
  /** Divides the logit of tokens seen before; 1 = none. */
  readonly repetitionPenalty?: number | undefined;
  /** Token id → added to its logit, −100 to 100. */
  readonly logitBias?: Readonly<Record<string, number>> | undefined;
}

export type OutputFormat =
  | { readonly type: 'json' }
  | { readonly type: 'json-schema'; readonly schema: Readonly<Record<string, unknown>> }
  | { readonly type: 'regex'; readonly pattern: string };

/**
 * Order: one `start`; then, for each choice in its own order, deltas and one `choice-end` (choices interleave); one
 * `end`. A `tool-call` comes before its deltas. Text never ends inside a character: a part of one is held back.
 */
export type GenerateEvent =
  /** Validated, tokenised, admitted. `cachedTokens` of the prompt came from the prefix cache. */
  | { readonly type: 'start'; readonly inputTokens: number; readonly cachedTokens?: number }
  /** `tokens`: how many tokens this delta stands for; 0 when held-back text of an earlier one is let go. */
  | {
      readonly type: 'text-delta' | 'reasoning-delta';
      readonly choice: number;
      readonly text: string;
      readonly tokens: number;
      readonly logprobs?: readonly TokenLogprob[];
    }
  | {
      readonly type: 'tool-call';
      readonly choice: number;
      readonly call: number;
      readonly id: string;
      readonly name: string;
    }
  | { readonly type: 'tool-call-delta'; readonly choice: number; readonly call: number; readonly arguments: string }
  | { readonly type: 'choice-end'; readonly choice: number; readonly reason: 'stop' | 'length' | 'tool-calls' }
  | { readonly type: 'end'; readonly usage: Usage };

export interface TokenLogprob {
  readonly token: string;
  /** UTF-8 of the token; several tokens may share one character. */
  readonly bytes: readonly number[];
  /** Natural logarithm, ≤ 0. */
  readonly logprob: number;
  /** The most probable alternatives, best first. */
  readonly top: readonly { readonly token: string; readonly bytes: readonly number[]; readonly logprob: number }[];
}

/** Tokens, summed over all choices. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

export interface TokenizeInput {
  readonly prompt: Prompt;
}

export interface TokenizeOutput {
  readonly tokens: readonly number[];
}
