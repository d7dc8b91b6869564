import type { TaskForm } from './task-form.ts';

/** A conversation whose answers come as a stream. */
export const generateForm: TaskForm = {
  html: `<div id="talk" role="log" aria-live="polite"></div>
<form id="chat">
  <label for="message">Message</label>
  <textarea id="message" rows="3" required>Write one sentence about the sea.</textarea>
  <button>Send</button> <button type="button" id="stop" disabled>Stop</button>
</form>`,
  script: String.raw`
const messages = [];
let running;
const addTurn = (role, text) => {
  const turn = document.createElement('p');
  turn.className = role;
  turn.textContent = text;
  byId('talk').append(turn);
  return turn;
};
byId('stop').addEventListener('click', () => running?.abort());
onSubmit('chat', async () => {
  const question = { role: 'user', content: byId('message').value };
  addTurn('user', question.content);
  const turn = addTurn('assistant', '');
  running = new AbortController();
  byId('stop').disabled = false;
  try {
    const answer = await callJson(
      '/v1/chat/completions',
      { model: model(), messages: [...messages, question], max_completion_tokens: 256, stream: true },
      running.signal,
    );
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
      const { done, value } = await reader.read();
      if (done) break;
      const frames = (rest + value).split('\n\n');
      rest = frames.pop();
      for (const frame of frames) {
        if (!frame.startsWith('data: ') || frame === 'data: [DONE]') continue;
        const chunk = JSON.parse(frame.slice(6));
        if (chunk.error) throw new Error(chunk.error.message);
        turn.textContent += chunk.choices[0]?.delta?.content ?? '';
      }
    }
    byId('message').value = '';
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
  } finally {
    byId('stop').disabled = true;
    if (turn.textContent) messages.push(question, { role: 'assistant', content: turn.textContent });
  }
});`,
};
