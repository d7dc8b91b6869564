/* eslint-disable @typescript-eslint/no-explicit-any -- bodies of requests, checked by hand */
import { chat } from './fake-chat.ts';
import { type Exchange, Refusal, refuse } from './fake-exchange.ts';
import { toTokens } from './fake-model.ts';
import { newId, now } from './fake-openai.ts';

const NAMES: Readonly<Record<string, string>> = {
  messages: 'input',
  response_format: 'text.format',
  max_tokens: 'max_output_tokens',
};

/** The chat's answer, and its errors under the names of another API. */
export function askChat(exchange: Exchange, request: object, names: Readonly<Record<string, string>>): any {
  try {
    return chat({ ...exchange, request });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { error: found } = error.body as any;
    const [first] = String(found.param).split(/[.[]/);
    throw new Refusal(error.status, { error: { ...found, param: names[first!] ?? found.param } });
  }
}

const toPart = (part: any) => (part?.type?.endsWith('_text') ? { type: 'text', text: part.text } : part);

function toMessage(item: any): any {
  if (item.type === 'function_call')
    return { role: 'assistant', content: null, tool_calls: [{ id: item.call_id, name: item.name }] };
  if (item.type === 'function_call_output') return { role: 'tool', content: item.output };
  if (item.type === 'reasoning') return { role: 'assistant', content: '' };
  return { role: item.role, content: Array.isArray(item.content) ? item.content.map(toPart) : item.content };
}

function toChatBody(body: any): object {
  const { instructions, input, text, tools, tool_choice: choice } = body;
  const { type, ...schema } = text?.format ?? {};
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input.map(toMessage);
  const before = kept.get(body.previous_response_id);
  return {
    ...{ model: body.model, temperature: body.temperature, max_tokens: body.max_output_tokens },
    messages: [
      ...(before?.items ?? []),
      ...(instructions ? [{ role: 'system', content: instructions }] : []),
      ...items,
    ],
    ...(type && { response_format: { type, json_schema: schema } }),
    tools: tools?.map(({ type: kind, ...own }: any) => ({ type: kind, function: own })),
    tool_choice: choice?.type === 'function' ? { type: 'function', function: { name: choice.name } } : choice,
  };
}

/** Responses that were stored, with their conversations. */
const kept = new Map<unknown, { response: any; items: any[] }>();

export function storedResponse({ path }: Exchange): unknown {
  const id = decodeURIComponent(path.slice('/v1/responses/'.length));
  return kept.get(id)?.response ?? refuse('no such response', null, 404);
}

export function responses(exchange: Exchange): unknown {
  const { request: body } = exchange;
  const { input, previous_response_id: previous } = body;
  if (typeof input !== 'string' && !Array.isArray(input)) refuse('input: a string or items', 'input');
  if ((body.include ?? []).includes('everything')) refuse('include: unknown', 'include');
  if (previous != null && !kept.has(previous)) refuse('no such response', 'previous_response_id', 404);
  if (body.max_output_tokens < 1) refuse('max_output_tokens: at least 1', 'max_output_tokens');
  const asked: any = toChatBody(body);
  const { choices, usage } = askChat(exchange, asked, NAMES);
  const [{ message, finish_reason: reason }] = choices;
  const cut = reason === 'length';
  const status = cut ? 'incomplete' : 'completed';
  const calls = (message.tool_calls ?? []).map((call: any) => ({
    ...{ type: 'function_call', id: newId('fc'), call_id: call.id, status: 'completed', ...call.function },
  }));
  const part = { type: 'output_text', text: message.content, annotations: [], logprobs: [] };
  const said = { type: 'message', id: newId('msg'), role: 'assistant', status, content: [part] };
  const thought = {
    type: 'reasoning',
    id: newId('rs'),
    summary: [],
    content: [{ type: 'reasoning_text', text: 'Hm.' }],
  };
  const output = [...(body.reasoning?.effort ? [thought] : []), ...(message.tool_calls ? calls : [said])];
  const response = {
    ...{ id: newId('resp'), object: 'response', created_at: now, status, error: null, model: body.model },
    incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
    ...{ instructions: body.instructions ?? null, metadata: body.metadata ?? {}, output, parallel_tool_calls: true },
    ...{ tools: body.tools ?? [], tool_choice: body.tool_choice ?? 'auto', temperature: 0, top_p: 1 },
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    usage: {
      ...{
        input_tokens: usage.prompt_tokens,
        output_tokens: usage.completion_tokens,
        total_tokens: usage.total_tokens,
      },
      input_tokens_details: { cached_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    },
  };
  if (body.store) kept.set(response.id, { response, items: [...asked.messages, message] });
  if (!body.stream) return response;
  const open = { ...response, status: 'in_progress', output: [], usage: null, incomplete_details: null };
  const events = [
    { type: 'response.created', response: open },
    { type: 'response.in_progress', response: open },
    ...output.flatMap((item: any, output_index: number) => toEvents(item).map((event) => ({ ...event, output_index }))),
    { type: `response.${status}`, response },
  ];
  exchange.named = true;
  exchange.frames = events.map((event, sequence_number) => ({ ...event, sequence_number }));
  return undefined;
}

function toEvents(item: any): { type: string }[] {
  const place = { item_id: item.id, content_index: 0 };
  const deltas = (type: string, text: string) => toTokens(text).map((delta) => ({ type, delta, ...place }));
  const inner = (): { type: string }[] => {
    if (item.type === 'message') {
      const [part] = item.content;
      return [
        { type: 'response.content_part.added', part: { ...part, text: '' }, ...place } as { type: string },
        ...deltas('response.output_text.delta', part.text),
        { type: 'response.output_text.done', text: part.text, ...place } as { type: string },
        { type: 'response.content_part.done', part, ...place } as { type: string },
      ];
    }
    if (item.type !== 'function_call') return [];
    return [
      ...deltas('response.function_call_arguments.delta', item.arguments),
      { type: 'response.function_call_arguments.done', arguments: item.arguments, ...place } as { type: string },
    ];
  };
  const begun = { ...item, ...(item.content && { content: [] }), ...(item.arguments && { arguments: '' }) };
  const frame = (type: string, one: any) => ({ type, item: one });
  return [frame('response.output_item.added', begun), ...inner(), frame('response.output_item.done', item)];
}
