import { EngineNotReadyError } from '@xim/engine';
import type { RoutePlugin, ServiceContext } from '../context.ts';
import { tgiFailures, useZodSchemas } from '../http/schema-compilers.ts';
import { MAX_ITEMS, TeiInfo } from './schema.ts';

/**
 * `GET /info` of Text Embeddings Inference, for services that embed or rerank. A service that has the routes of several
 * tasks keeps the first one.
 */
export const textEmbeddingsInfo: RoutePlugin = async (app) => {
  if (app.hasRoute({ method: 'GET', url: '/info' })) return;
  useZodSchemas(app);
  const { xim } = app;
  app.get(
    '/info',
    {
      config: { api: 'tgi' },
      schema: {
        ...{ tags: ['models'], summary: 'The model and the limits of this service' },
        response: { 200: TeiInfo, ...tgiFailures },
      },
    },
    () => toTeiInfo(xim),
  );
};

/** Throws EngineNotReadyError until the engine has reported its model. */
function toTeiInfo({ model, plan, version, info }: ServiceContext): TeiInfo {
  const loaded = info();
  const longest = loaded?.contextLength ?? model.shape.contextLength;
  if (loaded === undefined || longest === undefined) {
    throw new EngineNotReadyError('The engine has not yet reported its model. Try again soon.');
  }
  const { pooling } = model.profiles.find((profile) => profile.engine === loaded.engine)?.options ?? {};
  return {
    model_id: model.id,
    model_sha: model.revision ?? null,
    model_dtype: loaded.dtype,
    model_type:
      model.task === 'rerank'
        ? { reranker: { id2label: { '0': 'LABEL_0' }, label2id: { LABEL_0: 0 } } }
        : { embedding: { pooling: typeof pooling === 'string' ? pooling : 'unknown' } },
    max_concurrent_requests: plan.slots + plan.queue,
    max_input_length: longest,
    max_batch_tokens: Math.max(plan.batchTokens, longest),
    max_client_batch_size: Math.min(MAX_ITEMS, plan.slots + plan.queue),
    auto_truncate: false,
    tokenization_workers: 1,
    version: version ?? 'unknown',
  };
}
