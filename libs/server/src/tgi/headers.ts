/** The headers that are known before the first token. */
export function toTgiHeaders(inputs: string): Record<string, string> {
  return { 'x-compute-type': 'cpu', 'x-compute-characters': String([...inputs].length) };
}

/** Where the time of a request went; monotonic milliseconds. */
export interface TgiTimes {
  readonly arrived: number;
  readonly queueMs: number;
  /** When the engine had read the prompt. */
  readonly started: number;
  readonly ended: number;
}

/** The headers that are known at the end. Seconds in `x-compute-time`, whole milliseconds elsewhere. */
export function toTgiCosts(times: TgiTimes, inputTokens: number, outputTokens: number): Record<string, string> {
  const { arrived, queueMs, started, ended } = times;
  const inference = ended - started;
  const whole = (ms: number) => String(Math.max(0, Math.floor(ms)));
  return {
    'x-compute-time': String((ended - arrived) / 1000),
    'x-total-time': whole(ended - arrived),
    'x-validation-time': whole(started - arrived - queueMs),
    'x-queue-time': whole(queueMs),
    'x-inference-time': whole(inference),
    'x-time-per-token': whole(inference / Math.max(1, outputTokens)),
    'x-prompt-tokens': String(inputTokens),
    'x-generated-tokens': String(outputTokens),
  };
}
