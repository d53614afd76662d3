import type { Row } from './source-of-truth.js';

export type LoadRow = (region: number, key: number) => Promise<Row>;

/** Writes to the source; resolves to what it wrote. */
export type Commit = () => Promise<Row>;

export const EVICTION_ORDERS = ['innerFirst', 'outerFirst', 'putInner'] as const;

/** `putInner`: the inner value is put, and only the outer ones are evicted. */
export type EvictionOrder = (typeof EVICTION_ORDERS)[number];

/**
 * What the workload calls: one method per way into the cache. Regions, keys and tags are numbers.
 *
 * Each write resolves only when the cache says that it is acknowledged, and rejects when it is not.
 */
export interface CacheUnderTest {
  open(): Promise<void>;
  /** Through @Cacheable. */
  find(region: number, key: number): Promise<Row>;
  /** Through RedisCache. */
  getOrLoad(region: number, key: number): Promise<Row>;
  /** Never loads. */
  peek(region: number, key: number): Promise<Row | undefined>;

  /** Commit, then evict (@CacheEvict). */
  change(region: number, key: number, commit: Commit): Promise<Row>;
  /** Fence, commit, evict (@CacheEvict strict). */
  changeStrictly(region: number, key: number, commit: Commit): Promise<Row>;
  /** Fence, commit, put; in versioned regions commit, put by version (@CachePut). */
  changeAndPut(region: number, key: number, commit: Commit): Promise<Row>;
  /** Fence, commit, put (RedisCache). */
  write(region: number, key: number, commit: Commit): Promise<Row>;
  /** Commit, then evict a tag (@CacheEvict). */
  changeTagged(region: number, tag: number, commit: Commit): Promise<Row>;
  /** Commit, then clear the region (@CacheEvict allEntries). */
  changeAndClear(region: number, commit: Commit): Promise<Row>;

  /** Commit, then evict the key and what is made of it, by stacked decorators in the order `way` says. */
  changeTogether(region: number, key: number, way: EvictionOrder, commit: Commit): Promise<Row>;

  evict(region: number, key: number): Promise<void>;
  evictVersion(region: number, key: number, version: number): Promise<void>;
  putVersion(region: number, row: Row): Promise<void>;
  evictTag(region: number, tag: number): Promise<void>;
  clearRegion(region: number): Promise<void>;
  clearAll(): Promise<void>;

  /**
   * Fences of the region that were not acknowledged so far: such a write went on without one, and a crash in it is a
   * plain crash.
   */
  fencesFailed(region: number): number;
  /** For the worker's report. */
  status(): { readsInFlight: number; pendingEvictions: number };
  close(): Promise<void>;
}
