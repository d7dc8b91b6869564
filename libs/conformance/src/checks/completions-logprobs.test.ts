import { choice, describeSpoiled, type Spoiled } from '../__fixtures__/spoil.ts';
import { completionLogprobChecks } from './completions-logprobs.ts';

const none = choice((one) => void (one.logprobs = null));
/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- arrays are spoilt in all ways */
const logprobs = (spoil: (logprobs: any) => void) => choice((one) => one.logprobs && spoil(one.logprobs));

const table: readonly Spoiled[] = [
  ['completions.logprobs.fields', 'dropped in silence', none],
  ['completions.logprobs.fields', 'of chat', choice((one) => void (one.logprobs = { content: [], refusal: null }))],
  ['completions.logprobs.fields', 'of different length', logprobs((all) => void all.token_logprobs.pop())],
  ['completions.logprobs.fields', 'above 0', logprobs((all) => void all.token_logprobs.fill(0.5))],
  ['completions.logprobs.fields', 'other tokens', logprobs((all) => void all.tokens.fill('x'))],
  ['completions.logprobs.top', 'one alternative', logprobs((all) => void all.top_logprobs.fill({ a: -1 }))],
  ['completions.logprobs.top', 'none', logprobs((all) => void (all.top_logprobs = null))],
  ['completions.logprobs.zero', 'taken for no', none],
  ['completions.logprobs.offsets', 'from the text on', logprobs((all) => void (all.text_offset[0] = 0))],
  ['completions.logprobs.offsets', 'falling', logprobs((all) => void (all.text_offset[2] = 0))],
  ['completions.logprobs.echo', 'a number first', logprobs((all) => void (all.token_logprobs[0] = -1))],
  [
    'completions.logprobs.echo',
    'null for the whole prompt',
    logprobs((all) => void all.token_logprobs.fill(null, 0, 3)),
  ],
  ['completions.logprobs.echo', 'without the prompt', logprobs((all) => void (all.tokens[0] = 'x'))],
  ['completions.logprobs.echo', 'offsets of the text', logprobs((all) => void (all.text_offset[0] = 22))],
  ['completions.logit-bias', 'ignored', choice((one) => void (one.text = 'One, two'))],
];

describeSpoiled(completionLogprobChecks, table);
