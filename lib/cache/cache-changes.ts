import { checkTags } from '../entries/tags.js';
import { canonicalVersion, type Version } from '../entries/version.js';
import { identifierOf, type KeyValue } from '../keys/key-segment.js';
import type { CacheEngine } from './cache-engine.js';
import type { PutOptions } from './cache-region.js';
import { checkCallOptions } from './check-call.js';
import { putUnsafe } from './put-unsafe.js';
import type { QueuedChanges } from './queued-changes.js';
import { resolveReadPolicy } from './read-policy.js';
import type { Region } from './region.js';

/** A RedisCache, for what lies below it. */
export interface CacheFace {
  readonly name: string;
  clear(): Promise<void>;
}

const NO_ARGS: readonly unknown[] = Object.freeze([]);

/**
 * Evictions and puts that wait for the commit of a database transaction. The methods are those of the cache; they check
 * their arguments, return at once, and do nothing else until `commit`. Then everything goes as one group for each
 * cache, whatever its order.
 *
 * Of `cache.afterCommit(run)`, which commits or discards by itself; or of `cache.changes()`, for hooks of others.
 *
 * @publicApi
 */
export class CacheChanges {
  readonly #engine: CacheEngine;
  readonly #queued: QueuedChanges;
  readonly #engineOf: (cache: CacheFace) => CacheEngine;

  /** @internal Made by RedisCache. */
  constructor(engine: CacheEngine, queued: QueuedChanges, engineOf: (cache: CacheFace) => CacheEngine) {
    this.#engine = engine;
    this.#queued = queued;
    this.#engineOf = engineOf;
  }

  /** The changes of a region of the cache. */
  region<T = unknown>(name: string): ChangedRegion<T> {
    return new ChangedRegion<T>(this.#engine, this.#engine.region(name), this.#queued);
  }

  /** @throws CacheError RC_INVALID_TAG, RC_CHANGES_ENDED */
  evictTags(tags: readonly string[]): void {
    this.#queued.evict(this.#engine, this.#engine.wantedTags(checkTags(tags, 'evictTags')));
  }

  /** Voids every entry of the cache. @throws CacheError RC_CHANGES_ENDED */
  clear(): void {
    this.#queued.evict(this.#engine, [this.#engine.wantedClear()]);
  }

  /** The changes of another cache that wait for the same commit. */
  of(cache: CacheFace): CacheChanges {
    return new CacheChanges(this.#engineOf(cache), this.#queued, this.#engineOf);
  }

  /**
   * The transaction has committed. Resolves as `evict` does: when Redis acknowledged everything, or it was queued for
   * later.
   *
   * @throws CacheError RC_EVICTION_PENDING (by option), RC_CLOSED, RC_CHANGES_ENDED
   */
  async commit(): Promise<void> {
    await this.#queued.send();
  }

  /** The transaction was rolled back. @throws CacheError RC_CHANGES_ENDED */
  discard(): void {
    this.#queued.take();
  }
}

/** What waits for the commit in one region. @publicApi */
export class ChangedRegion<T = unknown> {
  readonly #engine: CacheEngine;
  readonly #region: Region;
  readonly #queued: QueuedChanges;
  readonly #where: string;

  /** @internal Made by CacheChanges. */
  constructor(engine: CacheEngine, region: Region, queued: QueuedChanges) {
    this.#engine = engine;
    this.#region = region;
    this.#queued = queued;
    this.#where = `region "${region.name}"`;
  }

  /**
   * As `CacheRegion.evict`.
   *
   * @throws CacheError RC_INVALID_KEY, RC_INVALID_OPTION, RC_INVALID_VERSION, RC_CHANGES_ENDED
   */
  evict(key: KeyValue, options: { version?: Version } = {}): void {
    checkCallOptions('evict', options, this.#where);
    const version = options.version === undefined ? '' : canonicalVersion(options.version, `evict in ${this.#where}`);
    this.#queued.evict(this.#engine, this.#region.wantedKeys([this.#keyOf(key)], version));
  }

  /**
   * As `CacheRegion.put`: the highest version wins. The old value is evicted with the rest of the group, the new one
   * put after it.
   *
   * @throws CacheError RC_INVALID_KEY, RC_INVALID_OPTION, RC_INVALID_VERSION, RC_PUT_UNSAFE, RC_CHANGES_ENDED
   */
  put(key: KeyValue, value: T, options: PutOptions<T>): void {
    const version = canonicalVersion(options?.version, `put in ${this.#where}`);
    checkCallOptions('write', options, this.#where);
    const policy = resolveReadPolicy(this.#region.options, options, this.#where);
    const cacheKey = this.#keyOf(key);
    const call = this.#region.entryCall(cacheKey, policy, NO_ARGS);
    if (call.region.usesTags || policy.tags) throw putUnsafe(call);
    this.#queued.put(this.#engine, { call, value, version });
  }

  /** Voids every entry of the region. @throws CacheError RC_CHANGES_ENDED */
  clear(): void {
    this.#queued.evict(this.#engine, [this.#region.wantedClear()]);
  }

  #keyOf(key: KeyValue) {
    return this.#region.keyOf(identifierOf(key, this.#where));
  }
}
