// The program `xim-models` without its process.
export { runCli } from './cli.ts';
export type { World } from './cli.ts';
