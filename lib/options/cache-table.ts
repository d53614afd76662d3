import * as is from './option-schemas.js';
import type { OptionTable } from './option-table.js';
import type { L1Options, RedisCacheOptions } from './redis-cache-options.js';

/** Options of a cache that no region has, with what they may be, and each default with its reason. */
export const CACHE = {
  enabled: { kind: 'value', schema: is.flag, default: true },
  // keys stay readable, and short beside their values
  maxKeyLength: { kind: 'value', schema: is.count(50, 10_000), default: 200 },
  reads: { kind: 'value', schema: is.choice('plain', 'function'), default: 'plain' },
  commandTimeout: {
    kind: 'duration',
    // a multiple of it is the timeout of sockets
    schema: is.atMost('1h', is.longerThanNothing()),
    // many times a healthy answer, and still little beside a request
    default: '250ms',
  },
  onEvictFailure: { kind: 'value', schema: is.choice('journal', 'throw', 'block'), default: 'journal' },
  // outlasts a failover of Sentinel or Cluster with usual settings, and still fits into a request
  evictWait: { kind: 'duration', schema: is.timer(is.longerThanNothing()), default: '5s' },
  onFenceFailure: { kind: 'value', schema: is.choice('refuse', 'run'), default: 'refuse' },
  // the promise comes first; a herd after a failover is bounded by one load per key
  onFailover: { kind: 'value', schema: is.choice('flush', 'stale', 'keep'), default: 'flush' },
  foreignWrites: {
    kind: 'value',
    schema: is.falseOr(is.choice('tracking', 'keyspace'), `false, 'tracking' or 'keyspace'`),
    default: false,
  },
  // a line at boot costs little, an incident much
  advice: { kind: 'value', schema: is.flag, default: true },
  // one process's memory is rarely what production means
  allowEmbedded: { kind: 'value', schema: is.flag, default: false },
  // one shard would carry the whole cache
  hashTag: { kind: 'value', schema: is.flag, default: false },
  // spreads evenly over 3 to 16 masters
  buckets: { kind: 'value', schema: is.count(2, 16_384), default: 256 },
} as const satisfies OptionTable & { [Name in keyof RedisCacheOptions]?: unknown };

/** Options of L1. */
export const L1 = {
  maxEntries: { kind: 'value', schema: is.count(1), default: 10_000 },
  maxBytes: { kind: 'value', schema: is.count(1), default: 64 * 1024 ** 2 },
  // four polls fit into it, so a lost one costs nothing
  maxAge: { kind: 'duration', schema: is.timer(is.longerThanNothing()), default: '1s' },
} as const satisfies OptionTable & Record<keyof L1Options, unknown>;
