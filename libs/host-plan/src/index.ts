// The resources of this host.
export { readHost } from './host/read-host.ts';
export { readBusySeconds, readPressure } from './host/pressure.ts';
export type { Pressure } from './host/pressure.ts';
export { readProcessSeconds } from './host/process-time.ts';
export { joulesBetween, readRapl } from './host/rapl.ts';
export type { EnergyCounter } from './host/rapl.ts';

// The share of a service.
export { planFor } from './plan/plan.ts';
export type { PlanOptions } from './plan/plan.ts';
export type { PlanRequest } from './plan/plan-request.ts';

// For people.
export { formatHost } from './cli/format-host.ts';
export { formatPlan } from './cli/format-plan.ts';

// Errors.
export { HostTooSmallError, PlanRequestError, UnsupportedPlatformError } from './errors.ts';
