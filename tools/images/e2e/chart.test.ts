import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { foldersWith } from '../../check/folders.mjs';
import { toHelmArgs } from '../helm-template.ts';
import { ROOT } from './checkout.ts';
import { readDockerHost, SKIPPED } from './docker-host.ts';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Spec;
}

/** The members that these tests read; the schemas of Kubernetes check the rest. */
interface Spec {
  readonly egress?: readonly unknown[];
  readonly template?: { readonly spec: Pod };
}

interface Pod {
  readonly securityContext: object;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly [Container];
}

interface Container {
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly resources: { readonly requests: { readonly cpu: unknown }; readonly limits: object };
  readonly securityContext: object;
  readonly startupProbe: { readonly failureThreshold: number; readonly periodSeconds: number };
  readonly volumeMounts: readonly object[];
}

const APPS = foldersWith(ROOT, 'apps', 'values.yaml');
const taskOf = (app: string) => (parse(readFileSync(join(ROOT, app, 'values.yaml'), 'utf8')) as { task: string }).task;
const work = mkdtempSync(join(tmpdir(), 'xim-chart-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Each option of the chart, with the kinds that it adds to Deployment, Service, budget and policy. */
const OPTIONS: Readonly<
  Record<string, { set: readonly string[]; adds?: readonly string[]; tasks?: readonly string[] }>
> = {
  defaults: { set: [] },
  'a digest': { set: [`image.digest=sha256:${'a'.repeat(64)}`] },
  'a shared cache': {
    set: ['models.cache.kind=shared', 'models.cache.storageClass=fast'],
    adds: ['PersistentVolumeClaim'],
  },
  'a claim': { set: ['models.from=claim', 'models.cache.claim=weights'] },
  'an embedded image': { set: ['models.from=image', 'models.image=registry.example/embedded:1'] },
  'keys and a token': { set: ['keys.secret=keys', 'hub.tokenSecret=hub', 'hub.endpoint=https://hub.example'] },
  'a pod per NUMA node': { set: ['numa.perNode=true', 'resources.cpu=16', 'replicas=2'] },
  'settings and places': { set: ['settings.XIM_SLOTS=8', 'nodeSelector.disk=fast', 'spread=false', 'tmp.size=3Gi'] },
  autoscaling: { set: ['autoscaling.enabled=true'], adds: ['ScaledObject'] },
  'a pod monitor': { set: ['metrics.podMonitor=true', 'keys.secret=keys'], adds: ['PodMonitor'] },
  'a route': {
    set: ['route.enabled=true', 'route.gateway=public', 'route.gatewayNamespace=edge'],
    adds: ['HTTPRoute'],
  },
  'a pool': {
    set: ['pool.enabled=true', 'pool.picker=picker', 'route.enabled=true', 'route.gateway=public'],
    adds: ['HTTPRoute', 'InferencePool'],
    tasks: ['generate', 'embed'],
  },
  kserve: { set: ['kserve.enabled=true', 'keys.secret=keys'], adds: ['ClusterServingRuntime'] },
};

/** Names that the resource definitions of others know, as far as the chart may use them. A `*` stands for any name. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  // https://keda.sh/docs/latest/reference/scaledobject-spec, https://keda.sh/docs/latest/scalers/prometheus
  'keda.sh/v1alpha1 ScaledObject': [
    ...['scaleTargetRef.name', 'pollingInterval', 'cooldownPeriod', 'minReplicaCount', 'maxReplicaCount'],
    'advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds',
    ...['type', 'name', 'metricType'].map((key) => `triggers.${key}`),
    ...['serverAddress', 'query', 'threshold', 'activationThreshold'].map((key) => `triggers.metadata.${key}`),
  ],
  // https://gateway-api.sigs.k8s.io/reference/spec/#httproute
  'gateway.networking.k8s.io/v1 HTTPRoute': [
    ...['parentRefs.name', 'parentRefs.namespace', 'hostnames', 'rules.timeouts.request'],
    ...['rules.matches.path.type', 'rules.matches.path.value'],
    ...['group', 'kind', 'name', 'port'].map((key) => `rules.backendRefs.${key}`),
  ],
  // https://gateway-api-inference-extension.sigs.k8s.io/reference/spec/#inferencepool
  'inference.networking.k8s.io/v1 InferencePool': [
    ...['selector.matchLabels.*', 'targetPorts.number'],
    ...['name', 'port.number', 'failureMode'].map((key) => `endpointPickerRef.${key}`),
  ],
  // https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitor
  'monitoring.coreos.com/v1 PodMonitor': [
    'selector.matchLabels.*',
    ...['port', 'path', 'honorLabels'].map((key) => `podMetricsEndpoints.${key}`),
    ...['name', 'key'].map((key) => `podMetricsEndpoints.authorization.credentials.${key}`),
  ],
  // https://kserve.github.io/website/latest/reference/api/#serving.kserve.io/v1alpha1.ServingRuntimeSpec; its pod is one
  // of Kubernetes, which the Deployment's check covers.
  'serving.kserve.io/v1alpha1 ClusterServingRuntime': [
    ...['annotations.*', 'supportedModelFormats.name', 'supportedModelFormats.version'],
    ...['supportedModelFormats.autoSelect', 'containers.**', 'volumes.**', 'nodeSelector.*', 'imagePullSecrets.name'],
  ],
};

const helm = (args: readonly string[]) =>
  spawnSync('helm', args, { encoding: 'utf8', env: { ...process.env, HELM_DEBUG: '0' } });

function render(app: string, set: readonly string[], version = '1.2.3'): Manifest[] {
  const { status, stdout, stderr } = helm(
    toHelmArgs(
      app,
      version,
      set.map((value) => `--set=${value}`),
    ),
  );
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
}

const deploymentOf = (set: readonly string[], app = 'apps/chat') =>
  render(app, set).find(({ kind }) => kind === 'Deployment')!;
const podOf = (set: readonly string[], app?: string) => deploymentOf(set, app).spec.template!.spec;

/** The paths of all names in a value; lists add none. */
function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [path] : value.flatMap((item) => pathsOf(item, path));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) =>
    pathsOf(inner, path ? `${path}.${key.replaceAll('.', '_')}` : key),
  );
}

