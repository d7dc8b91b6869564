import type { GenerateEvent, TokenLogprob, Usage } from '@xim/engine';
import { IncompleteError } from '../errors/errors.ts';

/** Everything that a call generated, per choice. */
export interface Generated {
  readonly choices: readonly GeneratedChoice[];
  readonly usage: Usage;
}

type ChoiceEnd = Extract<GenerateEvent, { type: 'choice-end' }>;

export interface GeneratedChoice {
  text: string;
  reasoning: string;
  readonly calls: { id: string; name: string; arguments: string }[];
  /** Of text and reasoning, where they were asked for. */
  logprobs: TokenLogprob[] | undefined;
  reason: ChoiceEnd['reason'];
  /** The stop text that ended the choice. */
  stop: string | undefined;
  /** Of the prompt, with its first choice, where they were asked for. */
  promptLogprobs: readonly TokenLogprob[] | undefined;
  /** Ids, where they were asked for. */
  tokens: ChoiceEnd['tokens'];
}

export interface JoinOptions {
  /** For an API that knows no reasoning: it stays in the text, in its place. Default false. */
  readonly reasoningIsText?: boolean;
}

/** Joins a call's events. Throws what the call throws, and IncompleteError when it ends before its `end` event. */
export async function joinGenerated(
  events: AsyncIterable<GenerateEvent>,
  count: number,
  options: JoinOptions = {},
): Promise<Generated> {
  const choices = Array.from({ length: count }, (): GeneratedChoice => {
    const unknown = { logprobs: undefined, stop: undefined, promptLogprobs: undefined, tokens: undefined };
    return { text: '', reasoning: '', calls: [], reason: 'stop', ...unknown };
  });
  for await (const event of events) {
    if (event.type === 'end') return { choices, usage: event.usage };
    if ('choice' in event) addTo(choices[event.choice]!, event, options);
  }
  throw new IncompleteError();
}

function addTo(
  choice: GeneratedChoice,
  event: Extract<GenerateEvent, { choice: number }>,
  { reasoningIsText = false }: JoinOptions,
): void {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
      if (event.logprobs) (choice.logprobs ??= []).push(...event.logprobs);
      if (event.type === 'text-delta' || reasoningIsText) choice.text += event.text;
      else choice.reasoning += event.text;
      break;
    case 'prompt-logprobs':
      choice.promptLogprobs = event.logprobs;
      break;
    case 'tool-call':
      choice.calls[event.call] = { id: event.id, name: event.name, arguments: '' };
      break;
    case 'tool-call-delta':
      choice.calls[event.call]!.arguments += event.arguments;
      break;
    case 'choice-end':
      choice.reason = event.reason;
      choice.stop = event.stop;
      choice.tokens = event.tokens;
      break;
  }
}
