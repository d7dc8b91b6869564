import type { TaskForm } from './task-form.ts';

/** A text and its speech. */
export const speakForm: TaskForm = {
  html: `<form id="speak">
  <label for="text">Text</label>
  <textarea id="text" rows="3" required>The harbour is quiet this morning.</textarea>
  <label for="voice">Voice</label>
  <input id="voice" value="alloy" required>
  <button>Speak</button>
</form>
<audio id="speech" controls></audio>`,
  script: String.raw`
onSubmit('speak', async () => {
  const body = { model: model(), input: byId('text').value, voice: byId('voice').value, response_format: 'wav' };
  const sound = await (await callJson('/v1/audio/speech', body)).blob();
  URL.revokeObjectURL(byId('speech').src);
  byId('speech').src = URL.createObjectURL(sound);
});`,
};
