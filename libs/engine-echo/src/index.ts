// The engine and the models it runs.
export { echo } from './echo-engine.ts';
export { echoModel } from './echo-models.ts';
export type { EchoFaults, EchoOptions } from './echo-options.ts';
