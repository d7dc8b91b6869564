import { setMaxListeners } from 'node:events';
import {
  type CallOptions,
  CancelledError,
  EngineRequestError,
  type GenerateEvent,
  type GenerateInput,
  InvalidInputError,
  type Usage,
} from '@xim/engine';

type Open = (input: GenerateInput, options: CallOptions) => AsyncIterable<GenerateEvent>;
type Start = Extract<GenerateEvent, { type: 'start' }>;

/**
 * Several inputs as one call: their choices are numbered one after the other, their tokens are summed, and the one
 * `start` comes when each of them has been taken, so that what is wrong with any is known before anything is said.
 * A failure of one stream fails all. The streams that are open when the reader leaves are cancelled by the one signal.
 */
export async function* mergeGenerate(
  inputs: readonly GenerateInput[],
  options: CallOptions,
  open: Open,
): AsyncGenerator<GenerateEvent> {
  const own = new AbortController();
  const signal = AbortSignal.any([options.signal, own.signal]);
  setMaxListeners(0, signal); // one per input
  const calls: AsyncIterator<GenerateEvent>[] = [];
  try {
    for (const input of inputs) calls.push(open(input, { ...options, signal })[Symbol.asyncIterator]());
    const starts = await Promise.all(calls.map(startOf));
    yield sumStarts(starts);
    yield* interleave(calls, firstChoices(inputs));
  } finally {
    own.abort(new CancelledError());
    // An idle iterator does not see the signal, so it is closed.
    for (const call of calls) call.return?.().catch(() => undefined);
  }
}

/** By input, the number of its first choice. */
function firstChoices(inputs: readonly GenerateInput[]): number[] {
  let next = 0;
  return inputs.map(({ choices = 1 }) => (next += choices) - choices);
}

async function startOf(call: AsyncIterator<GenerateEvent>, prompt: number): Promise<Start> {
  const { value, done } = await call.next().catch((error: unknown) => {
    throw atPrompt(error, prompt);
  });
  if (done || value.type !== 'start') throw new EngineRequestError('The engine did not begin a call with its start.');
  return value;
}

/** An error of one input as an error of several: the engine speaks of the prompt, the caller has sent many. */
export function atPrompt(error: unknown, prompt: number): unknown {
  if (!InvalidInputError.isInstance(error) || !/^prompt(\.|$)/.test(error.param ?? '')) return error;
  const param = `prompt.${prompt}${error.param!.slice('prompt'.length)}`;
  return new InvalidInputError(error.message, { param, code: error.code as never, cause: error });
}

function sumStarts(starts: readonly Start[]): GenerateEvent {
  const inputTokens = starts.reduce((sum, start) => sum + start.inputTokens, 0);
  const known = starts.some((start) => start.cachedTokens !== undefined);
  const promptTokens = starts.flatMap((start) => start.promptTokens ?? []);
  return {
    ...{ type: 'start', inputTokens },
    ...(known && { cachedTokens: sumOf(starts, (start) => start.cachedTokens) }),
    ...(promptTokens.length > 0 && { promptTokens }),
  };
}

/** The rest of all calls, each event as it comes; at most one of each call waits to be read. */
async function* interleave(
  calls: readonly AsyncIterator<GenerateEvent>[],
  firstChoice: readonly number[],
): AsyncGenerator<GenerateEvent> {
  type Arrival = { readonly call: number; readonly result: IteratorResult<GenerateEvent> };
  const arrived: Arrival[] = [];
  const usages: Usage[] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;

  const pull = (call: number): void => {
    calls[call]!.next().then(
      (result) => {
        arrived.push({ call, result });
        wake?.();
      },
      (error: unknown) => {
        failure ??= { error };
        wake?.();
      },
    );
  };
  for (const call of calls.keys()) pull(call);

  for (let open = calls.length; open > 0;) {
    if (failure) throw failure.error;
    const next = arrived.shift();
    if (next === undefined) {
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    const { call, result } = next;
    if (result.done) throw new EngineRequestError('The engine ended a call without its end event.');
    const event = result.value;
    if (event.type === 'end') {
      usages.push(event.usage);
      open -= 1;
      continue;
    }
    pull(call);
    yield 'choice' in event ? { ...event, choice: firstChoice[call]! + event.choice } : event;
  }
  yield { type: 'end', usage: sumUsages(usages) };
}

function sumUsages(usages: readonly Usage[]): Usage {
  return {
    inputTokens: usages.reduce((sum, usage) => sum + usage.inputTokens, 0),
    outputTokens: usages.reduce((sum, usage) => sum + usage.outputTokens, 0),
    cachedTokens: sumOf(usages, (usage) => usage.cachedTokens),
    reasoningTokens: sumOf(usages, (usage) => usage.reasoningTokens),
  };
}

/** Undefined where none knows. */
function sumOf<T>(items: readonly T[], tokens: (item: T) => number | undefined): number | undefined {
  const known = items.map(tokens).filter((count) => count !== undefined);
  return known.length > 0 ? known.reduce((sum, count) => sum + count, 0) : undefined;
}