const toPattern = (key: string) => {
  const names = key.split('.').map((name) => ({ '*': '[^.]+', '**': '.+' })[name] ?? name);
  return new RegExp(`^${names.join('\\.')}$`);
};

/** The names in an object of another's resource definition that its documentation does not have. */
function unknownKeys({ apiVersion, kind, spec }: Manifest): string[] {
  const known = KEYS[`${apiVersion} ${kind}`]!.map(toPattern);
  return pathsOf(spec).filter((path) => !known.some((pattern) => pattern.test(path)));
}

describe.each(APPS)('the chart for %s', { timeout: 300_000 }, (app) => {
  beforeEach((context) => context.skip(!readDockerHost(), SKIPPED));

  it('passes "helm lint --strict"', () => {
    const values = ['--strict', join(ROOT, 'xim/chart'), `--values=${join(ROOT, app, 'values.yaml')}`];
    const { status, stdout } = helm(['lint', ...values, '--set=image.tag=1.2.3']);
    expect(stdout).toContain('0 chart(s) failed');
    expect(status).toBe(0);
  });

  it('makes objects that Kubernetes takes, with each option', () => {
    const files = Object.entries(OPTIONS)
      .filter(([, { tasks }]) => !tasks || tasks.includes(taskOf(app)))
      .map(([option, { set, adds = [] }]) => {
        const manifests = render(app, set);
        const kinds = ['Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', ...adds];
        expect(manifests.map(({ kind }) => kind).sort(), option).toEqual(kinds.sort());
        const [others, own] = [true, false].map((other) =>
          manifests.filter(({ apiVersion, kind }) => `${apiVersion} ${kind}` in KEYS === other),
        );
        expect(others!.flatMap(unknownKeys), option).toEqual([]);
        const file = join(work, `${app}-${option}.json`.replaceAll(/[ /]/g, '-'));
        writeFileSync(file, own!.map((manifest) => JSON.stringify(manifest)).join('\n---\n'));
        return file;
      });
    const { status, stdout, stderr } = spawnSync('kubernetes-validate', ['--strict', ...files], { encoding: 'utf8' });
    expect(status, stderr + stdout).toBe(0);
    for (const file of files) expect(stdout + stderr).toContain(`${file} passed for resource deployment/`);
  });

  it('confines its pods and gives them the patience of the task', () => {
    const spec = podOf([], app);
    const [container] = spec.containers;
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(container.securityContext).toEqual({
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    });
    const drain = container.env.find(({ name }) => name === 'XIM_DRAIN_SECONDS')!.value;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(
      Number(drain) + container.lifecycle.preStop.sleep.seconds,
    );
    expect(container.startupProbe.failureThreshold * container.startupProbe.periodSeconds).toBeGreaterThanOrEqual(1800);
  });
});

