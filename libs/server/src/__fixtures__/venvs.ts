/** The folder with the engines' environments: engine-echo's worker needs its wheels. */
export const venvs = process.env['XIM_VENVS']!;
