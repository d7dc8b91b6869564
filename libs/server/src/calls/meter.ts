import type { RequestStats } from '../http/request-stats.ts';
import type { Metrics } from './metrics.ts';

/** Measures one call by its events, whatever the task. */
export interface Meter {
  event(event: { readonly type: string }): void;
  /** The one output of a call without events. */
  output(output: unknown): void;
}

/** Members that some events and outputs have; read without knowing the task. */
interface Counted {
  readonly type?: string;
  readonly tokens?: unknown;
  readonly choice?: number;
  readonly inputTokens?: unknown;
  readonly inputCharacters?: unknown;
  /** Seconds of audio. */
  readonly duration?: unknown;
  /** Pixels of the pictures that follow. */
  readonly width?: unknown;
  readonly height?: unknown;
  /** The number of an unfinished picture. */
  readonly partial?: unknown;
  /** Denoising steps done so far. */
  readonly step?: unknown;
  readonly cachedTokens?: unknown;
  readonly usage?: { readonly inputTokens?: unknown; readonly outputTokens?: unknown; readonly cachedTokens?: unknown };
}

export function createMeter(metrics: Metrics, stats: RequestStats): Meter {
  const lastToken: (number | undefined)[] = []; // by choice
  let output = 0;
  let cached = 0;
  let hasInput = false;
  let started: number | undefined;
  let pixels = 0;
  let steps = 0;

  /** Said at the start where they are known so early, else at the end. */
  const countInput = (tokens: unknown): void => {
    if (typeof tokens !== 'number' || hasInput) return;
    hasInput = true;
    stats.inputTokens += tokens;
    metrics.tokens.input += tokens;
  };
  /** Said at the start where it is known so early, else at the end. */
  const countCached = (tokens: unknown): void => {
    if (typeof tokens !== 'number' || tokens <= cached) return;
    metrics.tokens.cached += tokens - cached;
    cached = tokens;
  };
  const countOutput = (tokens: number): void => {
    output += tokens;
    stats.outputTokens += tokens;
    metrics.tokens.output += tokens;
  };
  const countAudio = (seconds: unknown): void => {
    if (typeof seconds !== 'number' || seconds <= 0) return;
    metrics.audio.seconds += seconds;
    if (started !== undefined) metrics.realTimeFactor.observe((performance.now() - started) / 1000 / seconds);
  };
  const countImages = (event: Counted): void => {
    const { images } = metrics;
    if (event.type === 'start') {
      if (typeof event.width === 'number' && typeof event.height === 'number') pixels = event.width * event.height;
    } else if (event.type === 'progress' && typeof event.step === 'number') {
      images.steps += event.step - steps;
      steps = event.step;
    } else if (event.type === 'image' && event.partial === undefined) {
      images.count += 1;
      images.pixels += pixels;
    }
  };
  const first = (now: number): void => {
    if (stats.firstTokenMs !== undefined) return;
    stats.firstTokenMs = now - stats.arrived;
    metrics.timeToFirstToken.observe(stats.firstTokenMs / 1000);
  };

  return {
    event(event) {
      const { type, tokens, choice = 0, inputTokens, cachedTokens, usage } = event as Counted;
      if (typeof tokens !== 'number') countImages(event);
      if (typeof tokens === 'number') {
        if (tokens === 0) return; // text that was held back; its tokens were counted
        const now = performance.now();
        const last = lastToken[choice];
        lastToken[choice] = now;
        if (last === undefined) first(now);
        else metrics.timePerOutputToken.observe((now - last) / 1000 / tokens, tokens);
        countOutput(tokens);
      } else if (type === 'start') {
        started = performance.now();
        const { inputCharacters } = event as Counted;
        if (typeof inputCharacters === 'number') metrics.audio.characters += inputCharacters;
        countInput(inputTokens);
        countCached(cachedTokens);
      } else if (type === 'end') {
        countAudio((event as Counted).duration);
        countInput(usage?.inputTokens);
        countCached(usage?.cachedTokens);
        // The engine's own sum also holds what no delta stood for, such as end tokens and tool calls.
        if (typeof usage?.outputTokens === 'number') countOutput(Math.max(0, usage.outputTokens - output));
      } else if (type !== 'progress' && type !== 'choice-end') {
        first(performance.now());
      }
    },
    output(value) {
      first(performance.now());
      countInput((value as Counted | null)?.inputTokens);
    },
  };
}
