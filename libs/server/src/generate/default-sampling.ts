import type { DefaultSampling, GenerateInput } from '@xim/engine';

/**
 * The input with the model's default for each value of its sampling that is absent: what a request says goes first. For
 * APIs without defaults of their own.
 */
export function withDefaultSampling(input: GenerateInput, defaults: DefaultSampling): GenerateInput {
  const given = Object.entries(input.sampling ?? {}).filter(([, value]) => value !== undefined);
  return { ...input, sampling: { ...defaults, ...Object.fromEntries(given) } };
}
