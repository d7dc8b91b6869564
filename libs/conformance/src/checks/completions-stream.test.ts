import { chunks, describeSpoiled, frames, header, type Spoiled } from '../__fixtures__/spoil.ts';
import { completionStreamChecks } from './completions-stream.ts';

/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- choices are spoilt in all ways */
const choices = (spoil: (choice: any, i: number) => void) =>
  chunks((chunk, i) => chunk.choices.forEach((one: object) => spoil(one, i)));

const table: readonly Spoiled[] = [
  ['completions.stream.content-type', 'JSON', header('content-type', 'application/json')],
  ['completions.stream.content-type', 'compressed', header('content-encoding', 'zstd')],
  ['completions.stream.frames', 'an event line', frames((all) => [{ raw: 'event: x\ndata: {}\n\n' }, ...all])],
  [
    'completions.stream.frames',
    'no empty line at the end',
    frames((all) => [...all.slice(0, -1), { raw: 'data: [DONE]' }]),
  ],
  ['completions.stream.done-once', 'none', frames((all) => all.slice(0, -1))],
  ['completions.stream.done-once', 'two', frames((all) => [...all, '[DONE]'])],
  ['completions.stream.fields', 'object of a chat', chunks((chunk) => void (chunk.object = 'chat.completion.chunk'))],
  ['completions.stream.fields', 'an id per chunk', chunks((chunk, i) => void (chunk.id += i))],
  ['completions.stream.fields', 'no index', choices((one) => void delete one.index)],
  ['completions.stream.finish-once', 'none', choices((one) => void (one.finish_reason = null))],
  ['completions.stream.finish-once', 'in each', choices((one) => void (one.finish_reason = 'length'))],
  ['completions.stream.same-text', 'spaces are lost', choices((one) => void (one.text = one.text.trim()))],
  ['completions.stream.usage', 'none', frames((all) => [...all.slice(0, -2), '[DONE]'])],
  ['completions.stream.usage', 'left out before', chunks((chunk) => void (chunk.usage ?? delete chunk.usage))],
  [
    'completions.stream.usage',
    'other prompt tokens',
    chunks((chunk) => void (chunk.usage &&= { ...chunk.usage, prompt_tokens: 8, total_tokens: 20 })),
  ],
  ['completions.stream.usage-unasked', 'in each', chunks((chunk) => void (chunk.usage = { total_tokens: 1 }))],
  ['completions.stream.prompts', 'index 0 for all', choices((one) => void (one.index = 0))],
  ['completions.stream.prompts', 'no index', choices((one) => void delete one.index)],
];

describeSpoiled(completionStreamChecks, table);
