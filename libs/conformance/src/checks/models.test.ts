import { describeSpoiled, type Spoiled, status, whole } from '../__fixtures__/spoil.ts';
import { modelChecks } from './models.ts';

let now = 1_780_000_000;
/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- entries are spoilt in all ways */
const entries = (spoil: (entry: any) => void) => whole((body) => body.data?.forEach(spoil));

const table: readonly Spoiled[] = [
  ['models.list', 'no owner', entries((entry) => void delete entry.owned_by)],
  ['models.list', 'no object', whole((body) => void delete body.object)],
  ['models.list', 'milliseconds', entries((entry) => void (entry.created *= 1000))],
  ['models.created-stable', 'the time of the call', entries((entry) => void (entry.created = now++))],
  [
    'models.served',
    'another list',
    whole((body) => void (body.data &&= now++ % 2 ? body.data : [{ ...body.data[0], id: `other-${now}` }])),
  ],
  [
    'models.retrieve.encoded',
    'not found',
    (exchange) => void (exchange.path.includes('%2F') && (exchange.status = 404)),
  ],
  ['models.retrieve.plain', 'another model', whole((body) => void (body.id &&= 'other'))],
  ['models.unknown', 'a 400', status(404, 400)],
  [
    'models.unknown',
    'another code',
    (exchange) => void (exchange.body?.error?.code && (exchange.body.error.code = null)),
  ],
];

describeSpoiled(modelChecks, table);
