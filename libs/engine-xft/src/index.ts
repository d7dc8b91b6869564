// The engine.
export { xft } from './xft-engine.ts';
