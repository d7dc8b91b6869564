#!/usr/bin/env node
import process from 'node:process';
import { runCli } from './cli.ts';

/** The first Ctrl-C stops and keeps the received part; a second Ctrl-C kills as usual. */
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  folder: process.cwd(),
  out: process.stdout,
  err: process.stderr,
  signal: interrupted.signal,
}).catch((error: unknown) => {
  console.error(`xim-models: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
});
