// The suite that every engine passes.
export { describeEngine } from './describe-engine.ts';

// Its description of an engine.
export type { BadInput, EngineSuite, EventOf, InputOf, TaskSamples } from './samples.ts';

// For an engine's own tests: events of a finished call in their order, and what a job leaves behind.
export { checkEvents } from './event-order.ts';
export { watchJob } from './job-watch.ts';
export type { JobWatch } from './job-watch.ts';
