import type { TaskForm } from './task-form.ts';

/** A recording and what is said in it. */
export const transcribeForm: TaskForm = {
  html: `<form id="transcribe">
  <label for="recording">Recording</label>
  <input type="file" id="recording" accept="audio/*,video/*" required>
  <button>Transcribe</button>
</form>
<pre id="transcript"></pre>`,
  script: String.raw`
onSubmit('transcribe', async () => {
  const body = new FormData();
  body.append('model', model());
  body.append('response_format', 'json');
  body.append('file', byId('recording').files[0]);
  show('transcript', '…');
  try {
    const { text } = await (await call('/v1/audio/transcriptions', { method: 'POST', body })).json();
    show('transcript', text);
  } catch (error) {
    show('transcript', '');
    throw error;
  }
});`,
};
