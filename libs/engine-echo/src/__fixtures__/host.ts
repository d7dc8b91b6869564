// A host that is killed: it starts an engine of several ranks, lets it hang in native code, and waits.
import { echo } from '../echo-engine.ts';
import { echoModel } from '../echo-models.ts';
import { python } from './python.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const plan = { threads: 1, slots: 1, queue: 1, kvCacheBytes: 0, batchTokens: 64, stallMs: 1000, reasons: [] };
const model = echoModel('generate', { ranks: 3, faults: { hangAfterTokens: 1 } });
const engine = echo.create({ profile: model.profiles[0]!, plan, model, modelPath: '', python, log: silent });
await engine.start();
const call = engine.generate!({ prompt: { text: 'a b c' } }, { id: 'host', signal: new AbortController().signal });
for await (const event of call) if (event.type === 'text-delta') process.stdout.write('hanging\n');
