// The engine.
export { oneapi } from './oneapi-engine.ts';
