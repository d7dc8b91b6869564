import { accept, describeSpoiled, refuseWhen, type Spoiled, status, whole } from '../__fixtures__/spoil.ts';
import { responseChecks } from './responses.ts';
import { responseOutputChecks } from './responses-output.ts';

const invalid = [...responseChecks, ...responseOutputChecks]
  .map(({ id }) => id)
  .filter((id) => id.includes('.invalid'));
const item = (spoil: (item: Record<string, unknown>) => void) => whole((body) => body.output?.forEach(spoil));
const said = (text: string) =>
  item((one) => void (one['content'] &&= [{ type: 'output_text', text, annotations: [] }]));
const sameCount = whole((body) => void (body.usage && (body.usage.input_tokens = 9)));

const table: readonly Spoiled[] = [
  ['responses.fields', 'the object of another API', whole((body) => void (body.object = 'chat.completion'))],
  ['responses.fields', 'milliseconds', whole((body) => void (body.created_at *= 1000))],
  ['responses.fields', 'no metadata', whole((body) => void delete body.metadata)],
  ['responses.message', 'text as a string', item((one) => void (one['content'] = 'One'))],
  [
    'responses.message',
    'no annotations',
    item((one) => void (one['content'] = [{ type: 'output_text', text: 'One' }])),
  ],
  ['responses.message', 'no text', said('')],
  ['responses.usage', 'the names of chat completions', whole((body) => void (body.usage = { prompt_tokens: 1 }))],
  ['responses.usage', 'a wrong sum', whole((body) => void (body.usage.total_tokens += 1))],
  ['responses.usage', 'no details', whole((body) => void delete body.usage.output_tokens_details)],
  ['responses.incomplete', 'completed', whole((body) => void (body.status = 'completed'))],
  ['responses.incomplete', 'no reason', whole((body) => void (body.incomplete_details = null))],
  ['responses.input-items', 'parts are ignored', whole((body, { request }) => void (Array.isArray(request.input[0]?.content) && (body.usage.input_tokens = 2)))], // prettier-ignore
  ['responses.instructions', 'ignored', sameCount],
  ['responses.history', 'ignored', sameCount],
  ['responses.history', 'refused', refuseWhen(({ input }) => input?.length === 3, 'input')],
  ['responses.metadata', 'lost', whole((body) => void (body.metadata = {}))],
  ['responses.reasoning', 'not told', whole((body) => void (body.reasoning = { effort: null }))],
  ['responses.reasoning', 'no summary', item((one) => void delete one['summary'])],
  ...invalid.flatMap((id): Spoiled[] => [
    [id, 'accepted', accept()],
    [id, 'a 422', status(400, 422)],
  ]),
  ['responses.unknown-model', 'another code', ({ body }) => void (body?.error && (body.error.code = null))],
  ['responses.context-length', 'another code', ({ body }) => void (body?.error && (body.error.code = 'too_long'))],
  ['responses.state.store', 'not kept', (exchange) => void (exchange.method === 'GET' && (exchange.status = 404))],
  ['responses.state.store', 'refused without its name', refuseWhen(({ store }) => store === true)],
  ['responses.state.previous-response-id', 'an unknown id is ignored', (exchange) => void (exchange.status === 404 && Object.assign(exchange, { status: 200 }))], // prettier-ignore
  ['responses.state.previous-response-id', 'a known id is ignored', sameCount],
  ['responses.format.json-schema', 'prose', said('Here it is: {}')],
  ['responses.format.json-schema', 'a key too many', said('{"status":"ok","done":true,"x":1}')],
  ['responses.format.json-schema', 'refused', refuseWhen(({ text }) => text?.format, 'text.format')],
  ['responses.tools.required', 'text', item((one) => void Object.assign(one, { type: 'message' }))],
  ['responses.tools.required', 'no call_id', item((one) => void delete one['call_id'])],
  ['responses.tools.required', 'arguments as an object', item((one) => void (one['arguments'] = {}))],
  ['responses.tools.required', 'a wrong value', item((one) => void (one['arguments'] = '{"city":"Oslo","unit":"c"}'))],
  ['responses.tools.none', 'a call', item((one) => void (one['type'] = 'function_call'))],
  ['responses.tools.result', 'ignored', sameCount],
];

describeSpoiled([...responseChecks, ...responseOutputChecks], table);
