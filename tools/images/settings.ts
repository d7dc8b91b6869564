/** Where images are pushed to when nothing else is said; then only with `--yes`. */
export const DEFAULT_REGISTRY = 'ccr-registry.caas.intel.com/opea-xim';

/** The variables that the image targets read. */
export interface Settings {
  /** `XIM_REGISTRY`: registry and path under which images are pushed, such as `registry.example/team`. */
  readonly registry: string | undefined;
  /** `XIM_DOCKER_BUILD_ARGS`: further arguments of every `docker build`, separated by spaces: proxies, secrets, network. */
  readonly buildArgs: readonly string[];
  /** `XIM_DOCKER_RUN_ARGS`: further arguments of `docker run`, separated by spaces. */
  readonly runArgs: readonly string[];
  /** `XIM_COSIGN_KEY`: private key to sign with, as `cosign --key` takes it: a file or a key management service. */
  readonly cosignKey: string | undefined;
  /** `XIM_COSIGN_TLOG=0`: signatures are not entered into the public transparency log. */
  readonly transparencyLog: boolean;
  /** Nothing is changed, only told: `NX_DRY_RUN=true`, as `nx release --dry-run` sets it. */
  readonly dryRun: boolean;
  /** `NX_DOCKER_IMAGE_REF`: another name for the image, which `@nx/docker` takes and these targets refuse. */
  readonly imageRefOverride: string | undefined;
  /** Settings of the service itself (`XIM_PORT`, `XIM_SLOTS` …), for `docker-run`. */
  readonly service: Readonly<Record<string, string>>;
}

/** Variables of the service that mean the host's folders, and those of the targets themselves. */
const NOT_PASSED_ON = /^XIM_(DOCKER_|COSIGN_|IMAGE_|REGISTRY$|VENVS$|TMP$|PYTHON$|HOST$|PORT$|MODEL_CACHE$)/;

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const words = (text = '') => text.split(/\s+/).filter(Boolean);
  return {
    registry: env.XIM_REGISTRY?.replace(/\/+$/, '') || undefined,
    buildArgs: words(env.XIM_DOCKER_BUILD_ARGS),
    runArgs: words(env.XIM_DOCKER_RUN_ARGS),
    cosignKey: env.XIM_COSIGN_KEY || undefined,
    transparencyLog: env.XIM_COSIGN_TLOG !== '0',
    dryRun: env.NX_DRY_RUN === 'true',
    imageRefOverride: env.NX_DOCKER_IMAGE_REF?.trim() || undefined,
    service: Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) =>
        name.startsWith('XIM_') && value && !NOT_PASSED_ON.test(name) ? [[name, value]] : [],
      ),
    ),
  };
}
