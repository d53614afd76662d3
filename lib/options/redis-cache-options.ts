import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Codec } from '../codecs/codec.js';
import type { DurationOption } from './duration.js';
import type { RedisConnectionOptions } from './redis-connection.js';
import type { ValueType } from './value-type.js';

/**
 * Options of a cache; one per `RedisCacheModule.forRoot`. Checked once, at boot.
 *
 * @publicApi
 */
export interface RedisCacheOptions {
  /** First segment of every key: the name of the service, such as `user`. Letters, digits, `-`, `_`, `.`. Required. */
  service: string;
  /**
   * False: the cache is off. Calls go straight through, evictions do nothing, nothing is connected; for tests, local work and incidents. @default true
   */
  enabled?: boolean;
  /** Where Redis is. Left out: an embedded in-memory store with the same semantics, for one process. */
  redis?: RedisConnectionOptions;
  /** How long a value is fresh. Always finite. @default '5m' */
  ttl?: DurationOption;
  /** Shortens each ttl by a random share of up to this, 0 to 1, so that entries written together do not expire together. @default 0.1 */
  jitter?: number;
  /** How long `null` and `undefined` are fresh; 0: they are not cached. @default the ttl */
  negativeTtl?: DurationOption;
  /** How long after its ttl a value may be served while one caller reloads it. @default 0 (never) */
  staleWhileRevalidate?: DurationOption;
  /** How long after its ttl a value may be served when its load fails. @default 0 (never) */
  staleIfError?: DurationOption;
  /** How values become bytes: `'json'`, `'msgpack'` (needs the package msgpackr), or a codec of your own. @default 'json' */
  codec?: CodecName | Codec;
  /** The process's own memory in front of Redis, or false for none. */
  l1?: L1Options | false;
  /** Options per region; each overrides the cache's. A region that is only named in a decorator has the cache's. */
  regions?: Record<string, RegionOptions>;
  /** How long a load may hold its key; then another caller may take it over. @default '10s' */
  lease?: DurationOption;
  /** How long a caller waits for another instance's load before it loads by itself, without writing to the cache. @default '5s' */
  maxWait?: DurationOption;
  /** How long a write (`@CachePut`, strict `@CacheEvict`) may take before its fence falls; longer than the longest write. @default '30s' */
  fence?: DurationOption;
  /** How long late events and late puts are recognised as such. @default '10m' */
  tombstone?: DurationOption;
  /** Largest encoded value that is kept, bytes; a larger one is returned and not cached. @default 1 MiB */
  maxValueBytes?: number;
  /** Longest identifier in a key, characters; what is longer ends in a SHA-256 digest. @default 200 */
  maxKeyLength?: number;
  /** How hits are read: `'plain'` (HMGET + GET), or `'function'` where a multiplexing proxy stands before Redis. @default 'plain' */
  reads?: 'plain' | 'function';
  /** Longest wait for one answer of Redis, before the call goes on without it. @default '250ms' */
  commandTimeout?: DurationOption;
  /**
   * What `evict` does when Redis does not acknowledge: queue, log and go on; throw; or wait for the acknowledgement up to `evictWait`, then throw.
   * It is retried in all cases; more than 10,000 pending keys and tags become a clear of their buckets.
   *
   * @default 'journal'
   */
  onEvictFailure?: 'journal' | 'throw' | 'block';
  /** With `onEvictFailure: 'block'`: longest wait of a call for the acknowledgement of its evictions. @default '5s' */
  evictWait?: DurationOption;
  /** What a strict evict does when its fence cannot be set: refuse the method, or run it and evict after. @default 'refuse' */
  onFenceFailure?: 'refuse' | 'run';
  /**
   * What entries are after a failover, a restart, a restored snapshot or the move of a slot. `'flush'`: void, since evictions may have been lost with the old
   * server. `'stale'`: served while one caller in the fleet reloads each, so that no caller waits. `'keep'`: as fresh as before, without the
   * promise across failovers. @default 'flush'
   */
  onFailover?: 'flush' | 'stale' | 'keep';
  /** Number of buckets on Cluster, at least 2; ignored elsewhere. Changing it empties the cache. @default 256 */
  buckets?: number;
}

/** @publicApi */
export type CodecName = 'json' | 'msgpack';

/** Bounds of L1. @publicApi */
export interface L1Options {
  /** @default 10_000 */
  maxEntries?: number;
  /** Bytes of the encoded values. @default 64 MiB */
  maxBytes?: number;
  /** D of the protocol: no value is served from L1 later than this after an eviction elsewhere was acknowledged, even when every
   * message is lost. @default '1s' */
  maxAge?: DurationOption;
}

/**
 * Options of one region: a set of entries with one policy.
 *
 * @publicApi
 */
export interface RegionOptions {
  /** How long a value is fresh: milliseconds, or text such as `'5m'`. Longer than 0. */
  ttl?: DurationOption;
  /** Shortens each ttl by a random share of up to this, 0 to 1. */
  jitter?: number;
  /** How long `null` and `undefined` are fresh: milliseconds, or text such as `'30s'`; 0: they are not cached. */
  negativeTtl?: DurationOption;
  /** How long after its ttl a value may be served while one caller reloads it: milliseconds, or text. */
  staleWhileRevalidate?: DurationOption;
  /** How long after its ttl a value may be served when its load fails: milliseconds, or text. */
  staleIfError?: DurationOption;
  /** How values become bytes: `'json'`, `'msgpack'`, or a codec of your own. */
  codec?: CodecName | Codec;
  /** Last segment of the region's keys; the same for every codec. @default 'json' */
  attribute?: string;
  /** Number of the form of the values, 1 and up: an entry of another shape is a miss, and evictions reach it. @default 1 */
  shape?: number;
  /** `'hashed'`: identifiers stand in keys as SHA-256, so that no e-mail or token is read in MONITOR, logs or dumps. @default 'plain' */
  keys?: 'plain' | 'hashed';
  /** False: this region is never kept in L1. */
  l1?: false;
  /** How long a load may hold its key, milliseconds or text; then another caller may take it over. */
  lease?: DurationOption;
  /** How long a caller waits for another instance's load, milliseconds or text, before it loads by itself. */
  maxWait?: DurationOption;
  /** How long a write may take before its fence falls, milliseconds or text; longer than the longest write. */
  fence?: DurationOption;
  /** How long late events and late puts are recognised as such, milliseconds or text. */
  tombstone?: DurationOption;
  /** Largest encoded value that is kept, bytes; a larger one is returned and not cached. */
  maxValueBytes?: number;
  /** Give each caller a copy of its own instead of a shared frozen value. @default false */
  mutable?: boolean;
  /** What a cached value is revived to; see {@link ValueType}. */
  type?: ValueType;
  /** Standard Schema (valibot, zod, arktype …) that a cached value must pass; what does not fit is a miss. */
  schema?: StandardSchemaV1;
}
