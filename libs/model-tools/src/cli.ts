import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { XimError } from '@xim/engine';
import { isHubOffline, toCacheDir, toHub } from '@xim/model-cache';
import { findClone } from '@xim/model-cache/internal';
import { type Context, UsageError } from './commands/command.ts';
import { COMMANDS } from './commands/index.ts';
import { createProgressLine, type Terminal } from './progress-line.ts';

/** The process that a command line runs in. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly out: Terminal;
  readonly err: Terminal;
  readonly signal: AbortSignal;
}

const OPTIONS = {
  all: { type: 'boolean' },
  cache: { type: 'string' },
  python: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const COMMON = `  --all              every app's models.json of the workspace, instead of FILE…
  --cache FOLDER     the model cache (default: XIM_MODEL_CACHE, else .model_cache in a clone, else the hub's own)
  --python PROGRAM   the Python whose pip finds packages (default: python3)
  --json             print the result as JSON
  --help             show this

HF_TOKEN or the token of "hf auth login" is for gated models, HF_ENDPOINT for a mirror of the hub.
HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, and the certificates of SSL_CERT_FILE or REQUESTS_CA_BUNDLE, are used.
XIM_OFFLINE=1 (or HF_HUB_OFFLINE=1) opens no connection: what is missing is then an error.
Exit codes: 0 done, 1 something could not be fetched, read or found right, 2 wrong arguments.`;

/** The program without the process; resolves with its exit code. */
export async function runCli(args: readonly string[], world: World): Promise<number> {
  const { out, err } = world;
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    out.write(`${help()}\n`);
    return 0;
  }
  try {
    const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) throw new UsageError(`expected ${Object.keys(COMMANDS).join(', ')}, found ${name ?? 'nothing'}`);
    const { values, positionals } = parse(rest, command.options);
    if (values['help'] === true) {
      out.write(`xim-models ${name}: ${command.summary}\n\n  npx xim-models ${name} ${command.usage}\n\n${COMMON}\n`);
      return 0;
    }
    const files = values['all'] === true ? allFiles(world.folder) : [];
    if (command.files && positionals.length + files.length === 0) {
      throw new UsageError(`expected the path of a models.json after ${name}, or --all`);
    }
    let failed = false;
    const json = values['json'] === true;
    const context: Context = {
      args: [...positionals, ...files],
      values,
      cacheDir: toCacheDir(
        typeof values['cache'] === 'string' ? { XIM_MODEL_CACHE: values['cache'] } : world.env,
        world.folder,
      ),
      python: typeof values['python'] === 'string' ? values['python'] : 'python3',
      offline: toOffline(world.env),
      hub: toHub(world.env),
      signal: world.signal,
      env: world.env,
      say: (line) => void (json || out.write(`${line}\n`)),
      note: (line) => void err.write(`xim-models: ${line}\n`),
      fail: (message) => {
        failed = true;
        err.write(`xim-models: ${message}\n`);
      },
      progress: () => createProgressLine(err),
    };
    const result = await command.run(context);
    if (json) out.write(`${JSON.stringify(result ?? null, null, 2)}\n`);
    return failed ? 1 : 0;
  } catch (error) {
    if (XimError.isInstance(error)) {
      err.write(`xim-models: ${error.message}\n`);
      return 1;
    }
    if (!(error instanceof UsageError)) throw error;
    const of = name !== undefined && Object.hasOwn(COMMANDS, name) ? `${name} ` : '';
    err.write(`xim-models: ${error.message}. See npx xim-models ${of}--help.\n`);
    return 2;
  }
}

function parse(args: readonly string[], options: (typeof COMMANDS)[string]['options']) {
  try {
    const all = { ...OPTIONS, ...options };
    return parseArgs({ args: [...args], options: all, allowPositionals: true }) as {
      values: Context['values'];
      positionals: string[];
    };
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/\.$/, ''));
  }
}

function allFiles(folder: string): string[] {
  const root = findClone(folder);
  if (root === undefined) throw new UsageError('expected --all only within a clone of the workspace');
  const apps = readdirSync(join(root, 'apps'), { recursive: false, withFileTypes: true });
  return apps
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(root, 'apps', name, 'models.json'))
    .filter((file) => readdirSync(join(file, '..')).includes('models.json'))
    .sort();
}

/** As the services read it, in which `XIM_OFFLINE` has the last word. */
function toOffline(env: World['env']): boolean {
  const text = env['XIM_OFFLINE']?.toLowerCase();
  return text ? ['1', 'true', 'yes', 'on', 'y', 'enabled'].includes(text) : isHubOffline(env);
}

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `xim-models: the weights of a service's models.json\n\n${lines.join('\n')}\n\nnpx xim-models COMMAND --help explains a command.\n\n${COMMON}`;
}
