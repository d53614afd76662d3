import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import * as v from 'valibot';
import { deploymentSchema, disruptionBudgetSchema } from './support/kubernetes-schema.js';
import { fencesOf } from './support/markdown.js';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const documents = fencesOf(read('docs/kubernetes.md'))
  .filter(({ language }) => language === 'yaml')
  .map(({ code }) => load(code));

/** What the cache itself may need: docs/kubernetes.md names the figures. */
const BOOT_WAITS_S = 5;
const STARTUP_WAITS_S = 20;
const CLOSING_S = 13;

describe('docs/kubernetes.md', () => {
  const [deployment, budget] = [v.parse(deploymentSchema, documents[0]), v.parse(disruptionBudgetSchema, documents[1])];
  const { template, selector, strategy } = deployment.spec;
  const [container] = template.spec.containers as [(typeof template.spec.containers)[number]];
  const { startupProbe, readinessProbe, livenessProbe, lifecycle } = container;

  it('shows these objects, and no other', () => {
    expect(documents).toHaveLength(2);
  });

  it('selects the pods that it makes', () => {
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    expect(template.metadata.labels).toMatchObject(budget.spec.selector.matchLabels);
  });

  it('asks the routes that the sample has, on a port that the container names', () => {
    const routes = [...read('sample/users-app/health.controller.ts').matchAll(/@Get\('(\w+)'\)/g)].map(
      ([, route]) => `/health/${route}`,
    );
    const probes = [livenessProbe, readinessProbe, startupProbe];
    expect(probes.map(({ httpGet }) => httpGet.path)).toEqual(routes);
    const ports = container.ports.map(({ name }) => name);
    for (const { httpGet } of probes) expect(ports).toContain(httpGet.port);
  });

  it('sets variables that the sample reads', () => {
    const settings = read('sample/users-app/settings.ts');
    for (const { name } of container.env)
      if (name !== 'NODE_ENV') expect(settings).toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('gives a start the time that the waits for Redis take', () => {
    expect(startupProbe.periodSeconds * startupProbe.failureThreshold).toBeGreaterThan(BOOT_WAITS_S + STARTUP_WAITS_S);
  });

  it('gives each check more time than it takes', () => {
    for (const { timeoutSeconds } of [readinessProbe, startupProbe]) expect(timeoutSeconds).toBeGreaterThanOrEqual(1);
  });

  it('lets a pod end its requests, and the cache its evictions, before it is killed', () => {
    const { preStop } = lifecycle;
    const seconds = 'sleep' in preStop ? preStop.sleep.seconds : 0;
    expect(seconds).toBeGreaterThan(0);
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(seconds + CLOSING_S);
  });

  it('starts new pods before it ends old ones', () => {
    expect(strategy.rollingUpdate).toMatchObject({ maxUnavailable: 0, maxSurge: expect.any(Number) });
  });
});

describe('the schema', () => {
  it.each([
    ['a misspelt field', (text: string) => text.replace('periodSeconds', 'periodSecond')],
    ['a field in the wrong place', (text: string) => text.replace('      terminationGracePeriodSeconds: 45\n', '')],
    ['text for a number', (text: string) => text.replace('replicas: 3', "replicas: '3'")],
  ])('refuses %s', (_, spoil) => {
    const { code } = fencesOf(read('docs/kubernetes.md')).find(({ language }) => language === 'yaml')!;
    expect(v.safeParse(deploymentSchema, load(spoil(code))).success).toBe(false);
  });
});
