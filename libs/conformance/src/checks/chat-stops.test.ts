import { accept, choice, deltas, describeSpoiled, refuseWhen, type Spoiled } from '../__fixtures__/spoil.ts';
import { chatStopChecks } from './chat-stops.ts';

const stopped = ({ request }: { request: { stop?: unknown } }) => request?.stop != null;
/** What the model would have gone on to say. */
const leak = choice((one, exchange) => {
  if (stopped(exchange)) one.message.content += ' and the stop string';
});

const table: readonly Spoiled[] = [
  ['chat.stop.string', 'the text goes on', leak],
  ['chat.stop.string', 'another reason', choice((one) => void (one.finish_reason = 'length'))],
  ['chat.stop.list', 'the text goes on', leak],
  ['chat.stop.list', 'four are refused', refuseWhen(({ stop }) => stop?.length > 3, 'stop')],
  ['chat.stop.stream', 'the stop string leaks', deltas((one) => void (one.delta.content &&= `${one.delta.content}!`))],
  ['chat.stop.stream', 'another reason', deltas((one) => void (one.finish_reason &&= 'length'))],
  ['chat.stop.five', 'accepted', accept()],
  ['chat.stop.null', 'refused', refuseWhen(({ stop }) => stop === null, 'stop')],
  ['chat.logit-bias', 'ignored', choice((one) => void (one.message.content = 'One, two'))],
  ['chat.utf8', 'half a character', choice((one) => void (one.message.content += '\uFFFD'))],
  ['chat.utf8', 'half a character in a stream', deltas((one) => void (one.delta.content += '\uFFFD'))],
];

describeSpoiled(chatStopChecks, table);
