import { oneapi } from '@xim/engine-oneapi';
import { chatCompletions, completions, defineService, messages, responses, textGeneration } from '@xim/server';

/** Chat with a language model, under OpenAI's API and Text Generation Inference's, on the first engine that takes this host. */
export default defineService({
  name: 'chat',
  task: 'generate',
  engines: [oneapi],
  models: new URL('../models.json', import.meta.url),
  routes: [chatCompletions, completions, responses, messages, textGeneration],
});
