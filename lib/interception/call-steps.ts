import { type ReadPolicy, resolveReadPolicy, withDefaults } from '../cache/read-policy.js';
import type { CacheEngine } from '../cache/cache-engine.js';
import { engineOf } from '../cache/redis-cache.js';
import type { Region } from '../cache/region.js';
import { defaultKeyOf } from '../keys/default-key.js';
import type { CacheKey } from '../keys/cache-key.js';
import { KeyMemo } from '../keys/key-memo.js';
import { type KeyRecipe, recipeOfArguments } from '../keys/key-recipe.js';
import type { CacheableOperation, EvictOperation, PutOperation } from '../operations/cache-operation.js';
import type { CachedMethod } from '../operations/cached-method.js';
import type { CacheEvictOptions, TargetOptions } from '../operations/operation-options.js';
import { classNameOf } from '../shared/class-name.js';
import { CacheError } from '../shared/errors.js';
import { dropPromise, optionFailure } from '../shared/option-function.js';
import type { CacheFinder } from '../application/cache-registry.js';
import { type RuntimeClass, targetOf } from '../application/operation-target.js';

/** @throws CacheError RC_OPTION_FUNCTION */
type Condition = (args: readonly unknown[], instance: unknown) => boolean;

/** One `@Cacheable` of a method, resolved for a class and an application. */
export interface ReadStep {
  readonly region: Region;
  /** @throws CacheError RC_INVALID_KEY, RC_OPTION_FUNCTION */
  readonly keyOf: (args: readonly unknown[], instance?: unknown) => CacheKey;
  readonly policy: ReadPolicy;
  /** Null: always. */
  readonly condition: Condition | null;
}

/** One `@CachePut`. */
export interface PutStep extends ReadStep {
  readonly kind: 'put';
}

/** One `@CacheEvict`. */
export interface EvictStep {
  readonly kind: 'evict';
  readonly cache: Pick<CacheEngine, 'wantedTags'>;
  readonly region: Region;
  readonly identifyAll: EvictOperation['identifyAll'];
  readonly tags: CacheEvictOptions['tags'] | null;
  readonly clears: boolean;
  readonly version: CacheEvictOptions['version'] | null;
  readonly condition: Condition | null;
  readonly where: string;
}

/** All operations of a method in the order in which they act. */
export interface CallSteps {
  readonly before: readonly EvictStep[];
  /** Outermost first. */
  readonly reads: readonly ReadStep[];
  /** Strict evictions and puts, outermost first. */
  readonly writes: readonly (EvictStep | PutStep)[];
  readonly after: readonly EvictStep[];
}

/** @throws CacheError RC_MODULE_MISSING, RC_INVALID_OPTION, RC_DECORATOR_TARGET */
export function callStepsOf(method: CachedMethod, runtimeClass: RuntimeClass, caches: CacheFinder): CallSteps {
  const steps = {
    before: [] as EvictStep[],
    reads: [] as ReadStep[],
    writes: [] as (EvictStep | PutStep)[],
    after: [] as EvictStep[],
  };
  for (const operation of method.operations) {
    if (operation.kind === 'cacheable') steps.reads.push(readStepOf(operation, method, runtimeClass, caches));
    else if (operation.kind === 'put')
      steps.writes.push({ kind: 'put', ...readStepOf(operation, method, runtimeClass, caches) });
    else {
      const { strict, beforeInvocation } = operation.options;
      steps[strict ? 'writes' : beforeInvocation ? 'before' : 'after'].push(
        evictStepOf(operation, method, runtimeClass, caches),
      );
    }
  }
  return steps;
}

/** @throws CacheError as callStepsOf */
export function readStepOf(
  { options, key }: CacheableOperation | PutOperation,
  method: CachedMethod,
  runtimeClass: RuntimeClass,
  caches: CacheFinder,
): ReadStep {
  const { region, config } = targetOf(options, method, runtimeClass, caches);
  return {
    region,
    keyOf: rememberedKeys(
      region,
      key ?? recipeOfArguments(defaultKeyOf(identityOf(method, runtimeClass), method.where)),
    ),
    policy: resolveReadPolicy(region.options, withDefaults(options, config), method.where),
    condition: conditionOf(options.condition, method.where),
  };
}

function evictStepOf(
  { options, identifyAll }: EvictOperation,
  method: CachedMethod,
  runtimeClass: RuntimeClass,
  caches: CacheFinder,
): EvictStep {
  const { cache, region } = targetOf(options, method, runtimeClass, caches);
  return {
    kind: 'evict',
    cache: engineOf(cache),
    region,
    identifyAll,
    tags: options.tags ?? null,
    clears: options.allEntries ?? false,
    version: options.version ?? null,
    condition: conditionOf(options.condition, method.where),
    where: method.where,
  };
}

function rememberedKeys(region: Region, recipe: KeyRecipe): ReadStep['keyOf'] {
  const memo = new KeyMemo();
  const make = (decided: unknown) => region.keyOf(recipe.identify(decided));
  return (args, instance) => memo.of(recipe.decide(args, instance), make);
}

export function identityOf(method: CachedMethod, runtimeClass: RuntimeClass) {
  const declaringClass = classNameOf(method.prototype.constructor);
  return { runtimeClass: classNameOf(runtimeClass), declaringClass, method: method.keyName };
}

function conditionOf(condition: TargetOptions['condition'], where: string): Condition | null {
  if (condition === undefined) return null;
  return (args, instance) => {
    let answer: unknown;
    try {
      answer = condition.apply(instance, args as unknown[]);
    } catch (cause) {
      throw optionFailure('condition', where, 'before', cause);
    }
    if (!dropPromise(answer)) return Boolean(answer);
    throw new CacheError(
      'RC_OPTION_FUNCTION',
      `The function 'condition' of ${where} returned a promise, which would always count as true. Use a function that is not async.`,
    );
  };
}