describe('the chart', { timeout: 60_000 }, () => {
  beforeEach((context) => context.skip(!readDockerHost(), SKIPPED));
  it.each([
    ['no version', ['image.tag='], /image.tag and image.digest are empty/],
    ['an unknown task', ['task=dance'], /task "dance" is not known. Expected one of: embed, generate/],
    ['no service', ['service='], /Pass the values of a service/],
    ['a misspelt value', ['replica=2'], /additional properties 'replica' not allowed/],
    ['a setting of another program', ['settings.PATH=/bin'], /'PATH' does not match pattern/],
    ['a part of a CPU for a NUMA node', ['numa.perNode=true', 'resources.cpu=2500m'], /needs whole CPUs/],
    ['a claim without its name', ['models.from=claim'], /models.cache.claim must name a volume claim/],
    ['an embedded image without its name', ['models.from=image'], /models.image must name an image/],
    ['a route without a gateway', ['route.enabled=true'], /needs route.gateway/],
  ])('refuses %s', (_fault, set, message) => {
    expect(() => render('apps/chat', set)).toThrow(message);
  });

  it('refuses a pool for a service without tokens', () => {
    const set = ['pool.enabled=true', 'pool.picker=picker'];
    const speaking = APPS.find((app) => taskOf(app) === 'speak')!;
    expect(() => render(speaking, set)).toThrow(/for services with tokens/);
  });

  it.each([
    ['a claim', ['models.from=claim', 'models.cache.claim=weights']],
    ['an embedded image', ['models.from=image', 'models.image=registry.example/embedded:1']],
  ])('uses no network with models from %s', (_source, set) => {
    const [policy] = render('apps/chat', set).filter(({ kind }) => kind === 'NetworkPolicy');
    expect(policy!.spec.egress).toEqual([]);
    expect(podOf(set).containers[0].env).toContainEqual({ name: 'XIM_OFFLINE', value: '1' });
  });

  it('gives a pod per NUMA node limits equal to its requests', () => {
    const { requests, limits } = podOf(['numa.perNode=true', 'resources.cpu=16']).containers[0].resources;
    expect(limits).toEqual(requests);
    expect(requests.cpu).toBe(16);
  });

  it('leaves the number of replicas to KEDA', () => {
    expect(deploymentOf(['autoscaling.enabled=true']).spec).not.toHaveProperty('replicas');
  });

  it('puts secrets into files, not into the environment', () => {
    const { env, volumeMounts } = podOf(['keys.secret=keys', 'hub.tokenSecret=hub']).containers[0];
    expect(env).toContainEqual({ name: 'XIM_API_KEYS_FILE', value: '/run/secrets/xim/keys' });
    expect(env).toContainEqual({ name: 'HF_TOKEN_PATH', value: '/run/secrets/hub/token' });
    expect(volumeMounts).toContainEqual({ name: 'keys', mountPath: '/run/secrets/xim', readOnly: true });
  });
});
