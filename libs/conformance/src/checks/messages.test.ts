import { chunks, describeSpoiled, frames, type Spoiled, status, whole } from '../__fixtures__/spoil.ts';
import { messageChecks } from './messages.ts';
import { messageStreamChecks } from './messages-stream.ts';

const invalid = messageChecks.map(({ id }) => id).filter((id) => id.startsWith('messages.invalid.'));
const block = (spoil: (block: Record<string, unknown>) => void) => whole((body) => body.content?.forEach(spoil));
const sameCount = whole((body) => void (body.usage && (body.usage.input_tokens = 9)));
const event = (type: string, spoil: (event: any) => void) => chunks((one) => void (one.type === type && spoil(one))); // eslint-disable-line @typescript-eslint/no-explicit-any -- spoiled
const without = (type: string) => frames((all) => all.filter((one) => one.type !== type));

const table: readonly Spoiled[] = [
  ['messages.fields', 'an answer of OpenAI', whole((body) => void (body.type = 'chat.completion'))],
  ['messages.fields', 'no usage', whole((body) => void delete body.usage)],
  ['messages.fields', 'a word of OpenAI', whole((body) => void (body.stop_reason = 'length'))],
  ['messages.text', 'none', block((one) => void (one['text'] = ''))],
  ['messages.max-tokens', 'another reason', whole((body) => void (body.stop_reason = 'end_turn'))],
  ['messages.max-tokens', 'ignored', whole((body) => void (body.usage.output_tokens = 40))],
  ['messages.stop-sequences', 'another reason', whole((body) => void (body.stop_reason = 'end_turn'))],
  ['messages.stop-sequences', 'not reported', whole((body) => void (body.stop_sequence = null))],
  ['messages.stop-sequences', 'ignored', (exchange) => void (exchange.request.stop_sequences && exchange.body.content.push({ type: 'text', text: exchange.request.stop_sequences[0] }))], // prettier-ignore
  ['messages.system', 'ignored', sameCount],
  ['messages.blocks', 'ignored', whole((body, { request }) => void (Array.isArray(request.messages[0].content) && (body.usage.input_tokens = 4)))], // prettier-ignore
  ['messages.unknown-fields', 'refused', (exchange) => void (exchange.request.x_unknown && (exchange.status = 400))],
  ['messages.count-tokens', 'another number', whole((body) => void (body.input_tokens &&= 1))],
  ['messages.tools.required', 'text', block((one) => void (one['type'] = 'text'))],
  ['messages.tools.required', 'input as text', block((one) => void (one['input'] = '{}'))],
  ['messages.tools.required', 'a wrong value', block((one) => void (one['input'] = { city: 'Oslo', unit: 'c' }))],
  ['messages.tools.required', 'another reason', whole((body) => void (body.stop_reason = 'end_turn'))],
  ['messages.tools.none', 'a call', block((one) => void (one['type'] = 'tool_use'))],
  ['messages.tools.result', 'ignored', sameCount],
  ...invalid.flatMap((id): Spoiled[] => [
    [id, 'a 422', status(400, 422)],
    [id, 'an error of OpenAI', ({ body }) => void delete body?.type],
    [id, 'without the name', ({ body }) => void (body?.error && (body.error.message = 'wrong'))],
  ]),
  ['messages.unknown-model', 'a 400', status(404, 400)],
  ['messages.stream.frames', 'no names', (exchange) => void delete exchange.named],
  ['messages.stream.order', 'no start of the block', without('content_block_start')],
  ['messages.stream.order', 'no end', without('message_stop')],
  ['messages.stream.order', 'index 1', event('content_block_stop', (one) => void (one.index = 1))],
  ['messages.stream.start', 'no message', event('message_start', (one) => void delete one.message)],
  ['messages.stream.start', 'other input tokens', event('message_start', (one) => void (one.message.usage.input_tokens += 1))], // prettier-ignore
  ['messages.stream.end', 'no reason', event('message_delta', (one) => void (one.delta = {}))],
  ['messages.stream.end', 'no usage', event('message_delta', (one) => void delete one.usage)],
  ['messages.stream.text', 'one piece', frames((all) => all.filter((one, i) => one.type !== 'content_block_delta' || all[i - 1]?.type !== one.type))], // prettier-ignore
  ['messages.stream.tools', 'no name', event('content_block_start', (one) => void delete one.content_block.name)],
  ['messages.stream.tools', 'no pieces', without('content_block_delta')],
  ['messages.stream.error-plain', 'a 200', status(400, 200)],
];

describeSpoiled([...messageChecks, ...messageStreamChecks], table);
