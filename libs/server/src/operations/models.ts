import { ModelNotFoundError } from '@xim/engine';
import { Model, ModelList } from '@xim/openai-schema';
import { z } from 'zod';
import type { RoutePlugin, ServedName } from '../context.ts';
import { failures, useZodSchemas } from '../http/schema-compilers.ts';

/** `GET /v1/models` and `GET /v1/models/{model}`: every name that a request may send, aliases included. */
export const modelsRoutes: RoutePlugin = async (app) => {
  useZodSchemas(app);
  const { xim } = app;
  const tags = ['models'];

  app.get(
    '/v1/models',
    { schema: { tags, summary: 'List the names that requests may send as model', response: { 200: ModelList } } },
    (): ModelList => ({ object: 'list', data: xim.names().map(toModel) }),
  );

  const find = (name: string): Model => {
    const served = xim.names().find((one) => one.name === name);
    if (served) return toModel(served);
    throw new ModelNotFoundError(name, xim.names().map((one) => one.name)); // prettier-ignore
  };
  app.get<{ Params: { model: string } }>(
    '/v1/models/:model',
    {
      schema: {
        tags,
        summary: 'Describe one of them',
        params: z.object({ model: z.string() }),
        response: { 200: Model, ...failures },
      },
    },
    (request) => find(request.params.model),
  );
  // Ids have slashes, and not every client encodes them.
  app.get<{ Params: { '*': string } }>('/v1/models/*', { schema: { hide: true } }, (request) =>
    find(request.params['*']),
  );
};

function toModel({ name, created, ownedBy }: ServedName): Model {
  return { id: name, object: 'model', created, owned_by: ownedBy };
}
