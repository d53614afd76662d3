import type { L1Options, RedisCacheOptions, RegionOptions } from './redis-cache-options.js';

/** Every default of a region, with its reason. */
export const REGION_DEFAULTS = {
  /** Long enough to matter, short enough that a write past the cache is forgiven within a coffee. */
  ttl: '5m',
  /** Entries written together by a warm-up or a deploy expire over the last tenth of their ttl. */
  jitter: 0.1,
  /** Stale values are served only where the application says so. */
  staleWhileRevalidate: 0,
  staleIfError: 0,
  /** Readable in redis-cli and by other languages. */
  codec: 'json',
  /** The same for every codec: releases with different codecs have one key for one value, which an eviction of either reaches. */
  attribute: 'json',
  shape: 1,
  /** Longer than a slow query; a loader that hangs blocks its key no longer than this. */
  lease: '10s',
  /** Below the usual 30 s and 60 s limits of proxies, with room for the caller's own load. */
  maxWait: '5s',
  /** Longer than the statement and transaction timeouts that databases are commonly given. */
  fence: '30s',
  /** Longer than a consumer group's rebalance or a deploy delays an event. */
  tombstone: '10m',
  /** Above it a value costs more to move than most queries; Redis serves one command at a time. */
  maxValueBytes: 1024 ** 2,
  /** Readable keys are what one looks for in an incident. */
  keys: 'plain',
  mutable: false,
} as const satisfies RegionOptions;

export const L1_DEFAULTS = {
  maxEntries: 10_000,
  maxBytes: 64 * 1024 ** 2,
  /** Four polls fit into it, so a lost one costs nothing. */
  maxAge: '1s',
} as const satisfies L1Options;

export const CACHE_DEFAULTS = {
  enabled: true,
  /** Keys stay readable, and short beside their values. */
  maxKeyLength: 200,
  reads: 'plain',
  /** Many times a healthy answer, and still little beside a request. */
  commandTimeout: '250ms',
  onEvictFailure: 'journal',
  /** Outlasts a failover of Sentinel or Cluster with usual settings, and still fits into a request. */
  evictWait: '5s',
  onFenceFailure: 'refuse',
  /** The promise comes first; a herd after a failover is bounded by one load per key. */
  onFailover: 'flush',
  /** Spreads evenly over 3 to 16 masters. */
  buckets: 256,
} as const satisfies Partial<RedisCacheOptions>;
