import type { TaskForm } from './task-form.ts';

/** Two texts, the beginning of each vector, and how alike the texts are. */
export const embedForm: TaskForm = {
  html: `<form id="embed">
  <label for="first">First text</label>
  <textarea id="first" rows="2" required>A quiet harbour</textarea>
  <label for="second">Second text</label>
  <textarea id="second" rows="2" required>Boats at rest in the bay</textarea>
  <button>Compare</button>
</form>
<p>Similarity (cosine): <output id="similarity">–</output></p>
<pre id="vectors"></pre>`,
  script: String.raw`
onSubmit('embed', async () => {
  const input = [byId('first').value, byId('second').value];
  const { data } = await (await callJson('/v1/embeddings', { model: model(), input })).json();
  const [first, second] = data.map(({ embedding }) => embedding);
  const dot = (left, right) => left.reduce((sum, value, index) => sum + value * right[index], 0);
  show('similarity', (dot(first, second) / Math.sqrt(dot(first, first) * dot(second, second))).toFixed(4));
  const begin = (vector) => vector.slice(0, 8).map((value) => value.toFixed(4)).join(', ');
  show('vectors', [first, second].map((vector) => '[' + begin(vector) + ', …] ' + vector.length + ' numbers').join('\n'));
});`,
};
