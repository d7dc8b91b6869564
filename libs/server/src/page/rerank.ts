import type { TaskForm } from './task-form.ts';

/** A query, documents, one per line, and their order. */
export const rerankForm: TaskForm = {
  html: `<form id="rerank">
  <label for="query">Query</label>
  <textarea id="query" rows="1" required>Where do boats rest?</textarea>
  <label for="documents">Documents, one per line</label>
  <textarea id="documents" rows="4" required>Income tax returns are due in April.
The harbour shelters ships from the storm.
The market opens at seven.</textarea>
  <button>Rank</button>
</form>
<ol id="ranking"></ol>`,
  script: String.raw`
onSubmit('rerank', async () => {
  const documents = byId('documents').value.split('\n').filter((line) => line.trim() !== '');
  const body = { model: model(), query: byId('query').value, documents };
  const { results } = await (await callJson('/v1/rerank', body)).json();
  const items = results.map(({ index, relevance_score: score }) => {
    const item = document.createElement('li');
    item.textContent = score.toFixed(4) + ' ' + documents[index];
    return item;
  });
  byId('ranking').replaceChildren(...items);
});`,
};
