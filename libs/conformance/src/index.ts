// To run the checks against a server from code, such as its tests.
export { type RunOptions, runConformance } from './run.ts';
export { UnreachableError } from './errors.ts';

// What came of it.
export { formatReport, type Outcome, type Report, type Result, type Score } from './report.ts';

// What there is to check.
export { type Check, type Context, TASK_NAMES, type Task, type TaskName } from './check.ts';
export { tasks } from './tasks.ts';
