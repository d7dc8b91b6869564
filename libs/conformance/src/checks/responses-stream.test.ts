import { chunks, describeSpoiled, frames, type Spoiled, status } from '../__fixtures__/spoil.ts';
import { responseStreamChecks } from './responses-stream.ts';

const event = (type: string, spoil: (event: Record<string, unknown>) => void) =>
  chunks((one) => void (one.type === `response.${type}` && spoil(one)));
const without = (type: string) => frames((all) => all.filter((one) => one.type !== `response.${type}`));

const table: readonly Spoiled[] = [
  ['responses.stream.frames', 'no names', (exchange) => void delete exchange.named],
  ['responses.stream.frames', 'no empty line at the end', frames((all) => [...all, { raw: 'event: x\n' }])],
  ['responses.stream.sequence', 'from 1', chunks((one) => void (one.sequence_number += 1))],
  ['responses.stream.begin', 'no response.in_progress', without('in_progress')],
  ['responses.stream.begin', 'completed at once', event('created', ({ response }) => void (response = Object.assign(response as object, { status: 'completed' })))], // prettier-ignore
  ['responses.stream.end', 'no last event', frames((all) => all.slice(0, -1))],
  ['responses.stream.end', 'twice', frames((all) => [...all, all.at(-1)])],
  ['responses.stream.end', 'no usage', event('incomplete', (one) => void (one['response'] = { ...(one['response'] as object), usage: null }))], // prettier-ignore
  ['responses.stream.end', 'another id', event('incomplete', (one) => void (one['response'] = { ...(one['response'] as object), id: 'x' }))], // prettier-ignore
  ['responses.stream.order', 'no part', without('content_part.added')],
  ['responses.stream.order', 'no item', without('output_item.added')],
  ['responses.stream.order', 'no done', without('output_text.done')],
  ['responses.stream.text', 'spaces are lost', event('output_text.delta', (one) => void (one['delta'] = String(one['delta']).trim()))], // prettier-ignore
  ['responses.stream.text', 'no text in done', event('output_text.done', (one) => void (one['text'] = ''))],
  ['responses.stream.tools', 'a piece is lost', frames((all) => all.filter((one, i) => one.type !== 'response.function_call_arguments.delta' || all[i - 1]?.type === one.type))], // prettier-ignore
  ['responses.stream.tools', 'no done', without('function_call_arguments.done')],
  ['responses.stream.error-plain', 'a 200', status(400, 200)],
];

describeSpoiled(responseStreamChecks, table);
