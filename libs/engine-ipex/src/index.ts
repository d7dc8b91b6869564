// The engine.
export { ipex } from './ipex-engine.ts';
