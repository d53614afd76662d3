import type { CacheFinder } from '../application/cache-registry.js';
import type { RedisCache } from '../cache/redis-cache.js';
import type { AnyFunction, AsyncMethod } from '../operations/method-types.js';
import { methodsOf } from '../operations/operation-metadata.js';
import { classNameOf } from '../shared/class-name.js';
import { CacheError, describeValue } from '../shared/errors.js';
import { type ReadStep, readStepOf } from './call-steps.js';

/** The entries of one cached method, by the arguments of its calls. @publicApi */
export interface CachedHandle<Args extends readonly unknown[], Result> {
  /** The key in Redis of a call with these arguments. @throws CacheError RC_INVALID_KEY, RC_OPTION_FUNCTION */
  keyOf(...args: Args): string;
  /** Evicts what a call with these arguments has cached. Resolves as `CacheRegion.evict`. */
  evict(...args: Args): Promise<void>;
  /** What a call with these arguments would be answered with, or undefined when nothing is cached. Never loads. */
  peek(...args: Args): Promise<Result | undefined>;
}

/** Names of the methods that return a promise. */
type AsyncMethodName<T> = { [Name in keyof T]-?: T[Name] extends AsyncMethod ? Name : never }[keyof T];

/** The arguments and the result of the method. */
type HandleOf<Method> = Method extends (...args: infer Args) => Promise<infer Result>
  ? CachedHandle<Args, Result>
  : never;

/**
 * The entries of a method with `@Cacheable`, so that nobody repeats its region and key:
 * `await cached(UsersService, 'findOne', this.cache).evict(42)`.
 *
 * A key function that asks its `this` cannot be called here: there is no instance.
 *
 * @throws CacheError RC_DECORATOR_TARGET when the method is not cached, or in another cache than this;
 * RC_INVALID_OPTION
 * @publicApi
 */
export function cached<T extends object, Name extends AsyncMethodName<T>>(
  type: abstract new (...args: never[]) => T,
  name: Name,
  cache: RedisCache,
): HandleOf<T[Name]> {
  const steps = stepsOf(type as unknown as AnyFunction, name as string | symbol, cache);
  const [first] = steps;
  const handle: CachedHandle<readonly unknown[], unknown> = {
    keyOf: (...args) => first!.keyOf(args).entry,
    async evict(...args) {
      await first!.region.writer.evictAll(steps.flatMap((step) => step.region.wantedKeys([step.keyOf(args)])));
    },
    peek: async (...args) => first!.region.peek(first!.keyOf(args), first!.policy),
  };
  return Object.freeze(handle) as HandleOf<T[Name]>;
}

/** Of each `@Cacheable`, outermost first. */
function stepsOf(type: AnyFunction, name: string | symbol, cache: RedisCache): ReadStep[] {
  const prototype = typeof type === 'function' ? (type.prototype as object | undefined) : undefined;
  const method = (prototype ? methodsOf(prototype) : []).find(
    (one) => one.name === name && one.operations.some(({ kind }) => kind === 'cacheable'),
  );
  const where = `${typeof type === 'function' ? classNameOf(type) : describeValue(type)}.${String(name)}`;
  if (method === undefined) {
    throw new CacheError(
      'RC_DECORATOR_TARGET',
      `cached() was given ${where}, which has no @Cacheable. Name a cached method of the class whose instances are called.`,
    );
  }
  const only: CacheFinder = {
    find(wanted) {
      if (wanted === cache.name) return cache;
      throw new CacheError(
        'RC_DECORATOR_TARGET',
        `cached() was given the cache "${cache.name}", and ${where} is cached in "${wanted}". Inject that one: @InjectCache('${wanted}').`,
      );
    },
  };
  return method.operations.flatMap((operation) =>
    operation.kind === 'cacheable' ? [readStepOf(operation, method, type, only)] : [],
  );
}
