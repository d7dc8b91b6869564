import { tmpdir } from 'node:os';
import {
  checkNetwork,
  expandHome,
  isHubOffline,
  type Network,
  toCacheDir,
  toNetwork,
  toTokenFile,
} from '@xim/model-cache';
import { z } from 'zod';
import { ServiceStartError } from '../errors/errors.ts';
import { isApiKey, isFolder, isHost, isEndpoint, isOrigin, isTrimmed, mayBeFolder } from './config-values.ts';
import { alias, bytes, count, grams, list, seconds, settings, watts } from './settings.ts';
import { warnOfUnknown } from './unknown-variables.ts';

/** The whole configuration of a service: `--help` and the table in docs/settings.md are printed from it. */
export const configSchema = z.object({
  host: z.string().refine(isHost).default('127.0.0.1').register(settings, {
    env: 'XIM_HOST',
    expected: 'an address or a host name of this machine, without scheme and port',
    advice: 'Address to listen on; 0.0.0.0 takes requests from other machines, and then needs XIM_API_KEYS.',
  }),
  port: z.coerce.number().int().min(0).max(65_535).default(8000).register(settings, {
    env: 'XIM_PORT',
    expected: 'a whole number from 0 to 65535',
    advice: 'Port to listen on; 0 takes any free one.',
  }),
  engine: z.string().optional().register(settings, {
    env: 'XIM_ENGINE',
    expected: 'the name of one of the service’s engines',
    advice: 'Pins one engine; without it the first that this host can run is taken.',
  }),
  model: z.string().refine(isTrimmed).optional().register(settings, {
    env: 'XIM_MODEL',
    expected: 'org/name, org/name@revision, org/name#file, or the path of a file or a folder',
    advice:
      'Your own model instead of the service’s: a file, a folder, or org/name[@revision][#file] on the hub; see docs/own-models.md.',
  }),
  // A variable that is set and holds no key is a mistake that would open the service.
  apiKeys: list
    .refine((keys) => keys.length > 0 && keys.every(isApiKey))
    .default([])
    .register(settings, {
      env: 'XIM_API_KEYS',
      expected: 'keys separated by commas, each of visible ASCII characters without spaces',
      advice:
        'Keys that clients send as "Authorization: Bearer …"; they cover everything but health and the page at /.',
      secret: true,
    }),
  apiKeysFile: z.string().optional().register(settings, {
    env: 'XIM_API_KEYS_FILE',
    expected: 'the path of a readable file',
    advice:
      'File with one key per line, added to XIM_API_KEYS; SIGHUP reads it again, so that keys change without a restart.',
  }),
  publicUrl: z.string().refine(isEndpoint).optional().register(settings, {
    env: 'XIM_PUBLIC_URL',
    expected: 'the address that clients reach the service by, as https://…, without login, query and fragment',
    advice:
      'Lets answers hold addresses of pictures (response_format "url"), which this replica keeps in memory for an hour.',
  }),
  corsOrigins: list
    .refine((origins) => origins.every(isOrigin))
    .default([])
    .register(settings, {
      env: 'XIM_CORS_ORIGINS',
      expected: 'origins as browsers send them (https://host or https://host:port, no path), separated by commas, or *',
      advice: 'Web pages that may call this service from a browser; none without it.',
    }),
  modelAliases: list.pipe(z.array(alias)).default([]).register(settings, {
    env: 'XIM_MODEL_ALIASES',
    expected: 'names separated by commas, each "name" or "name=model id", without spaces',
    advice: 'Further names that mean the served model, such as gpt-4o, so that a client changes only its base URL.',
  }),
  modelStrict: z.stringbool().default(false).register(settings, {
    env: 'XIM_MODEL_STRICT',
    expected: '1 or 0',
    advice: 'Requests must name the served model; without it, none and placeholders such as "dummy" and "tgi" mean it.',
  }),
  modelCache: z.string().refine(mayBeFolder).register(settings, {
    env: 'XIM_MODEL_CACHE',
    expected: 'the path of a folder',
    advice: 'Folder of the weights, in the Hugging Face hub’s layout; share it between services.',
    shown: '.model_cache in a clone, else the hub’s own',
  }),
  hubEndpoint: z.string().refine(isEndpoint).default('https://huggingface.co').register(settings, {
    env: 'HF_ENDPOINT',
    expected: 'the address of the hub or of a mirror, as https://…, without login, query and fragment',
    advice: 'The Hugging Face hub that models come from; a mirror of it serves as well, since checksums are known.',
  }),
  hubToken: z.string().trim().refine(isApiKey).optional().register(settings, {
    env: 'HF_TOKEN',
    expected: 'a token of the hub, visible ASCII characters without spaces',
    advice: 'For gated models; without it the token that "hf auth login" left is taken. Only the hub gets it.',
    secret: true,
  }),
  hubTokenFile: z.string().register(settings, {
    env: 'HF_TOKEN_PATH',
    expected: 'the path of a file',
    advice: 'File with that token, such as a mounted secret.',
    shown: '~/.cache/huggingface/token',
  }),
  offline: z.stringbool().default(false).register(settings, {
    env: 'XIM_OFFLINE',
    expected: '1 or 0',
    advice: '1 never touches the network: a model that is not in the cache is an error.',
  }),
  venvs: z.string().refine(isFolder).optional().register(settings, {
    env: 'XIM_VENVS',
    expected: 'the path of a folder that is there',
    advice:
      'Folder with virtual environments: ENGINE, or SERVICE@ENGINE of a service with its own wheels; without one, python3.',
  }),
  exact: z.stringbool().default(false).register(settings, {
    env: 'XIM_EXACT',
    expected: '1 or 0',
    advice:
      '1 computes in f32, so that a greedy text does not depend on what else runs; slower where AMX, AVX-512 BF16 or VNNI would be used.',
  }),
  threads: count.optional().register(settings, {
    env: 'XIM_THREADS',
    expected: 'a whole number from 1',
    advice: 'Threads of the engine; better left to the plan, which knows quota and affinity.',
    shown: 'planned',
  }),
  slots: count.optional().register(settings, {
    env: 'XIM_SLOTS',
    expected: 'a whole number from 1',
    advice: 'Sequences that run at once; more slots raise throughput and latency.',
    shown: 'planned',
  }),
  queue: z.coerce.number().int().min(0).max(1_000_000).optional().register(settings, {
    env: 'XIM_QUEUE',
    expected: 'a whole number from 0',
    advice: 'Sequences that may wait for a slot; beyond it clients get 429 with Retry-After.',
    shown: 'planned',
  }),
  kvCacheBytes: bytes.optional().register(settings, {
    env: 'XIM_KV_CACHE_BYTES',
    expected: 'a whole number of bytes from 1',
    advice: 'Memory for the key-value cache; it bounds how much text all slots hold together.',
    shown: 'planned',
  }),
  stallSeconds: seconds.optional().register(settings, {
    env: 'XIM_STALL_SECONDS',
    expected: 'seconds, above 0',
    advice: 'Time without any progress, with work open, after which the engine is replaced.',
    shown: 'planned',
  }),
  requestTimeoutSeconds: seconds.default(600).register(settings, {
    env: 'XIM_REQUEST_TIMEOUT_SECONDS',
    expected: 'seconds, above 0, at most 86400',
    advice: 'Deadline of every request, waiting included; a client may ask for less with x-request-timeout.',
  }),
  readTimeoutSeconds: seconds.default(30).register(settings, {
    env: 'XIM_READ_TIMEOUT_SECONDS',
    expected: 'seconds, above 0, at most 86400',
    advice: 'A client that reads nothing of its answer for so long is cut off.',
  }),
  drainSeconds: z.coerce.number().min(0).max(86_400).default(30).register(settings, {
    env: 'XIM_DRAIN_SECONDS',
    expected: 'seconds from 0 to 86400',
    advice: 'Time that running requests get to finish after SIGTERM; keep it below the orchestrator’s grace period.',
  }),
  bodyLimitBytes: bytes.default(4 * 1024 * 1024).register(settings, {
    env: 'XIM_BODY_LIMIT_BYTES',
    expected: 'a whole number of bytes from 1',
    advice: 'Largest JSON body; a larger one is refused before it is read.',
  }),
  maxInputCharacters: count.default(4096).register(settings, {
    env: 'XIM_MAX_INPUT_CHARACTERS',
    expected: 'a whole number from 1 to 1000000',
    advice: 'Longest text of one speech request; OpenAI takes 4096 characters.',
  }),
  uploadLimitBytes: bytes.default(256 * 1024 * 1024).register(settings, {
    env: 'XIM_UPLOAD_LIMIT_BYTES',
    expected: 'a whole number of bytes from 1',
    advice:
      'Largest upload, of which XIM_TMP holds one per slot; the default is two hours of 16-bit mono WAV at 16 kHz.',
  }),
  uploadTimeoutSeconds: seconds.default(300).register(settings, {
    env: 'XIM_UPLOAD_TIMEOUT_SECONDS',
    expected: 'seconds, above 0, at most 86400',
    advice: 'Time that an upload may take once it has its slot; the deadline of the request counts from its end.',
  }),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info').register(settings, {
    env: 'XIM_LOG_LEVEL',
    expected: 'trace, debug, info, warn, error, fatal or silent',
    advice: 'debug adds the engine’s own log and the health probes.',
  }),
  logFormat: z.enum(['auto', 'json', 'text']).default('auto').register(settings, {
    env: 'XIM_LOG_FORMAT',
    expected: 'auto, json or text',
    advice:
      'text is short lines for people, with bars for progress on a terminal; auto is text on a terminal, else json.',
  }),
  otlpEndpoint: z.string().refine(isEndpoint).optional().register(settings, {
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    expected: 'the http or https address of a collector, such as http://127.0.0.1:4318',
    advice: 'Collector of OpenTelemetry that takes traces by OTLP over HTTP; without it none are made.',
  }),
  wattsPerCore: watts.optional().register(settings, {
    env: 'XIM_WATTS_PER_CORE',
    expected: 'watts, above 0, at most 1000',
    advice: 'Power of a busy core, for an estimate of energy where the CPU’s own counters cannot be read.',
  }),
  carbonGramsPerKwh: grams.optional().register(settings, {
    env: 'XIM_CARBON_GRAMS_PER_KWH',
    expected: 'grams of CO2 from 0 to 5000',
    advice: 'Carbon intensity of the electricity, for the metrics of CO2; without it there are none.',
  }),
  page: z.enum(['on', 'off']).default('on').register(settings, {
    env: 'XIM_PAGE',
    expected: 'on or off',
    advice: 'off removes the page for browsers at GET /.',
  }),
  tmp: z
    .string()
    .default(() => tmpdir())
    .register(settings, {
      env: 'XIM_TMP',
      expected: 'the path of a writable folder',
      advice: 'Folder for uploads while their request runs; a disk with room for the largest upload per slot.',
      shown: 'the system’s',
    }),
});

