import type { GenerateEvent, TokenChance, TokenLogprob } from '@xim/engine';
import type { FinishReason, PrefillToken, Token } from '@xim/tgi-schema';

type Delta = Extract<GenerateEvent, { type: 'text-delta' | 'reasoning-delta' }>;
type ChoiceEnd = Extract<GenerateEvent, { type: 'choice-end' }>;

/** A generated token and its alternatives. */
export interface TgiStep {
  readonly token: Token;
  readonly top: readonly Token[];
}

/** One sequence on its way out: an engine's deltas cut into tokens whose texts, joined, are the text. */
export interface TgiSequence {
  readonly text: string;
  readonly prefill: readonly PrefillToken[];
  add(delta: Delta): void;
  end(event: ChoiceEnd): void;
  readonly finish: FinishReason;
  /** Sum of the tokens' logarithms, per token. */
  readonly meanLogprob: number;
  /** The tokens since it was last asked. Text may still be added to the last one: while more may come, it stays. */
  take(): TgiStep[];
}

export function createTgiSequence(): TgiSequence {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const prefill: PrefillToken[] = [];
  let steps: TgiStep[] = [];
  let text = '';
  let early = ''; // text before the first token
  let known = 0; // characters of the tokens so far
  let shown = 0; // characters of the deltas so far
  let count = 0;
  let sum = 0;
  let finish: FinishReason | undefined;

  /** Cuts a delta's text where its tokens end; what the engine holds back of a token comes with a later one. */
  const cut = (delta: string, logprobs: readonly TokenLogprob[]): void => {
    let at = 0;
    for (const [i, entry] of logprobs.entries()) {
      known += decoder.decode(Uint8Array.from(entry.bytes), { stream: true }).length;
      const end = i === logprobs.length - 1 ? delta.length : Math.max(at, Math.min(known - shown, delta.length));
      const token = toToken(entry, early + delta.slice(at, end));
      steps.push({ token, top: entry.top.map((chance) => toToken(chance)) });
      early = '';
      at = end;
      count += 1;
      sum += token.logprob;
    }
    shown += delta.length;
  };

  return {
    add({ text: delta, tokens, logprobs = [] }) {
      // The prompt's own text stands for no tokens and comes before all that does.
      if (tokens === 0 && count === 0 && logprobs.length > 0) {
        prefill.push(...logprobs.map(({ id, token, logprob }) => ({ id, text: token, logprob })));
        return;
      }
      text += delta;
      if (logprobs.length > 0) return cut(delta, logprobs);
      shown += delta.length;
      const last = steps.at(-1);
      if (last) last.token.text += delta;
      else early += delta;
    },
    end({ reason, stop }) {
      finish = reason === 'length' ? 'length' : stop === undefined ? 'eos_token' : 'stop_sequence';
    },
    take() {
      const taken = steps;
      steps = finish === undefined ? taken.splice(-1) : [];
      return taken;
    },
    get text() {
      return text;
    },
    get prefill() {
      return prefill;
    },
    get finish() {
      return finish ?? 'eos_token';
    },
    get meanLogprob() {
      return count === 0 ? -Infinity : sum / count;
    },
  };
}

function toToken({ id, token, logprob }: TokenChance | TokenLogprob, text = token): Token {
  return { id, text, logprob: logprob ?? 0, special: false };
}
