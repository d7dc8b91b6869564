import { oneapi } from '@xim/engine-oneapi';
import { defineService, speech } from '@xim/server';

/** Speech out of text: OpenAI's speech, with a piper voice, on the first engine that takes this host. */
export default defineService({
  name: 'speech',
  task: 'speak',
  engines: [oneapi],
  models: new URL('../models.json', import.meta.url),
  routes: [speech],
});
