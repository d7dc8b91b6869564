import type { GenerateEvent, GenerateInput } from '@xim/engine';
import type { FastifyRequest } from 'fastify';
import type { ServiceContext } from '../context.ts';
import { methodOf } from '../engine/method-of.ts';
import { withDefaultSampling } from './default-sampling.ts';

/**
 * The events of one call that generates: with the model's default sampling, admitted, measured, and cancelled with its
 * request.
 */
export function generate(
  xim: ServiceContext,
  request: FastifyRequest,
  input: GenerateInput,
): AsyncIterable<GenerateEvent> {
  return xim.calls.stream(request, input.choices ?? 1, (engine, options) =>
    methodOf(engine, 'generate')(withDefaultSampling(input, xim.sampling()), options),
  );
}
