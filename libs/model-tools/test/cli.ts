import { runCli } from '../src/cli.ts';

export interface CliOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `xim-models` in this process, with the given environment variables. */
export async function cli(args: readonly string[], env: Record<string, string>, folder = '/'): Promise<CliOutcome> {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    env,
    folder,
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    signal: new AbortController().signal,
  });
  return { code, out, err };
}
