import { checkTags } from '../entries/tags.js';
import type { CacheEngine } from './cache-engine.js';
import { CacheRegion } from './cache-region.js';
import type { CacheStatus } from './cache-status.js';

/** Not a field with `#`: tracers hand out a Proxy of every instance of the container, which has no such fields. */
const ENGINE = Symbol('engine');

/**
 * One cache: L1 in this process, L2 in Redis (or embedded), coherent over all instances.
 *
 * Inject it with `@InjectCache() cache: RedisCache`; the module opens and closes it.
 *
 * @publicApi
 */
export class RedisCache {
  private readonly [ENGINE]: CacheEngine;
  private readonly regions = new Map<string, CacheRegion>();

  /** @internal Made by the module. */
  constructor(engine: CacheEngine) {
    this[ENGINE] = engine;
  }

  /** Name under which the module registered it; `default` when none was given. */
  get name(): string {
    return this[ENGINE].name;
  }

  /** The region of this name, with the options of `regions[name]`, else the cache's. */
  region<T = unknown>(name: string): CacheRegion<T> {
    let region = this.regions.get(name);
    if (!region) this.regions.set(name, (region = new CacheRegion(this[ENGINE].region(name), this[ENGINE])));
    return region as CacheRegion<T>;
  }

  /**
   * Voids every entry that carries one of these tags, however many, in constant time. Resolves when Redis acknowledged it
   * for every bucket: no read that begins later gets a value from before (from another instance's L1: D later).
   *
   * @throws CacheError RC_INVALID_TAG
   */
  async evictTags(tags: readonly string[]): Promise<void> {
    await this[ENGINE].evictTags(checkTags(tags, 'evictTags'));
  }

  /** Voids every entry of every region of this cache. Resolves as `evictTags`. */
  async clear(): Promise<void> {
    await this[ENGINE].clear();
  }

  /**
   * The kill switch: from now on reads of this cache load, in this process. Calls in flight end as they began. Evictions are still sent, also by `@CachePut` and
   * `put` in place of what they would put, so that nothing old is there when the cache comes back; strict evictions run also without their fence.
   */
  disable(): void {
    this[ENGINE].setEnabled(false);
  }

  /** Ends `disable`. What the cache held before counts as far as it is proven current; call `clear` first where values are suspected to be wrong. */
  enable(): void {
    this[ENGINE].setEnabled(true);
  }

  /** Runs a function whose reads of this cache load, and leave it as it is: for support and debugging. Ends with its promise. */
  bypass<R>(run: () => Promise<R> | R): Promise<R> {
    return this[ENGINE].runPast('bypass', run);
  }

  /**
   * Runs a function whose reads of this cache load, and write what they loaded. It evicts nothing: L1 of other instances keeps what it has until its
   * ttl. Where that is known to be wrong, evict it.
   */
  forceFresh<R>(run: () => Promise<R> | R): Promise<R> {
    return this[ENGINE].runPast('fresh', run);
  }

  /** A snapshot for health checks and boards; plain data. */
  status(): CacheStatus {
    return this[ENGINE].status();
  }
}

/** @internal The engine behind a cache. A stand-in that a test put in the container answers for itself. */
export function engineOf(cache: RedisCache): CacheEngine {
  return (cache as unknown as { [ENGINE]?: CacheEngine })[ENGINE] ?? (cache as unknown as CacheEngine);
}
