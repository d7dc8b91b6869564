// Runs the checks from code, such as the tests of a server.
export { type RunOptions, runConformance } from './run.ts';
export { UnreachableError } from './errors.ts';

// The report.
export type { Kind } from './kinds.ts';
export { type Fault, formatReport, type Outcome, type Report, type Result, type Score } from './report.ts';

// The checks.
export { type Check, type Context, TASK_NAMES, type Task, type TaskName } from './check.ts';
export { tasks } from './tasks.ts';
