// For tests of services.
export { openService } from './open-service.ts';
export type { OpenService } from './open-service.ts';
