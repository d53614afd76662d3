import * as v from 'valibot';

/**
 * The shape of the Kubernetes objects that the docs show, after the API reference (apps/v1 Deployment, policy/v1
 * PodDisruptionBudget): strict, so that a misspelt or misplaced field is refused as the API server refuses it. Fields
 * that no page uses are left out.
 */

const name = v.pipe(v.string(), v.regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/));
const labels = v.record(v.pipe(v.string(), v.regex(/^[A-Za-z0-9./_-]+$/)), v.string());
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const cpu = v.pipe(v.string(), v.regex(/^\d+(\.\d+)?m?$/));
const memory = v.pipe(v.string(), v.regex(/^\d+(Ki|Mi|Gi)$/));
const share = v.union([whole, v.pipe(v.string(), v.regex(/^\d{1,3}%$/))]);
const metadata = v.strictObject({ name, labels: v.optional(labels) });
const selector = v.strictObject({ matchLabels: labels });
const portName = v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,15}$/));

const probe = v.strictObject({
  httpGet: v.strictObject({ path: v.pipe(v.string(), v.startsWith('/')), port: v.union([portName, positive]) }),
  initialDelaySeconds: v.optional(whole),
  periodSeconds: v.optional(positive, 10),
  timeoutSeconds: v.optional(positive, 1),
  failureThreshold: v.optional(positive, 3),
});

const environment = v.union([
  v.strictObject({ name: v.string(), value: v.string() }),
  v.strictObject({
    name: v.string(),
    valueFrom: v.strictObject({ secretKeyRef: v.strictObject({ name, key: v.string() }) }),
  }),
]);

const container = v.strictObject({
  name,
  image: v.pipe(v.string(), v.regex(/^[\w./-]+:[\w.-]+$/)),
  command: v.optional(v.array(v.string())),
  ports: v.array(v.strictObject({ name: portName, containerPort: v.pipe(positive, v.maxValue(65_535)) })),
  env: v.array(environment),
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  lifecycle: v.strictObject({
    preStop: v.union([
      v.strictObject({ sleep: v.strictObject({ seconds: whole }) }),
      v.strictObject({ exec: v.strictObject({ command: v.array(v.string()) }) }),
    ]),
  }),
  resources: v.strictObject({
    requests: v.strictObject({ cpu: v.optional(cpu), memory: v.optional(memory) }),
    limits: v.strictObject({ cpu: v.optional(cpu), memory: v.optional(memory) }),
  }),
});

export const deploymentSchema = v.strictObject({
  apiVersion: v.literal('apps/v1'),
  kind: v.literal('Deployment'),
  metadata,
  spec: v.strictObject({
    replicas: v.optional(whole),
    minReadySeconds: v.optional(whole),
    strategy: v.strictObject({
      type: v.literal('RollingUpdate'),
      rollingUpdate: v.strictObject({ maxSurge: share, maxUnavailable: share }),
    }),
    selector,
    template: v.strictObject({
      metadata: v.strictObject({ labels }),
      spec: v.strictObject({
        terminationGracePeriodSeconds: positive,
        containers: v.pipe(v.array(container), v.length(1)),
      }),
    }),
  }),
});

export const disruptionBudgetSchema = v.strictObject({
  apiVersion: v.literal('policy/v1'),
  kind: v.literal('PodDisruptionBudget'),
  metadata,
  spec: v.strictObject({ maxUnavailable: v.optional(share), minAvailable: v.optional(share), selector }),
});
