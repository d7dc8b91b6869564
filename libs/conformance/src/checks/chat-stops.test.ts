import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeServer, startFakeServer } from '../__fixtures__/fake-server.ts';
import { accept, choice, deltas, describeSpoiled, refuseWhen, type Spoiled, whole } from '../__fixtures__/spoil.ts';
import { runConformance } from '../run.ts';
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

describe('a server whose batches round differently', () => {
  let fake: FakeServer;
  beforeAll(async () => {
    fake = await startFakeServer();
  });
  afterAll(() => fake.close());

  it.each(['chat.stop.string', 'chat.stop.list', 'completions.stop', 'messages.stop-sequences'])(
    'passes %s where a later text is equal',
    async (id) => {
      let answers = 0;
      // The first answer to a request with a stop string has another text than the next ones.
      fake.tamper = whole((body, { request }) => {
        if ((request?.stop ?? request?.stop_sequences) === undefined || (answers += 1) > 1) return;
        const other = 'Uno, due, tre, quattro, cinque, sei, sette';
        if (body.content) Object.assign(body, { content: [{ type: 'text', text: other }], stop_reason: 'end_turn' });
        else if (body.choices[0].message) body.choices[0].message.content = other;
        else body.choices[0].text = other;
      });
      const { results } = await runConformance({ baseUrl: fake.url, only: [id], timeoutSeconds: 20, concurrency: 1 });
      expect(results).toMatchObject([{ outcome: 'passed' }]);
      expect(answers).toBeGreaterThan(1);
    },
  );
});
