import { oneapi } from '@xim/engine-oneapi';
import { defineService, transcriptions } from '@xim/server';

/** Speech to text with words and speakers, by Whisper and the small models around it. */
export default defineService({
  name: 'whisperx',
  task: 'transcribe',
  engines: [oneapi],
  models: new URL('../models.json', import.meta.url),
  routes: [transcriptions],
});
