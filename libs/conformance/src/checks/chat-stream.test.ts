import {
  chunks,
  deltas,
  describeSpoiled,
  frames,
  header,
  refuseWhen,
  type Spoiled,
  whole,
} from '../__fixtures__/spoil.ts';
import { chatStreamChecks } from './chat-stream.ts';

const isEnd = (choice: { finish_reason: unknown }) => choice.finish_reason !== null;
const swapLast = (all: unknown[]) => [...all.slice(0, -2), all.at(-1), all.at(-2)];

const table: readonly Spoiled[] = [
  ['chat.stream.content-type', 'JSON', header('content-type', 'application/json')],
  ['chat.stream.not-compressed', 'a brand of compression', header('content-encoding', 'zstd')],
  ['chat.stream.no-cache', 'no header', header('cache-control', undefined)],
  ['chat.stream.no-buffering', 'no header', header('x-accel-buffering', undefined)],
  ['chat.stream.request-id', 'no header', header('x-request-id', undefined)],
  ['chat.stream.frames', 'an event line', frames((all) => [{ raw: 'event: message\ndata: {}\n\n' }, ...all])],
  ['chat.stream.frames', 'two data lines', frames((all) => [{ raw: 'data: {\ndata: }\n\n' }, ...all])],
  ['chat.stream.frames', 'no empty line at the end', frames((all) => [...all.slice(0, -1), { raw: 'data: [DONE]\n' }])],
  ['chat.stream.frames', 'no JSON', frames((all) => ['hello', ...all])],
  ['chat.stream.done-once', 'none', frames((all) => all.slice(0, -1))],
  ['chat.stream.done-once', 'two', frames((all) => [...all, '[DONE]'])],
  ['chat.stream.done-once', 'something after it', frames((all) => swapLast(all) as object[])],
  ['chat.stream.fields', 'no index', deltas((one) => void delete one.index)],
  ['chat.stream.fields', 'no delta', deltas((one) => void (isEnd(one) && delete one.delta))],
  ['chat.stream.fields', 'no finish_reason', deltas((one) => void (isEnd(one) || delete one.finish_reason))],
  ['chat.stream.fields', 'object of a whole answer', chunks((chunk) => void (chunk.object = 'chat.completion'))],
  ['chat.stream.same-head', 'an id per chunk', chunks((chunk, i) => void (chunk.id += i))],
  ['chat.stream.same-head', 'a time per chunk', chunks((chunk, i) => void (chunk.created += i))],
  ['chat.stream.role-first', 'none', deltas((one) => void delete one.delta.role)],
  ['chat.stream.role-once', 'in each', deltas((one) => void (one.delta.role = 'assistant'))],
  ['chat.stream.role-once', 'null in later ones', deltas((one, i) => void (i > 0 && (one.delta.role = null)))],
  ['chat.stream.finish-once', 'none', deltas((one) => void (one.finish_reason = null))],
  ['chat.stream.finish-once', 'in each', deltas((one) => void (one.finish_reason = 'stop'))],
  ['chat.stream.finish-once', 'a word of the engine', deltas((one) => void (one.finish_reason &&= 'eos'))],
  [
    'chat.stream.finish-once',
    'an empty chunk after it',
    frames((all) => [...all.slice(0, -2), all.at(-2), all[1], all.at(-1)]),
  ],
  ['chat.stream.piecewise', 'one piece', deltas((one, i) => void (i > 1 && delete one.delta.content))],
  ['chat.stream.same-text', 'spaces are lost', deltas((one) => void (one.delta.content &&= one.delta.content.trim()))],
  ['chat.stream.usage-unasked', 'usage in each chunk', chunks((chunk) => void (chunk.usage ??= { total_tokens: 1 }))],
  [
    'chat.stream.usage-unasked',
    'an empty chunk',
    frames((all) => [...all.slice(0, -1), { ...all[0], choices: [] }, '[DONE]']),
  ],
  ['chat.stream.usage-last', 'none', frames((all) => [...all.slice(0, -2), '[DONE]'])],
  [
    'chat.stream.usage-last',
    'with choices',
    chunks((chunk) => void (chunk.usage && (chunk.choices = [{ index: 0, delta: {} }]))),
  ],
  ['chat.stream.usage-last', 'in each chunk', chunks((chunk) => void (chunk.usage ??= { prompt_tokens: 1 }))],
  ['chat.stream.usage-last', 'a wrong sum', chunks((chunk) => void (chunk.usage && (chunk.usage.total_tokens = 1)))],
  ['chat.stream.usage-null', 'left out', chunks((chunk) => void (chunk.usage ?? delete chunk.usage))],
  [
    'chat.stream.usage-equal',
    'other prompt tokens',
    chunks((chunk) => void (chunk.usage && (chunk.usage.prompt_tokens++, chunk.usage.total_tokens++))),
  ],
  [
    'chat.stream.usage-equal',
    'other completion tokens',
    chunks((chunk) => void (chunk.usage && (chunk.usage.completion_tokens++, chunk.usage.total_tokens++))),
  ],
  ['chat.stream.usage-false', 'usage', chunks((chunk) => void (chunk.usage = { total_tokens: 1 }))],
  ['chat.stream.n', 'index 0 for all', deltas((one) => void (one.index = 0))],
  ['chat.stream.n', 'index 0 on the last chunks', deltas((one) => void (isEnd(one) && (one.index = 0)))],
  ['chat.stream.n', 'the role once for all', deltas((one) => void (one.index === 1 && delete one.delta.role))],
  ['chat.stream.n', 'refused', refuseWhen(({ n }) => n > 1, 'n')],
  ['chat.stream.false', 'a stream', header('content-type', 'text/event-stream')],
  ['chat.stream.null', 'no JSON', whole(() => 'hello')],
];

describeSpoiled(chatStreamChecks, table);
