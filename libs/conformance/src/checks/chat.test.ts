import { choice, describeSpoiled, refuseWhen, type Spoiled, whole } from '../__fixtures__/spoil.ts';
import { chatChecks } from './chat.ts';

const usage = (change: object) =>
  whole((body) => {
    Object.assign(body.usage ?? {}, change);
  });
const system = ({ messages }: { messages?: { role: string }[] }, role: string) =>
  messages?.some((one) => one.role === role);
/** Prompts count alike, whatever is in them. */
const alike = usage({ prompt_tokens: 9 });
let turn = 0;

const table: readonly Spoiled[] = [
  ['chat.fields', 'no object', whole((body) => void delete body.object)],
  ['chat.fields', 'milliseconds', whole((body) => void (body.created *= 1000))],
  ['chat.fields', 'no refusal', choice((one) => void delete one.message?.refusal)],
  ['chat.fields', 'no role', choice((one) => void delete one.message?.role)],
  ['chat.fields', 'no index', choice((one) => void delete one.index)],
  ['chat.finish-reason', 'a word of the engine', choice((one) => void (one.finish_reason = 'eos'))],
  ['chat.finish-reason', 'stop for a cut text', choice((one) => void (one.finish_reason = 'stop'))],
  ['chat.logprobs.null', 'left out', choice((one) => void delete one.logprobs)],
  ['chat.usage', 'no usage', whole((body) => void delete body.usage)],
  ['chat.usage', 'a wrong sum', usage({ total_tokens: 7 })],
  ['chat.usage', 'no tokens', usage({ completion_tokens: 0 })],
  ['chat.text', 'nothing', choice((one) => void (one.message.content = ' '))],
  ['chat.id-unique', 'always the same', whole((body) => void (body.id = 'chatcmpl-1'))],
  ['chat.max-completion-tokens', 'ignored', usage({ completion_tokens: 50 })],
  ['chat.max-tokens', 'not told', choice((one) => void (one.finish_reason = 'stop'))],
  ['chat.n', 'one choice', whole((body) => void body.choices?.splice(1))],
  ['chat.n', 'one index', whole((body) => body.choices?.forEach((one: { index: number }) => void (one.index = 0)))],
  ['chat.stable', 'another text each time', choice((one) => void (one.message.content += turn++))],
  ['chat.unknown-fields', 'refused', refuseWhen(({ x_unknown: value }) => value)],
  ['chat.nulls', 'refused', refuseWhen(({ stop }) => stop === null, 'stop')],
  ['chat.harmless-fields', 'refused', refuseWhen(({ user }) => user, 'user')],
  ['chat.multi-turn', 'the history is dropped', alike],
  ['chat.role.system', 'dropped', alike],
  ['chat.role.developer', 'refused', refuseWhen((body) => system(body, 'developer'), 'messages')],
  ['chat.parts.user', 'dropped', usage({ prompt_tokens: 9 })],
  ['chat.parts.user', 'refused', refuseWhen(({ messages }) => Array.isArray(messages?.[0].content), 'messages')],
  ['chat.parts.all-roles', 'refused', refuseWhen(({ messages }) => Array.isArray(messages?.[0].content), 'messages')],
];

describeSpoiled(chatChecks, table);
