/** The task `generate`: text out of text, token by token. */

export interface GenerateInput {
  readonly prompt: Prompt;
  /** Sequences to generate from the one prompt, numbered from 0. Default 1. */
  readonly choices?: number | undefined;
  /** Tokens to generate per choice at most. Absent: as many as the context allows. Too many for the context is invalid. */
  readonly maxTokens?: number | undefined;
  /** Texts that end a choice; the output leaves them out, unless `includeStop`. */
  readonly stop?: readonly string[] | undefined;
  /** End a choice's text with the stop text that ended it. */
  readonly includeStop?: boolean | undefined;
  /** Tokens that end a choice beside the model's own ends. Their text is left out, unless `includeStop`. */
  readonly stopTokens?: readonly number[] | undefined;
  /** Tokens of each choice at least: no end token, stop text or stop token ends it earlier. A `format` that is complete does. */
  readonly minTokens?: number | undefined;
  /** Read only so many of the prompt's tokens, the last ones. */
  readonly truncate?: number | undefined;
  /**
   * Begin each choice with the prompt's own text, as deltas that stand for 0 tokens; with `logprobs`, with the
   * probability of each of its tokens. Not for a conversation.
   */
  readonly echo?: boolean | undefined;
  readonly sampling?: Sampling | undefined;
  /**
   * Alternatives per token to report, 0 = only the chosen one's probability. Absent: no probabilities. The joined tokens
   * of a choice's texts are its text, but that the last one may reach past it (a stop text or an unfinished character
   * begins inside). Tokens without a text (the end), of a stop text that is left out, and of calls have no entry.
   */
  readonly logprobs?: number | undefined;
  /** Alternatives per token of the prompt to report, in one `prompt-logprobs` event. Absent: no event. */
  readonly promptLogprobs?: number | undefined;
  /** Report the ids of the prompt's tokens with `start`, and those of all tokens with each `choice-end`. */
  readonly tokenIds?: boolean | undefined;
  /** A shape that the output is made to have, by the engine's grammar. */
  readonly format?: OutputFormat | undefined;
  /** Go on after the model's end token, up to `maxTokens`. For measurements. */
  readonly ignoreEnd?: boolean | undefined;
  /** How much a reasoning model thinks before it answers, `none` to `max`. Unsupported where its template has no such switch. */
  readonly reasoningEffort?: ReasoningEffort | undefined;
}

export type ReasoningEffort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

/** The prompt: a conversation (the engine applies the model's template), a text, or tokens. */
export type Prompt =
  | {
      readonly messages: readonly Message[];
      readonly tools?: readonly Tool[];
      readonly toolChoice?: ToolChoice;
      /** Go on with the text of the last message, which is the assistant's. Invalid where the template changes that text. */
      readonly continueLast?: boolean;
      /** Whether the template writes the beginning of an answer. Default true; false with `continueLast`. */
      readonly generationPrompt?: boolean;
      /** Variables of the template. Unsupported are those that it does not read. */
      readonly templateVariables?: Readonly<Record<string, unknown>>;
    }
  /** `suffix`: the text that comes after the output. Unsupported where the vocabulary has no tokens for it. */
  | { readonly text: string; readonly suffix?: string }
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

/**
 * Whether and what the model may call; `parallel: false` allows one call at most. With `none` the model does not see
 * the tools, and nothing that it writes is a call; with `required` it writes calls only, each with arguments that fit
 * the tool's parameters, unless it is cut.
 */
export interface ToolChoice {
  readonly mode: 'none' | 'auto' | 'required';
  /** Only this tool, with mode `required`. */
  readonly name?: string | undefined;
  readonly parallel?: boolean | undefined;
}

/**
 * How tokens are chosen. An engine takes an absent member as the model's own distribution: temperature 1, nothing cut,
 * no penalty, a random seed. The defaults of a model (`DefaultSampling`) are applied by the server, so an engine knows none.
 */
