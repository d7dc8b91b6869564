import { EngineStartError } from '@xim/engine';
import { serve } from '../serve.ts';
import { createFakeFactory, type FakeBehaviour } from './fake-engine.ts';
import { fakeService } from './fake-service.ts';

/** A whole process around a fake engine. Its first argument says how the engine behaves; the rest is the service's. */
const [wanted = '{}'] = process.argv.splice(2, 1);
const { startError, ...behaviour } = JSON.parse(wanted) as Partial<FakeBehaviour> & { startError?: string };
const startErrors =
  startError === undefined
    ? []
    : [new EngineStartError(startError, { permanent: true, lastWords: ['its last words'] })];

await serve(fakeService(createFakeFactory({ ...behaviour, startErrors })));
