import type { ServedName, ServiceContext } from '../context.ts';

/** `CallOptions.model` for what a client named: an adapter by its id, the base model by silence. */
export function toEngineModel(served: ServedName, { model }: Pick<ServiceContext, 'model'>): string | undefined {
  return served.id === model.id ? undefined : served.id;
}
