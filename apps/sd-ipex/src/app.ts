import { ipex } from '@xim/engine-ipex';
import { defineService, images } from '@xim/server';

/** Pictures out of text: OpenAI's images, by diffusers on PyTorch, on the first engine that takes this host. */
export default defineService({
  name: 'sd-ipex',
  task: 'generateImage',
  engines: [ipex],
  models: new URL('../models.json', import.meta.url),
  routes: [images],
});
