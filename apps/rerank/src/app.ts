import { oneapi } from '@xim/engine-oneapi';
import { defineService, reranking } from '@xim/server';

/** The order of documents by their relevance to a query: Cohere's, Text Embeddings Inference's and vLLM's APIs. */
export default defineService({
  name: 'rerank',
  task: 'rerank',
  engines: [oneapi],
  models: new URL('../models.json', import.meta.url),
  routes: [reranking],
});
