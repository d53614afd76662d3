import type { DurationOption } from './duration.js';
import type { LifeOptions, RegionOptions, SourceOptions, StorageOptions } from './policy-options.js';
import type { RedisConnectionOptions } from './redis-connection.js';

/**
 * Options of a cache; one per `RedisCacheModule.forRoot`. Checked once, at boot.
 *
 * @publicApi
 */
export interface RedisCacheOptions extends LifeOptions<DurationOption>, SourceOptions<DurationOption>, StorageOptions {
  /** First segment of every key: the name of the service, such as `user`. Letters, digits, `-`, `_`, `.`. Required. */
  service: string;
  /**
   * False: the cache is off. Calls go straight through, evictions do nothing, nothing is connected; for tests, local
   * work and incidents. @default true
   */
  enabled?: boolean;
  /** Where Redis is. Left out: an embedded in-memory store with the same semantics, for one process. */
  redis?: RedisConnectionOptions;
  /** The process's own memory in front of Redis, or false for none. */
  l1?: L1Options | false;
  /** Options per region; each overrides the cache's. A region that is only named in a decorator has the cache's. */
  regions?: Record<string, RegionOptions>;
  /** Longest identifier in a key, characters; what is longer ends in a SHA-256 digest. @default 200 */
  maxKeyLength?: number;
  /**
   * How hits are read: `'plain'` (HMGET + GET), or `'function'` where a multiplexing proxy stands before Redis.
   *
   * @default 'plain'
   */
  reads?: 'plain' | 'function';
  /** Longest wait for one answer of Redis, before the call goes on without it. @default '250ms' */
  commandTimeout?: DurationOption;
  /**
   * What `evict` does when Redis does not acknowledge: queue, log and go on; throw; or wait for the acknowledgement up
   * to `evictWait`, then throw. It is retried in all cases; more than 10,000 pending keys and tags become a clear of
   * their buckets.
   *
   * @default 'journal'
   */
  onEvictFailure?: 'journal' | 'throw' | 'block';
  /** With `onEvictFailure: 'block'`: longest wait of a call for the acknowledgement of its evictions. @default '5s' */
  evictWait?: DurationOption;
  /**
   * What a strict evict does when its fence cannot be set: refuse the method, or run it and evict after.
   *
   * @default 'refuse'
   */
  onFenceFailure?: 'refuse' | 'run';
  /**
   * What entries are after a failover, a restart, a restored snapshot or the move of a slot. `'flush'`: void, since
   * evictions may have been lost with the old server. `'stale'`: served while one caller in the fleet reloads each, so
   * that no caller waits. `'keep'`: as fresh as before, without the promise across failovers. @default 'flush'
   */
  onFailover?: 'flush' | 'stale' | 'keep';
  /**
   * Whether L1 follows writes of programs that know nothing of this cache, such as a bare `DEL`: told by the server
   * with `'tracking'` (CLIENT TRACKING), or `'keyspace'` (notifications, where the server has them on: deletions only).
   * Each costs; not on Cluster. @default false
   */
  foreignWrites?: false | 'tracking' | 'keyspace';
  /**
   * False: what is risky about settings (memory of the server, regions that nothing evicts, a client that may hang) is
   * not told at boot.
   *
   * @default true
   */
  advice?: boolean;
  /**
   * True: the embedded store is allowed with NODE_ENV=production, for a service that runs as one process.
   *
   * @default false
   */
  allowEmbedded?: boolean;
  /**
   * True: all keys carry one hash tag, `{<service>}`, so that they lie on one shard; for services that shard behind one
   * address, where a command may name keys of one slot only. Ignored on Cluster, which has its own. Changing it empties
   * the cache. @default false
   */
  hashTag?: boolean;
  /** Number of buckets on Cluster, at least 2; ignored elsewhere. Changing it empties the cache. @default 256 */
  buckets?: number;
}

/** Bounds of L1. @publicApi */
export interface L1Options {
  /** @default 10_000 */
  maxEntries?: number;
  /** Bytes of the encoded values. @default 64 MiB */
  maxBytes?: number;
  /**
   * D of the protocol: no value is served from L1 later than this after an eviction elsewhere was acknowledged, even
   * when every message is lost.
   *
   * @default '1s'
   */
  maxAge?: DurationOption;
}
