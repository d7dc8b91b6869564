import {
  accept,
  choice,
  describeSpoiled,
  frames,
  refuseWhen,
  type Spoiled,
  status,
  whole,
} from '../__fixtures__/spoil.ts';
import { completionChecks } from './completions.ts';

const usage = (change: object) => whole((body) => void Object.assign(body.usage ?? {}, change));
const refusing = completionChecks.map(({ id }) => id).filter((id) => /\.(range|invalid|context-length)\b/.test(id));

const table: readonly Spoiled[] = [
  ['completions.fields', 'object of a chat', whole((body) => void (body.object = 'chat.completion'))],
  ['completions.fields', 'no logprobs', choice((one) => void delete one.logprobs)],
  ['completions.fields', 'a wrong sum', usage({ total_tokens: 1 })],
  ['completions.max-tokens-default', 'on and on', usage({ completion_tokens: 100 })],
  ['completions.max-tokens-default', 'shorter', usage({ completion_tokens: 8 })],
  ['completions.prompts', 'one choice', whole((body) => void body.choices?.splice(1))],
  ['completions.prompts', 'the other way round', whole((body) => void body.choices?.reverse())],
  [
    'completions.prompts',
    'texts swapped',
    choice((one, { request, body }) => {
      const first = (prompt: unknown) => (prompt === 'A, B, C, D,' ? 'letters' : 'numbers');
      one.text = first(request.prompt);
      if (body.choices.length === 2) [body.choices[0].text, body.choices[1].text] = ['letters', 'numbers'];
    }),
  ],
  ['completions.tokens', 'read as text', usage({ prompt_tokens: 9 })],
  ['completions.tokens', 'refused', refuseWhen(({ prompt }) => typeof prompt?.[0] === 'number', 'prompt')],
  ['completions.token-lists', 'refused', refuseWhen(({ prompt }) => Array.isArray(prompt?.[0]), 'prompt')],
  [
    'completions.n',
    'indexes of each prompt',
    whole((body) => body.choices?.forEach((one: { index: number }) => void (one.index %= 2))),
  ],
  ['completions.echo', 'ignored', choice((one) => void (one.text = ' five'))],
  ['completions.stop', 'the text goes on', choice((one, { request }) => void (request.stop && (one.text += ' on')))],
  ['completions.stop', 'another reason', choice((one) => void (one.finish_reason = 'length'))],
  ['completions.stop', 'the stream goes on', frames((all) => [...all.slice(0, 1), ...all])],
  ['completions.best-of', 'all of them', whole((body) => void body.choices?.push(body.choices[0]))],
  ['completions.unknown-fields', 'refused', refuseWhen(({ x_unknown: value }) => value)],
  ...refusing.flatMap((id): Spoiled[] => [
    [id, 'accepted', accept()],
    [id, 'a 422', status(400, 422)],
  ]),
  ['completions.unknown-model', 'accepted', accept()],
];

describeSpoiled(completionChecks, table);
