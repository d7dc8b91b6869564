// What this host offers.
export { readHost } from './host/read-host.ts';

// What a service takes of it.
export { planFor } from './plan/plan.ts';
export type { PlanOptions } from './plan/plan.ts';
export type { PlanRequest } from './plan/plan-request.ts';

// For people.
export { formatHost } from './cli/format-host.ts';
export { formatPlan } from './cli/format-plan.ts';

// Errors.
export { HostTooSmallError, PlanRequestError, UnsupportedPlatformError } from './errors.ts';