export type Config = z.output<typeof configSchema> & {
  /** How models are fetched: the proxies and certificates of the environment. */
  readonly network: Network;
};

/** Settings that are paths, in which `~` is the user's home. */
const PATHS = ['apiKeysFile', 'hubTokenFile', 'model', 'modelCache', 'tmp', 'venvs'];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The configuration from environment variables; an empty one counts as absent. Throws ServiceStartError that names
 * every variable with a wrong value, those of the network included. `warnings` names variables that look like ours and are
 * not, and what is ignored of the others.
 */
export function readConfig(env: Environment = process.env): { config: Config; warnings: readonly string[] } {
  const input: Record<string, string> = {};
  const known = new Set<string>();
  for (const [key, schema] of Object.entries(configSchema.shape)) {
    const { env: name } = settings.get(schema)!;
    known.add(name);
    if (env[name]) input[key] = PATHS.includes(key) ? expandHome(env[name], env) : env[name];
  }
  // Their defaults depend on further variables of the environment, those of the hub's own tools.
  input['modelCache'] ??= toCacheDir(env, process.cwd());
  input['hubTokenFile'] ??= toTokenFile(env) ?? '';
  const hubOffline = !input['offline'] && isHubOffline(env);
  if (hubOffline) input['offline'] = '1';
  const parsed = configSchema.safeParse(input);
  const network = checkNetwork(env);
  // Offline nothing of the network is used.
  const problems = parsed.data?.offline === true ? [] : network.problems;
  if (!parsed.success || problems.length > 0) {
    const keys = new Set(parsed.error?.issues.map((issue) => issue.path[0] as keyof typeof configSchema.shape));
    const lines = [...keys].map((key) => {
      const { env: name, expected, secret } = settings.get(configSchema.shape[key])!;
      return `${name}${secret ? '' : `="${input[key]}"`}: expected ${expected}.`;
    });
    throw new ServiceStartError(
      `[server] The configuration is wrong. ${[...lines, ...problems].join(' ')} See --help.`,
    );
  }
  const warnings = [
    ...warnOfUnknown(env, known),
    ...network.warnings,
    ...(hubOffline ? ['HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set and counts as XIM_OFFLINE=1.'] : []),
  ];
  return { config: { ...parsed.data, network: toNetwork(env) }, warnings };
}
