// `npx tsx tools/images/chart-values.ts` writes the schema of the chart's values; Helm checks them against it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT } from './image.ts';
import { main } from './program.ts';

const name = z.string();
/** A quantity of Kubernetes: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity */
const quantity = z.union([z.number().positive(), z.string().regex(/^[0-9]+(\.[0-9]+)?([kKMGTP]i?|m)?$/)]);
const address = z.string().regex(/^(https?:\/\/.+)?$/);
const peers = z.array(z.looseObject({}));
const flag = z.boolean();

/** The values of `xim/chart`; `values.yaml` describes each. */
export const chartValues = z.strictObject({
  service: name,
  task: name,
  image: z.strictObject({
    repository: name,
    tag: name,
    digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
    pullSecrets: z.array(name),
  }),
  replicas: z.int().nonnegative(),
  settings: z.record(z.string().regex(/^(XIM|HF)_[A-Z0-9_]+$/), z.union([z.string(), z.number(), z.boolean()])),
  keys: z.strictObject({ secret: name, key: name }),
  hub: z.strictObject({ endpoint: address, tokenSecret: name, tokenKey: name }),
  models: z.strictObject({
    from: z.enum(['hub', 'image', 'claim']),
    image: name,
    cache: z.strictObject({ kind: z.enum(['pod', 'shared']), size: quantity, storageClass: name, claim: name }),
  }),
  tmp: z.strictObject({ size: z.union([z.literal(''), quantity]) }),
  resources: z.strictObject({ cpu: quantity, memory: quantity, guaranteed: flag }),
  numa: z.strictObject({ perNode: flag }),
  autoscaling: z.strictObject({
    enabled: flag,
    prometheus: address,
    minReplicas: z.int().positive(),
    maxReplicas: z.int().positive(),
    queue: z.number().positive(),
    busySlots: z.number().positive().max(1),
  }),
  disruption: z.strictObject({
    budget: flag,
    maxUnavailable: z.union([z.int().positive(), z.string().regex(/^[0-9]+%$/)]),
  }),
  spread: flag,
  nodeSelector: z.record(z.string(), z.string()),
  tolerations: peers,
  affinity: z.looseObject({}),
  network: z.strictObject({ policy: flag, from: peers, metricsFrom: peers }),
  metrics: z.strictObject({ annotations: flag, podMonitor: flag }),
  route: z.strictObject({
    enabled: flag,
    gateway: name,
    gatewayNamespace: name,
    hostnames: z.array(name),
    paths: z.array(z.string().startsWith('/')),
  }),
  pool: z.strictObject({ enabled: flag, picker: name, pickerPort: z.int().min(1).max(65535) }),
  kserve: z.strictObject({ enabled: flag }),
});

/** The schema as Helm reads it: JSON Schema draft 7. */
export function toValuesSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(chartValues, { target: 'draft-7' }), null, 2)}\n`;
}

export const VALUES_SCHEMA = join(ROOT, 'xim/chart/values.schema.json');

if (process.argv[1] === import.meta.filename) await main(() => writeFileSync(VALUES_SCHEMA, toValuesSchema()));
