import {
  accept,
  choice,
  deltas,
  describeSpoiled,
  refuseWhen,
  type Spoiled,
  status,
  whole,
} from '../__fixtures__/spoil.ts';
import { chatFormatChecks } from './chat-format.ts';

const says = (text: string) => choice((one) => void (one.message.content = text));
const invalid = chatFormatChecks.map(({ id }) => id).filter((id) => id.startsWith('chat.format.invalid.'));
let dead = false;

const table: readonly Spoiled[] = [
  ['chat.format.json-schema-strict', 'prose', says('Here it is: {}')],
  [
    'chat.format.json-schema-strict',
    'a key too many',
    says('{"status":"ok","done":true,"level":1,"detail":{"colour":"red"},"x":1}'),
  ],
  [
    'chat.format.json-schema-strict',
    'a wrong value',
    says('{"status":"fine","done":true,"level":1,"detail":{"colour":"red"}}'),
  ],
  [
    'chat.format.json-schema-strict',
    'a fence',
    choice((one) => void (one.message.content = `\`\`\`json\n${one.message.content}\n\`\`\``)),
  ],
  ['chat.format.json-schema-strict', 'refused', refuseWhen(({ response_format: format }) => format, 'response_format')],
  ['chat.format.json-schema', 'another reason', choice((one) => void (one.finish_reason = 'length'))],
  [
    'chat.format.json-schema-sampled',
    'the last choice is cut',
    whole((body) => void (body.choices?.at(-1) && (body.choices.at(-1).message.content = '{'))),
  ],
  ['chat.format.json-schema-stream', 'a piece is lost', deltas((one, i) => void (i === 2 && delete one.delta.content))],
  [
    'chat.format.utf8',
    'half a character',
    deltas((one) => void (one.delta.content &&= one.delta.content.replace('日', '\uFFFD'))),
  ],
  ['chat.format.json-object', 'prose', says('My name is Fake.')],
  ['chat.format.json-object', 'a list', says('[1]')],
  [
    'chat.format.text',
    'refused',
    refuseWhen(({ response_format: format }) => format?.type === 'text', 'response_format'),
  ],
  ...invalid.flatMap((id): Spoiled[] => [
    [id, 'accepted', accept()],
    [id, 'a 500', status(400, 500)],
    [
      id,
      'the service dies of it',
      (exchange) => {
        exchange.broken = dead;
        dead = exchange.status === 400;
      },
    ],
  ]),
];

describeSpoiled(chatFormatChecks, table);
