// What this host offers.
export { readHost } from './read-host.ts';

// What a service takes of it.
export { planFor } from './plan.ts';
export type { PlanOptions } from './plan.ts';
export type { PlanRequest } from './plan-request.ts';

// For people.
export { formatHost } from './format-host.ts';
export { formatPlan } from './format-plan.ts';

// Errors.
export { HostTooSmallError, PlanRequestError, UnsupportedPlatformError } from './errors.ts';
