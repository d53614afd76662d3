import type { CacheFinder } from '../application/cache-registry.js';
import type { DeclaredMethods } from '../application/declared-methods.js';
import { type RuntimeClass, targetOf } from '../application/operation-target.js';
import type { CacheEngine } from '../cache/cache-engine.js';
import { engineOf } from '../cache/redis-cache.js';
import type { Region } from '../cache/region.js';
import { rulesOf } from '../operations/invalidate-on.decorator.js';
import type { DeclaredRule, EventInfo, EventMap, EventName, Mapped } from '../operations/invalidation-rule.js';
import { methodsOf } from '../operations/operation-metadata.js';
import { CacheError } from '../shared/errors.js';
import { DEFAULT_CACHE } from '../shared/tokens.js';
import { nameMatcher } from './event-names.js';
import type { EventRule } from './events-options.js';

/** A rule, and where it evicts unless the event says otherwise. */
export interface BoundRule {
  /** Whether it is for an event with one of these names. */
  readonly isFor: (names: readonly string[]) => boolean;
  readonly map: EventMap;
  readonly tombstone: ((info: EventInfo) => Mapped) | null;
  readonly cache: CacheEngine;
  /** Null: the event has to name one. */
  readonly region: Region | null;
  readonly where: string;
}

/** A rule of a class, with the class that the application provides. */
interface ClassRule {
  readonly rule: DeclaredRule;
  readonly runtimeClass: RuntimeClass & { readonly prototype: object };
}

/** The names of all rules: what there is to listen to. Reads classes only, so that it may be asked in a constructor. */
export function namesOfRules(
  rules: readonly EventRule[],
  declared: Pick<DeclaredMethods, 'prototypes'>,
): readonly EventName[] {
  const names = [...rules.flatMap(({ on }) => listOf(on)), ...classRules(declared).flatMap(({ rule }) => rule.names)];
  return [...new Map(names.map((name) => [String(name), name])).values()];
}

/** @throws CacheError RC_MODULE_MISSING for a rule of a cache that the application has not */
export function bindRules(
  rules: readonly EventRule[],
  declared: Pick<DeclaredMethods, 'prototypes'>,
  caches: CacheFinder,
): readonly BoundRule[] {
  return [
    ...rules.map((rule, n) => bindRule(rule, `rule ${n} (${String(listOf(rule.on)[0])})`, caches)),
    ...classRules(declared).map((one) => bindClassRule(one, caches)),
  ];
}

function bindRule({ on, map, tombstone, ...options }: EventRule, where: string, caches: CacheFinder): BoundRule {
  const cache = engineOf(caches.find(options.cache ?? DEFAULT_CACHE, `RedisCacheEventsModule, ${where},`));
  const region = options.region === undefined ? null : cache.region(options.region);
  return { isFor: nameMatcher(listOf(on)), map, tombstone: tombstone ?? null, cache, region, where };
}

function bindClassRule({ rule, runtimeClass }: ClassRule, caches: CacheFinder): BoundRule {
  const { names, map, options, where } = rule;
  const { cache, region } = targetOf(optionsOf(rule, runtimeClass), { where }, runtimeClass, caches);
  return {
    isFor: nameMatcher(names),
    map,
    tombstone: options.tombstone ?? null,
    cache: engineOf(cache),
    region,
    where,
  };
}

/** On a method: where its `@Cacheable` reads, or its other operation writes. */
function optionsOf({ options, method }: DeclaredRule, runtimeClass: ClassRule['runtimeClass']) {
  const operations = methodsOf(runtimeClass.prototype).find(({ name }) => name === method)?.operations ?? [];
  const operation = operations.find(({ kind }) => kind === 'cacheable') ?? operations[0];
  return { cache: options.cache ?? operation?.options.cache, region: options.region ?? operation?.options.region };
}

function classRules(declared: Pick<DeclaredMethods, 'prototypes'>): ClassRule[] {
  return [...declared.prototypes()].flatMap((prototype) =>
    rulesOf(prototype).map((rule) => ({ rule, runtimeClass: prototype.constructor as ClassRule['runtimeClass'] })),
  );
}

function listOf<X>(one: X | readonly X[]): readonly X[] {
  return Array.isArray(one) ? (one as readonly X[]) : [one as X];
}

/** For a rule that names no region. */
export function regionMissing(where: string): CacheError {
  return new CacheError(
    'RC_INVALID_EVENT',
    `${where} evicts keys, but does not say of which region. Give the rule, or what it returns, a region.`,
  );
}
