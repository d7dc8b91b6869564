import { choice, deltas, describeSpoiled, refuseWhen, type Spoiled } from '../__fixtures__/spoil.ts';
import { chatLogprobChecks } from './chat-logprobs.ts';

/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- entries are spoilt in all ways */
const entries = (spoil: (entry: any) => void) => choice((one) => one.logprobs?.content.forEach(spoil));

const table: readonly Spoiled[] = [
  ['chat.logprobs.fields', 'dropped in silence', choice((one) => void (one.logprobs = null))],
  ['chat.logprobs.fields', 'no refusal', choice((one) => void delete one.logprobs?.refusal)],
  ['chat.logprobs.fields', 'above 0', entries((entry) => void (entry.logprob = 0.5))],
  ['chat.logprobs.fields', 'no bytes', entries((entry) => void delete entry.bytes)],
  ['chat.logprobs.fields', 'no top_logprobs', entries((entry) => void delete entry.top_logprobs)],
  ['chat.logprobs.fields', 'refused for another parameter', refuseWhen(({ logprobs }) => logprobs, 'temperature')],
  ['chat.logprobs.joined', 'a token is lost', choice((one) => void one.logprobs?.content.splice(1, 1))],
  ['chat.logprobs.top', 'too few', entries((entry) => void entry.top_logprobs.splice(1))],
  ['chat.logprobs.top', 'the worst first', entries((entry) => void entry.top_logprobs.reverse())],
  ['chat.logprobs.stream', 'none', deltas((one) => void (one.logprobs = null))],
  [
    'chat.logprobs.stream',
    'of other tokens',
    deltas((one) => void (one.logprobs &&= { ...one.logprobs, content: [] })),
  ],
];

describeSpoiled(chatLogprobChecks, table);
