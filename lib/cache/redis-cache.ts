import { checkTags } from '../entries/tags.js';
import { type AfterCommitOptions, runAfterCommit } from './after-commit.js';
import { CacheChanges, type CacheFace } from './cache-changes.js';
import type { CacheEngine } from './cache-engine.js';
import { CacheRegion } from './cache-region.js';
import type { CacheStatus } from './cache-status.js';
import { QueuedChanges } from './queued-changes.js';

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
   * Voids every entry that carries one of these tags, however many, in constant time. Resolves when Redis acknowledged
   * it for every bucket: no read that begins later gets a value from before (from another instance's L1: D later).
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
   * The kill switch: from now on reads of this cache load, in this process. Calls in flight end as they began.
   * Evictions are still sent, also by `@CachePut` and `put` in place of what they would put, so that nothing old is
   * there when the cache comes back; strict evictions run also without their fence.
   */
  disable(): void {
    this[ENGINE].setEnabled(false);
  }

  /**
   * Ends `disable`. What the cache held before counts as far as it is proven current; call `clear` first where values
   * are suspected to be wrong.
   */
  enable(): void {
    this[ENGINE].setEnabled(true);
  }

  /**
   * Runs a function whose reads of this cache load, and leave it as it is: for support and debugging. Ends with its
   * promise.
   */
  bypass<R>(run: () => Promise<R> | R): Promise<R> {
    return this[ENGINE].runPast('bypass', run);
  }

  /**
   * Runs a function whose reads of this cache load, and write what they loaded. It evicts nothing: L1 of other
   * instances keeps what it has until its ttl. Where that is known to be wrong, evict it.
   */
  forceFresh<R>(run: () => Promise<R> | R): Promise<R> {
    return this[ENGINE].runPast('fresh', run);
  }

  /**
   * Runs a database transaction, and after its commit what it queued: evictions, and puts with a version. `run`
   * resolves when the transaction has committed, and rejects when it was rolled back; then nothing is sent, and its
   * error is passed on as it is.
   *
   *     await cache.afterCommit((changes) =>
   *       dataSource.transaction(async (tx) => {
   *         await tx.update(User, id, input);
   *         changes.region('profile').evict(id);
   *       }),
   *     );
   *
   * An error by which nobody can tell whether the transaction has committed (the connection broke) evicts everything,
   * and puts nothing.
   *
   * @returns what `run` returned, when Redis acknowledged everything, or it was queued for later
   * @throws CacheError RC_FENCE_FAILED, RC_INVALID_OPTION, RC_INVALID_KEY, before `run`; RC_EVICTION_PENDING (by
   * option), RC_CLOSED, after it
   */
  afterCommit<R>(run: (changes: CacheChanges) => Promise<R>, options: AfterCommitOptions = {}): Promise<R> {
    const queued = new QueuedChanges();
    const changes = new CacheChanges(this[ENGINE], queued, engineOf);
    return runAfterCommit(this[ENGINE], queued, changes, run, options);
  }

  /**
   * Changes that wait for a commit of which others tell: a hook calls `commit()` or `discard()`. `afterCommit` does
   * both by itself.
   */
  changes(): CacheChanges {
    return new CacheChanges(this[ENGINE], new QueuedChanges(), engineOf);
  }

  /** A snapshot for health checks and boards; plain data. */
  status(): CacheStatus {
    return this[ENGINE].status();
  }
}

/** @internal The engine behind a cache. A stand-in that a test put in the container answers for itself. */
export function engineOf(cache: CacheFace): CacheEngine {
  return (cache as unknown as { [ENGINE]?: CacheEngine })[ENGINE] ?? (cache as unknown as CacheEngine);
}
