import { type Engine, type GenerateEvent, type GenerateInput, InvalidInputError } from '@xim/engine';
import type { FastifyRequest } from 'fastify';
import type { ServedName, ServiceContext } from '../context.ts';
import { toEngineModel } from './engine-model.ts';

/** The events of one call that generates: admitted, measured, and cancelled with its request. */
export function generate(
  xim: ServiceContext,
  request: FastifyRequest,
  served: ServedName,
  input: GenerateInput,
): AsyncIterable<GenerateEvent> {
  return xim.calls.stream(request, input.choices ?? 1, (engine, options) =>
    generateOf(engine)(input, { ...options, model: toEngineModel(served, xim) }),
  );
}

/** An engine's `generate`. Throws InvalidInputError where it has none. */
export function generateOf(engine: Engine): NonNullable<Engine['generate']> {
  if (engine.generate) return engine.generate.bind(engine);
  throw new InvalidInputError('The model of this service does not generate text. Use a service for chat.', {
    param: 'model',
    code: 'XIM_UNSUPPORTED_PARAMETER',
  });
}
