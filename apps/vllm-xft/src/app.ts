import { oneapi } from '@xim/engine-oneapi';
import { xft } from '@xim/engine-xft';
import { chatCompletions, completions, defineService, messages, responses, textGeneration } from '@xim/server';

/** Chat on xFasterTransformer where the CPU and the model allow it, else on OpenVINO; the APIs are those of `chat`. */
export default defineService({
  name: 'vllm-xft',
  task: 'generate',
  engines: [xft, oneapi],
  models: new URL('../models.json', import.meta.url),
  routes: [chatCompletions, completions, responses, messages, textGeneration],
});
