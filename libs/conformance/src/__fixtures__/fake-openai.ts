/* eslint-disable @typescript-eslint/no-explicit-any -- bodies of requests, checked by hand */
import { checkRanges, type Exchange, refuse } from './fake-exchange.ts';
import { CONTEXT_LENGTH, generate, toTokens, toVector } from './fake-model.ts';

export const MODEL = 'org/fake-model';
const CREATED = 1_780_000_000;
let ids = 0;
export const newId = (prefix: string) => `${prefix}-${(ids += 1)}`;

export const now = CREATED;

export const sampling = [
  ['temperature', 0, 2],
  ['top_p', 0, 1],
  ['presence_penalty', -2, 2],
  ['frequency_penalty', -2, 2],
  ['n', 1, 128, true],
  ['max_tokens', 0, 1e9, true],
  ['max_completion_tokens', 0, 1e9, true],
] as const;

export function checkModel(body: any): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) refuse('expected an object');
  if (typeof body.model !== 'string') refuse('model: expected a string', 'model');
  if (body.model !== MODEL) refuse(`no model ${body.model}`, 'model', 404, 'model_not_found');
}

export function checkCommon(body: any): void {
  checkModel(body);
  checkRanges(body, sampling);
  if (typeof (body.stream ?? false) !== 'boolean') refuse('stream: expected a boolean', 'stream');
  if (body.stream_options != null && !body.stream) refuse('stream_options needs stream', 'stream_options');
  if (Array.isArray(body.stop) && body.stop.length > 4) refuse('stop: at most 4', 'stop');
  for (const bias of Object.values(body.logit_bias ?? {}))
    if (Math.abs(bias as number) > 100) refuse('logit_bias: from -100 to 100', 'logit_bias');
}

export const toStop = (stop: any): string[] => (stop == null ? [] : [stop].flat());

export function checkFits(tokens: number): void {
  if (tokens > CONTEXT_LENGTH) refuse('too long', 'messages', 400, 'context_length_exceeded');
}

export const toUsage = (prompt: number, completion: number) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
});

export function models({ path }: Exchange): unknown {
  const model = { id: MODEL, object: 'model', created: CREATED, owned_by: 'org', max_model_len: CONTEXT_LENGTH };
  const name = decodeURIComponent(path.slice('/v1/models/'.length));
  if (path === '/v1/models') return { object: 'list', data: [model] };
  return name === MODEL ? model : refuse('no such model', 'model', 404, 'model_not_found');
}

export function embeddings({ request: body }: Exchange): unknown {
  checkModel(body);
  const { input, encoding_format: format = 'float', dimensions = 64 } = body;
  if (!['float', 'base64'].includes(format)) refuse('encoding_format: float or base64', 'encoding_format');
  if (!(dimensions >= 1)) refuse('dimensions: from 1', 'dimensions');
  if (typeof input !== 'string' && !Array.isArray(input)) refuse('input: a string or a list', 'input');
  const items: (string | number[])[] = typeof input === 'string' || typeof input[0] === 'number' ? [input] : input;
  if (items.length === 0 || items.length > 2048) refuse('input: 1 to 2048 items', 'input');
  if (items.some((item) => item.length === 0)) refuse('input: an empty item', 'input');
  const counts = items.map((item) => (typeof item === 'string' ? toTokens(item).length : item.length));
  counts.forEach(checkFits);
  const vectors = items.map((item) => toVector(String(item), dimensions));
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  return {
    object: 'list',
    model: MODEL,
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: format === 'float' ? vector : Buffer.from(Float32Array.from(vector).buffer).toString('base64'),
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

export function completions(exchange: Exchange): unknown {
  const { request: body } = exchange;
  checkCommon(body);
  checkRanges(body, [['logprobs', 0, 5, true]]);
  const { prompt } = body;
  const one = typeof prompt === 'string' || (Array.isArray(prompt) && typeof prompt[0] === 'number');
  if (!one && !Array.isArray(prompt)) refuse('prompt: a string or a list', 'prompt');
  const prompts: any[] = one ? [prompt] : prompt;
  if (prompts.length === 0 || new Set(prompt.length ? [...prompt].map((x) => typeof x) : []).size > 1)
    refuse('prompt: items of one kind', 'prompt');
  const n = body.n ?? 1;
  if (body.best_of != null && (body.best_of < n || body.stream)) refuse('best_of: from n, unstreamed', 'best_of');

  const words = prompts.map((item) =>
    typeof item === 'string' ? toTokens(item) : item.map((id: number) => ` t${id}`),
  );
  words.forEach((tokens: string[]) => checkFits(tokens.length));
  const options = { maxTokens: body.max_tokens ?? 16, stop: toStop(body.stop), forced: !!body.logit_bias };
  const made = generate(options);
  const choices = words
    .flatMap((tokens: string[]) => Array.from({ length: n }, () => tokens))
    .map((tokens: string[], index: number) => {
      const all = body.echo ? [...tokens, ...made.tokens] : made.tokens;
      const start = body.echo ? 0 : tokens.join('').length;
      return { index, text: all.join(''), finish_reason: made.reason, logprobs: toLogprobs(all, start, body) };
    });
  const head = { id: newId('cmpl'), object: 'text_completion', created: now, model: MODEL };
  const prompted = words.reduce((sum: number, tokens: string[]) => sum + tokens.length, 0);
  const usage = toUsage(prompted, made.tokens.length * choices.length);
  if (!body.stream) return { ...head, choices, usage };

  const asked = body.stream_options?.include_usage === true;
  const more = asked ? { usage: null } : {};
  const pieces = choices.flatMap(({ index }: { index: number }) =>
    made.tokens.map((text, i) => ({
      index,
      text,
      logprobs: null,
      finish_reason: i === made.tokens.length - 1 ? made.reason : null,
    })),
  );
  exchange.frames = [
    ...pieces.map((choice: object) => ({ ...head, choices: [choice], ...more })),
    ...(asked ? [{ ...head, choices: [], usage }] : []),
    '[DONE]',
  ];
  return undefined;
}

function toLogprobs(tokens: readonly string[], start: number, body: any): unknown {
  if (body.logprobs == null) return null;
  let offset = start;
  const offsets = tokens.map((token) => (offset += token.length) - token.length);
  const top = (token: string) => Object.fromEntries([[token, -0.1], [' other', -3], [' third', -4]].slice(0, Math.max(1, body.logprobs))); // prettier-ignore
  return {
    tokens,
    token_logprobs: tokens.map((_, i) => (body.echo && i === 0 ? null : -0.1)),
    top_logprobs: tokens.map((token, i) => (body.echo && i === 0 ? null : top(token))),
    text_offset: offsets,
  };
}
