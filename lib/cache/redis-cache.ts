import { checkTags } from '../entries/tags.js';
import type { CacheEngine } from './cache-engine.js';
import { CacheRegion } from './cache-region.js';
import type { CacheStatus } from './cache-status.js';

/** @internal The engine behind a cache. A stand-in that a test put in the container answers for itself. */
export let engineOf: (cache: RedisCache) => CacheEngine;

/**
 * One cache: L1 in this process, L2 in Redis (or embedded), coherent over all instances.
 *
 * Inject it with `@InjectCache() cache: RedisCache`; the module opens and closes it.
 *
 * @publicApi
 */
export class RedisCache {
  readonly #engine: CacheEngine;
  readonly #regions = new Map<string, CacheRegion>();

  static {
    engineOf = (cache) => (#engine in cache ? cache.#engine : (cache as unknown as CacheEngine));
  }

  /** @internal Made by the module. */
  constructor(engine: CacheEngine) {
    this.#engine = engine;
  }

  /** Name under which the module registered it; `default` when none was given. */
  get name(): string {
    return this.#engine.name;
  }

  /** The region of this name, with the options of `regions[name]`, else the cache's. */
  region<T = unknown>(name: string): CacheRegion<T> {
    let region = this.#regions.get(name);
    if (!region) this.#regions.set(name, (region = new CacheRegion(this.#engine.region(name))));
    return region as CacheRegion<T>;
  }

  /**
   * Voids every entry that carries one of these tags, however many, in constant time. Resolves when Redis acknowledged it
   * for every bucket: no read that begins later gets a value from before (from another instance's L1: D later).
   *
   * @throws CacheError RC_INVALID_TAG
   */
  async evictTags(tags: readonly string[]): Promise<void> {
    await this.#engine.evictTags(checkTags(tags, 'evictTags'));
  }

  /** Voids every entry of every region of this cache. Resolves as `evictTags`. */
  async clear(): Promise<void> {
    await this.#engine.clear();
  }

  /** A snapshot for health checks and boards; plain data. */
  status(): CacheStatus {
    return this.#engine.status();
  }
}