export interface Sampling {
  /** 0 = always the most probable token. */
  readonly temperature?: number | undefined;
  /** Smallest set of tokens whose probabilities reach this sum, 0 to 1. */
  readonly topP?: number | undefined;
  /** 0 = all tokens. */
  readonly topK?: number | undefined;
  /** Tokens below this share of the most probable token's probability are left out, 0 to 1. */
  readonly minP?: number | undefined;
  /** Locally typical sampling: the tokens whose information is closest to the expected one, up to this sum of probabilities, above 0 to 1. */
  readonly typicalP?: number | undefined;
  /** Only these tokens are generated; an end only if it is one of them. At least one. */
  readonly allowedTokens?: readonly number[] | undefined;
  /** Texts that are not generated as the tokens that they have at the beginning of a word or inside one. */
  readonly bannedTexts?: readonly string[] | undefined;
  /** The same seed and input give the same text, whatever else runs, but for the rounding of the engine's kernels. Non-negative, below 2^63. */
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

/**
 * Output that ends by itself (reason `stop`) has the shape, whole; one that was cut (`length`) is the beginning of such.
 * White space between JSON's tokens is bounded. A schema or pattern that the engine cannot hold to exactly is refused
 * with the keyword's place (`format.schema.properties.a.not`); none may harm another call.
 */
export type OutputFormat =
  /** A JSON object of any content. */
  | { readonly type: 'json' }
  /** JSON that validates against a JSON Schema, 2020-12 where it does not say otherwise. */
  | { readonly type: 'json-schema'; readonly schema: Readonly<Record<string, unknown>> | boolean }
  /** The whole text matches; ECMA-262 syntax. */
  | { readonly type: 'regex'; readonly pattern: string }
  /** The whole text is a sentence of the grammar: the Lark dialect of llguidance where a line begins `start:` or `%llguidance`, else GBNF. */
  | { readonly type: 'grammar'; readonly grammar: string };

/**
 * Order: one `start`; then, for each choice in its own order, deltas and one `choice-end` (choices interleave); one
 * `end`. A `tool-call` comes before its deltas. Text never ends inside a character: a part of one is held back.
 */
export type GenerateEvent =
  /**
   * Validated, tokenised, admitted. `cachedTokens` of the prompt came from the prefix cache, where that is known so early.
   * `promptTokens`, if and only if ids are asked for: those of the prompt, as one list; of several prompts one list each.
   */
  | {
      readonly type: 'start';
      readonly inputTokens: number;
      readonly cachedTokens?: number;
      readonly promptTokens?: readonly (readonly number[])[];
    }
  /** Once, with the first choice and before its deltas: all tokens of the prompt. */
  | { readonly type: 'prompt-logprobs'; readonly choice: number; readonly logprobs: readonly TokenLogprob[] }
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
  /**
   * `stop`: the stop text that ended the choice; absent where the model ended it. `tool-calls`: it ended by itself and
   * there are calls; a choice that was cut says `length`, and the last of its calls may be cut too. `tokens`, if and
   * only if asked for: those of the prompt and all of the output, an end token included.
   */
  | {
      readonly type: 'choice-end';
      readonly choice: number;
      readonly reason: 'stop' | 'length' | 'tool-calls';
      readonly stop?: string;
      readonly tokens?: { readonly prompt: readonly number[]; readonly output: readonly number[] };
    }
  | { readonly type: 'end'; readonly usage: Usage };

/** A token and how probable it was, before sampling changed anything. */
export interface TokenLogprob extends Omit<TokenChance, 'logprob'> {
  /** Null for the first token of a prompt, which nothing came before. */
  readonly logprob: number | null;
  /** The most probable alternatives, best first. */
  readonly top: readonly TokenChance[];
}

export interface TokenChance {
  readonly id: number;
  /** Alone; half a character reads as U+FFFD. */
  readonly token: string;
  /** UTF-8 of the token; several tokens may share one character. */
  readonly bytes: readonly number[];
  /** Natural logarithm, ≤ 0. */
  readonly logprob: number;
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
  /** All tokens, special ones included: as many as `generate` counts for the same prompt. */
  readonly tokens: readonly TextToken[];
  /** The text that was tokenised: the prompt itself, or a conversation as the model's template writes it. */
  readonly text: string;
}

/** A token and the characters (Unicode code points) of the text that it stands for, from `start` up to `end`. */
export interface TextToken {
  readonly id: number;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}
