import type { CacheOperation } from './cache-operation.js';
import type { AnyFunction } from './method-types.js';

/** A decorated method: what its class declared, independent of any application. */
export interface CachedMethod {
  readonly name: string | symbol;
  /** The prototype whose class body declares it. */
  readonly prototype: object;
  /** The method's name in keys: a symbol has its description and its number among the class's cached symbol methods. */
  readonly keyName: string;
  /** `UsersService.findOne`, for messages. */
  readonly where: string;
  /** What runs in the end. */
  readonly original: AnyFunction;
  /** Outermost (uppermost in the source) first. */
  readonly operations: readonly CacheOperation[];
  /** Where a {@link HostBinding} keeps the method's plan. */
  readonly slot: symbol;
}

/**
 * Calls a method through its cache.
 *
 * @param instance the `this` of the call
 */
export type CallPlan = (instance: unknown, args: unknown[]) => Promise<unknown>;

/** What the application gives to decorated methods: how to run them. Made once per class and method. */
export interface CallPlanner {
  /** @throws CacheError when the method cannot be cached as it was declared */
  planOf(method: CachedMethod, runtimeClass: AnyFunction): CallPlan;
}
