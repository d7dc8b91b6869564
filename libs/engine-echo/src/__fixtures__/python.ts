import { join } from 'node:path';

const venvs = process.env['XIM_VENVS']!;

/** The interpreter with the engine's wheels. */
export const python = join(venvs, 'echo/bin/python');
