import { createHash } from 'node:crypto';
import type { Task } from '@xim/engine';
import type { RoutePlugin } from '../context.ts';
import { embedForm } from './embed.ts';
import { generateImageForm } from './generate-image.ts';
import { generateForm } from './generate.ts';
import { rerankForm } from './rerank.ts';
import { speakForm } from './speak.ts';
import type { TaskForm } from './task-form.ts';
import { transcribeForm } from './transcribe.ts';

const FORMS: Readonly<Record<Task, TaskForm>> = {
  generate: generateForm,
  embed: embedForm,
  rerank: rerankForm,
  transcribe: transcribeForm,
  speak: speakForm,
  generateImage: generateImageForm,
};

export interface PageOptions {
  readonly service: string;
  readonly task: Task;
  /** The service has API keys: the page asks for one. */
  readonly needsKey: boolean;
}

/**
 * `GET /`: one page for a browser; for other clients the paths that tell more. Open to all, so it holds no more than the
 * names of service and task: the rest is fetched from /v1/metadata, with the key that the user gives.
 */
export function page(options: PageOptions): RoutePlugin {
  const { html, policy } = createPage(options);
  const { service, task } = options;
  const paths = { docs: '/docs', openapi: '/openapi.json', metadata: '/v1/metadata', health: '/health/ready' };
  return async (app) => {
    app.get('/', { config: { open: true }, schema: { hide: true } }, (request, reply) => {
      void reply.header('vary', 'accept');
      if (!/\btext\/html\b/.test(request.headers.accept ?? '')) return reply.send({ service, task, ...paths });
      return reply
        .headers({
          'content-security-policy': policy,
          'referrer-policy': 'no-referrer',
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-cache',
        })
        .type('text/html; charset=utf-8')
        .send(html);
    });
  };
}

/** The page, and the policy that allows its one style, its one script and calls to its own service. */
function createPage({ service, task, needsKey }: PageOptions): { html: string; policy: string } {
  const form = FORMS[task];
  const script = `${SCRIPT}${form.script}\n`;
  const key = needsKey
    ? '<form id="keys"><label for="key">API key</label> <input id="key" type="password" autocomplete="off"> <button>Use</button></form>'
    : '';
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>XIM: ${service}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${service}</h1>
<p>A service of XIM, Xeon Inference Microservices, for the task <b>${task}</b>. <a href="/docs">API</a> ·
<a href="/openapi.json">OpenAPI</a> · <a href="/v1/metadata">metadata</a> · <a href="/metrics">metrics</a></p>
${key}
<dl>
<dt>State</dt><dd id="state">…</dd>
<dt>Model</dt><dd id="model">…</dd>
<dt>Engine</dt><dd id="engine">…</dd>
<dt>Plan</dt><dd id="plan">…</dd>
</dl>
<h2>Try it</h2>
${form.html}
<p id="problem" role="alert"></p>
</main>
<script type="module">${script}</script>
</body>
</html>
`;
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(STYLE)}`,
    "connect-src 'self'",
    'media-src blob:',
    'img-src blob:',
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, policy };
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; }
dt { font-weight: bold; }
dd { margin: 0; }
label { display: block; margin-top: 0.5rem; }
textarea, input:not([type=file]) { box-sizing: border-box; width: 100%; font: inherit; }
button { margin-top: 0.5rem; font: inherit; }
#keys input { width: 20rem; }
#talk p { white-space: pre-wrap; padding: 0.5rem 0.75rem; border: 1px solid #8886; border-radius: 0.5rem; }
#talk .user { margin-left: 3rem; }
#problem { color: #c33; white-space: pre-wrap; }
pre { white-space: pre-wrap; }
`;

const SCRIPT = String.raw`
const byId = (id) => document.getElementById(id);
const show = (id, text) => void (byId(id).textContent = text);
let modelId;
const model = () => modelId;
const call = async (path, init = {}) => {
  const headers = new Headers(init.headers);
  const key = byId('key')?.value;
  if (key) headers.set('authorization', 'Bearer ' + key);
  const answer = await fetch(path, { ...init, headers });
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => undefined);
  throw new Error(body?.error?.message ?? body?.error ?? 'The service answered ' + answer.status + '.');
};
const callJson = (path, body, signal) =>
  call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
const onSubmit = (id, run) =>
  byId(id).addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = byId(id).querySelector('button');
    show('problem', '');
    button.disabled = true;
    try {
      if (!modelId) await tell();
      await run();
    } catch (error) {
      show('problem', error.message);
    } finally {
      button.disabled = false;
    }
  });
const tell = async () => {
  const { state, model, engine, plan } = await (await call('/v1/metadata')).json();
  modelId = model.id;
  const percent = state.progress?.fraction === undefined ? '' : ' ' + Math.round(state.progress.fraction * 100) + ' %';
  show('state', state.state + (state.progress ? ': ' + state.progress.step + percent : ''));
  show('model', model.id);
  const runtime = engine.info?.runtime;
  show('engine', engine.name + (runtime ? ' (' + runtime.name + ' ' + runtime.version + ', ' + runtime.isa + ')' : ''));
  show('plan', plan.threads + ' threads, ' + plan.slots + ' slots, a queue of ' + plan.queue);
  return state.state;
};
const watch = async () => {
  try {
    const state = await tell();
    show('problem', '');
    setTimeout(watch, state === 'ready' ? 30000 : 1000);
  } catch (error) {
    show('state', 'unknown');
    show('problem', error.message);
    if (!byId('key')) setTimeout(watch, 5000);
  }
};
byId('keys')?.addEventListener('submit', (event) => {
  event.preventDefault();
  void watch();
});
void watch();
`;
