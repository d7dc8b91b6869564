import type { TaskForm } from './task-form.ts';

/** A text and its picture, with the steps meanwhile. */
export const generateImageForm: TaskForm = {
  html: `<form id="draw">
  <label for="prompt">Prompt</label>
  <textarea id="prompt" rows="2" required>a large red square</textarea>
  <button>Draw</button>
</form>
<p id="steps"></p>
<img id="picture" alt="" hidden>`,
  script: String.raw`
onSubmit('draw', async () => {
  const body = { model: model(), prompt: byId('prompt').value, stream: true };
  const lines = (await callJson('/v1/images/generations', body)).body.pipeThrough(new TextDecoderStream());
  let rest = '';
  show('steps', '…');
  try {
    for await (const part of lines) {
      const parts = (rest + part).split('\n');
      rest = parts.pop();
      for (const line of parts) {
        if (line.startsWith(': step')) show('steps', line.slice(2));
        if (!line.startsWith('data: ')) continue;
        const event = JSON.parse(line.slice(6));
        if (event.error) throw new Error(event.error.message);
        if (!event.b64_json) continue;
        const bytes = Uint8Array.from(atob(event.b64_json), (letter) => letter.charCodeAt(0));
        URL.revokeObjectURL(byId('picture').src);
        byId('picture').src = URL.createObjectURL(new Blob([bytes], { type: 'image/' + event.output_format }));
        byId('picture').alt = byId('prompt').value;
        byId('picture').hidden = false;
      }
    }
  } finally {
    show('steps', '');
  }
});`,
};
