#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { XimError } from '@xim/engine';
import { missingBlobs, placeOf } from './cache-layout.ts';
import { fetchArtifact } from './fetch-artifact.ts';
import { createProgressFormatter, formatBytes } from './format-progress.ts';
import { type Models, readModels } from './models-file.ts';
import type { FetchProgress } from './sources.ts';

const HELP = `xim-models: the weights of a service's models.json

  xim-models pull FILE…    fetch what the profiles of every role use; print a folder per artifact
  xim-models list FILE…    show roles, models, licences, sizes and what is in the cache

  --cache FOLDER     the model cache (default: XIM_MODEL_CACHE)
  --python PROGRAM   the Python whose pip finds packages (default: python3)
  --help             show this

XIM_OFFLINE=1 opens no connection: pull then only says whether everything is there.
Exit codes: 0 done, 1 something could not be fetched or read, 2 wrong arguments.`;

/** Without a terminal a line every so often is enough. */
const LINE_MS = 5_000;

interface Settings {
  readonly cacheDir: string;
  readonly python: string;
  readonly offline: boolean;
  readonly signal: AbortSignal;
}

async function main(args: string[]): Promise<number> {
  let parsed;
  try {
    const options = { cache: { type: 'string' }, python: { type: 'string' }, help: { type: 'boolean' } } as const;
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    return misuse((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [command, ...files] = positionals;
  if (command !== 'pull' && command !== 'list') return misuse(`expected pull or list, found ${command ?? 'nothing'}`);
  if (files.length === 0) return misuse(`expected the path of a models.json after ${command}`);
  const cacheDir = values.cache ?? process.env['XIM_MODEL_CACHE'];
  if (!cacheDir) return misuse('expected --cache FOLDER, or the environment variable XIM_MODEL_CACHE');

  const settings: Settings = {
    cacheDir,
    python: values.python ?? 'python3',
    offline: process.env['XIM_OFFLINE'] === '1',
    signal: onInterrupt(),
  };
  let failed = false;
  for (const file of files) {
    try {
      const work = command === 'pull' ? pull : list;
      await work(readModels(file), settings);
    } catch (error) {
      if (!XimError.isInstance(error)) throw error;
      console.error(`xim-models: ${error.message}`);
      failed = true;
    }
  }
  return failed ? 1 : 0;
}

async function pull({ models }: Models, settings: Settings): Promise<void> {
  for (const model of Object.values(models)) {
    const used = model.profiles.map((profile) => profile.artifact).filter((name) => name !== undefined);
    for (const artifact of new Set(used)) {
      const show = createProgressLine();
      try {
        const folder = await fetchArtifact({ ...settings, model, artifact, onProgress: show.onProgress });
        show.end();
        console.log(folder);
      } finally {
        show.end();
      }
    }
  }
}

async function list({ models }: Models, { cacheDir }: Settings): Promise<void> {
  for (const [role, model] of Object.entries(models)) {
    console.log(`${role}: ${model.id}  ${model.task}  ${model.licence}`);
    for (const [name, { files }] of Object.entries(model.artifacts)) {
      const missing = await missingBlobs(placeOf(cacheDir, model, name, files));
      const bytes = files.reduce((sum, { size }) => sum + size, 0);
      const state = missing.length === 0 ? 'in the cache' : `${files.length - missing.length} of ${files.length} files`;
      console.log(`  ${name}  ${formatBytes(bytes)}  ${state}`);
    }
  }
}

/** One line that is rewritten on a terminal, a new line every few seconds elsewhere. */
function createProgressLine(): { onProgress: (progress: FetchProgress) => void; end: () => void } {
  const { stderr } = process;
  const format = createProgressFormatter();
  let open = false;
  let last = -Infinity;
  return {
    onProgress(progress) {
      const line = format(progress);
      if (stderr.isTTY) {
        stderr.write(`\r\u001b[K${line.slice(0, Math.max(20, stderr.columns - 1))}`);
        open = true;
      } else if (performance.now() - last >= LINE_MS || progress.receivedBytes === progress.totalBytes) {
        stderr.write(`${line}\n`);
        last = performance.now();
      }
    },
    end() {
      if (open) stderr.write('\n');
      open = false;
    },
  };
}

/** The first Ctrl-C stops cleanly, which keeps what arrived; a second one kills as usual. */
function onInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

function misuse(problem: string): number {
  console.error(`xim-models: ${problem}. See xim-models --help.`);
  return 2;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`xim-models: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
});
