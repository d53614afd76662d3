import type { Version } from '../entries/version.js';
import type { KeyValue } from '../keys/key-segment.js';
import type { EntryOptions, FormOptions, LifeOptions, SourceOptions } from '../options/policy-options.js';
import type { AnyArgs, Unchecked } from './method-types.js';

/** Which cache and region, and whether at all. */
export interface TargetOptions<Args extends AnyArgs = AnyArgs> {
  /** Name of the cache. @default that of `@CacheConfig`, else the default cache */
  cache?: string;
  /** Name of the region. @default that of `@CacheConfig`, else the name of the instance's class */
  region?: string;
  /**
   * Called with the arguments and the instance as `this`, before the method; false: the cache is left alone, and the
   * method called.
   */
  condition?: (...args: Args) => boolean;
}

/**
 * What identifies a value: a function of the arguments, or a template such as `'{id}'`, `'{user.id}'`,
 * `'{0.orgId}:{0.id}'`. A function that is no arrow function has the instance as `this`.
 *
 * @publicApi
 */
export type KeyOption<Args extends AnyArgs = AnyArgs> = string | ((...args: Args) => KeyValue);

/** How a result is kept. Functions are called with the result and the arguments. Each overrides the region's option. */
export interface ResultOptions<Args extends AnyArgs = AnyArgs, Result = Unchecked> extends EntryOptions<Result, Args> {
  /** Grows with each write of the row; a value of an older version never replaces a newer one. */
  version?: (result: Result, ...args: Args) => Version;
}

/**
 * What the cached methods of a class share.
 *
 * @publicApi
 */
export interface CacheConfigOptions extends LifeOptions, SourceOptions, FormOptions {
  /** Name of the cache. @default the default cache */
  cache?: string;
  /** Name of the region. @default the name of the instance's class */
  region?: string;
}

/**
 * Options of `@Cacheable`.
 *
 * @publicApi
 */
export interface CacheableOptions<Args extends AnyArgs = AnyArgs, Result = Unchecked>
  extends TargetOptions<Args>, ResultOptions<Args, Result> {
  /**
   * What identifies the value among those of its region.
   *
   * @default made from the class, the method and a canonical form of all arguments; the state of the instance is no
   * part of it
   */
  key?: KeyOption<Args>;
  /**
   * True: all instances of the class share their entries, since results depend on the arguments alone. Without it, a
   * method without `key` whose class has more than one instance (REQUEST-scoped, TRANSIENT, several of a factory) is
   * refused at boot. @default false
   */
  shared?: boolean;
}

/**
 * Options of `@CachePut`.
 *
 * @publicApi
 */
export interface CachePutOptions<Args extends AnyArgs = AnyArgs, Result = Unchecked>
  extends TargetOptions<Args>, ResultOptions<Args, Result> {
  /** The key under which the result is put: the one under which it is read. */
  key: KeyOption<Args>;
}

/**
 * Options of `@CacheEvict`: at least one of `key`, `keys`, `tags` and `allEntries`.
 *
 * @publicApi
 */
export interface CacheEvictOptions<Args extends AnyArgs = AnyArgs, Result = Unchecked> extends TargetOptions<Args> {
  /** What identifies the value that is evicted: as in the `@Cacheable` that reads it. */
  key?: KeyOption<Args>;
  /** Several keys; called before the method, as `key`. */
  keys?: (...args: Args) => readonly KeyValue[];
  /**
   * All entries of the cache, in whatever region, that carry one of these. With `beforeInvocation` the result is
   * undefined.
   */
  tags?: readonly string[] | ((result: Result, ...args: Args) => readonly string[]);
  /** The whole region, in constant time. @default false */
  allEntries?: boolean;
  /** Evict before the method runs, instead of after it returned. @default false */
  beforeInvocation?: boolean;
  /**
   * Fence the keys while the method runs, so that a crash between its commit and the eviction leaves nothing stale.
   *
   * @default false
   */
  strict?: boolean;
  /** An entry of this version or a newer one stays. */
  version?: (result: Result, ...args: Args) => Version;
}
