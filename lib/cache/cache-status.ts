import type { EndpointStatus } from '../stores/remote-store.js';
import type { RegionCounts } from '../telemetry/recorder.js';

/** What `RedisCache.status()` tells. Plain data, no keys, no values. @publicApi */
export interface CacheStatus {
  readonly name: string;
  /** False: reads go past the cache, by the option `enabled` or by `disable()`. */
  readonly enabled: boolean;
  /** Names of the regions that were switched off by themselves. */
  readonly disabledRegions: readonly string[];
  /** Null: no L1. */
  readonly l1: {
    readonly entries: number;
    /** Bytes of the encoded values, about. */
    readonly bytes: number;
    /** Entries removed because of a bound, since the start. */
    readonly replacements: number;
    /** How long ago L1 was last proven current, ms; null: never. Above `maxAgeMs` L1 is not served. */
    readonly verifiedAgeMs: number | null;
    readonly maxAgeMs: number;
  } | null;
  /** The servers of Redis, and whether calls wait for them; none: the embedded store. */
  readonly endpoints: readonly EndpointStatus[];
  /**
   * How often a bucket in Redis turned out to be another incarnation since the start, of all buckets together: a
   * failover, a restart, FLUSHALL, or another version of this library beside. What was cached before is void, or as
   * `onFailover` says. A number that grows all the time tells of a server that keeps no library state between calls.
   */
  readonly incarnations: number;
  /** Tag evictions and clears of the whole cache, acknowledged; those of keys and of regions are counted by region. */
  readonly evictions: number;
  /** Those that were not acknowledged when they were first sent. */
  readonly evictionsFailed: number;
  /** Keys and marks that Redis has not acknowledged as evicted yet; they are retried. */
  readonly pendingEvictions: number;
  /** How long the oldest of them has been pending, ms; null: none is. */
  readonly oldestPendingEvictionMs: number | null;
  readonly readsInFlight: number;
  /** Counts per region since the start, by the rules of {@link RegionCounts}. */
  readonly regions: Readonly<Record<string, Readonly<RegionCounts>>>;
}
