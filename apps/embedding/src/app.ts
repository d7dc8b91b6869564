import { oneapi } from '@xim/engine-oneapi';
import { defineService, embeddings } from '@xim/server';

/** Vectors for texts: OpenAI's embeddings and Text Embeddings Inference's, on the first engine that takes this host. */
export default defineService({
  name: 'embedding',
  task: 'embed',
  engines: [oneapi],
  models: new URL('../models.json', import.meta.url),
  routes: [embeddings],
});
