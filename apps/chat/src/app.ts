import { oneapi } from '@xim/engine-oneapi';
import { chatCompletions, completions, defineService } from '@xim/server';

/** Chat with a language model: OpenAI's chat completions and completions, on the first engine that takes this host. */
export default defineService({
  name: 'chat',
  task: 'generate',
  engines: [oneapi],
  models: new URL('../models.json', import.meta.url),
  routes: [chatCompletions, completions],
});
