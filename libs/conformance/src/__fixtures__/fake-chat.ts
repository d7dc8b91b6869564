/* eslint-disable @typescript-eslint/no-explicit-any -- bodies of requests, checked by hand */
import { checkRanges, type Exchange, refuse } from './fake-exchange.ts';
import { generate, toInstance, toTokens } from './fake-model.ts';
import { checkCommon, checkFits, MODEL, newId, now, toStop, toUsage } from './fake-openai.ts';

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'];

function contentOf({ role, content, tool_calls: calls }: any): string {
  if (!ROLES.includes(role)) refuse('messages[0].role: unknown', 'messages[0].role');
  if (content == null && role === 'assistant' && calls?.length > 0) return JSON.stringify(calls);
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) refuse('messages[0].content: expected text', 'messages[0].content');
  return content
    .map((part: any) => (part.type === 'text' ? part.text : refuse('content: unknown part', 'messages[0].content')))
    .join('');
}

function checkTools({ tools, tool_choice: choice }: any): void {
  for (const tool of tools ?? [])
    if (tool.type !== 'function' || !/^[\w-]{1,64}$/.test(tool.function?.name)) refuse('tools: wrong', 'tools');
  if (choice == null || choice === 'none' || choice === 'auto') return;
  const known = (tools ?? []).map((tool: any) => tool.function.name);
  const fits = choice === 'required' ? known.length > 0 : known.includes(choice.function?.name);
  if (!fits) refuse('tool_choice: no such tool', 'tool_choice');
}

/** The JSON that the format requires; undefined without such a format. */
function toSaid(format: any): string | undefined {
  const wrong = (): never => refuse('response_format: wrong', 'response_format');
  if (format == null || format.type === 'text') return undefined;
  if (format.type === 'json_object') return '{"name": "Fake"}';
  if (format.type !== 'json_schema' || !format.json_schema?.name) return wrong();
  try {
    return JSON.stringify(toInstance(format.json_schema.schema), null, 1);
  } catch {
    return wrong();
  }
}

function toCall({ tools, tool_choice: choice }: any) {
  const name: string = choice === 'required' ? tools[0].function.name : choice.function.name;
  const text = name.includes('weather') ? '{"city": "Paris", "unit": "c"}' : '{}';
  return { id: newId('call'), type: 'function', function: { name, arguments: text } };
}

export function chat(exchange: Exchange): unknown {
  const { request: body } = exchange;
  checkCommon(body);
  checkRanges(body, [['top_logprobs', 0, 20, true], ['max_completion_tokens', 1, 1e9]]); // prettier-ignore
  if (body.top_logprobs != null && !body.logprobs) refuse('top_logprobs needs logprobs', 'top_logprobs');
  if (!Array.isArray(body.messages) || body.messages.length === 0) refuse('messages: expected a list', 'messages');
  const prompt = body.messages.reduce((sum: number, one: any) => sum + toTokens(contentOf(one)).length + 4, 0);
  checkTools(body);
  const says = toSaid(body.response_format);
  checkFits(prompt);

  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? 100;
  const made = generate({ maxTokens, stop: toStop(body.stop), forced: !!body.logit_bias, ...(says ? { says } : {}) });
  const forcedCall = body.tool_choice === 'required' || typeof (body.tool_choice ?? undefined) === 'object';
  const calls = forcedCall ? [toCall(body)] : undefined;
  const reason = calls ? 'tool_calls' : made.reason;
  const n = body.n ?? 1;
  const head = { id: newId('chatcmpl'), created: now, model: MODEL };
  const usage = toUsage(prompt, made.tokens.length * n);
  const content = made.tokens.map((token) => toEntry(token, body.top_logprobs ?? 0));
  if (!body.stream) {
    const message = { role: 'assistant', content: calls ? null : made.text, refusal: null, ...(calls ? { tool_calls: calls } : {}) }; // prettier-ignore
    const logprobs = body.logprobs ? { content, refusal: null } : null;
    const choices = Array.from({ length: n }, (_, index) => ({ index, message, logprobs, finish_reason: reason }));
    return { ...head, object: 'chat.completion', choices, usage };
  }

  const asked = body.stream_options?.include_usage === true;
  const chunk = (index: number, delta: object, entry?: object, finish: string | null = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index, delta, logprobs: entry ? { content: [entry], refusal: null } : null, finish_reason: finish }],
    ...(asked ? { usage: null } : {}),
  });
  const pieces = (index: number) =>
    calls
      ? toCallDeltas(calls[0]!).map((delta) => chunk(index, { tool_calls: [delta] }))
      : made.tokens.map((token, i) => chunk(index, { content: token }, body.logprobs ? content[i] : undefined));
  const all = Array.from({ length: n }, (_, index) => [
    chunk(index, { role: 'assistant', content: '' }),
    ...pieces(index),
    chunk(index, {}, undefined, reason),
  ]);
  const last = { ...head, object: 'chat.completion.chunk', choices: [], usage };
  exchange.frames = [...all.flat(), ...(asked ? [last] : []), '[DONE]'];
  return undefined;
}

function toCallDeltas({ id, function: { name, arguments: text } }: ReturnType<typeof toCall>): object[] {
  const first = { index: 0, id, type: 'function', function: { name, arguments: '' } };
  return [first, ...toTokens(text).map((piece) => ({ index: 0, function: { arguments: piece } }))];
}

function toEntry(token: string, top: number): object {
  const entry = (text: string, logprob: number) => ({ token: text, logprob, bytes: [...Buffer.from(text)] });
  const others = Array.from({ length: top }, (_, i) => entry(i === 0 ? token : ` other${i}`, -0.1 - i));
  return { ...entry(token, -0.1), top_logprobs: others };
}
