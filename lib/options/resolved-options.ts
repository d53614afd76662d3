import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Codec } from '../codecs/codec.js';
import type { RedisConnectionOptions } from './redis-connection.js';
import type { CodecName } from './redis-cache-options.js';
import type { ValueType } from './value-type.js';

/** What the code reads: complete, checked, in milliseconds, frozen. Made once by resolveOptions. */
export interface ResolvedOptions {
  readonly name: string;
  readonly service: string;
  /** False: the cache is off; it has neither Redis nor L1 then. */
  readonly enabled: boolean;
  readonly redis: RedisConnectionOptions | null;
  /** Null: no L1. */
  readonly l1: { readonly maxEntries: number; readonly maxBytes: number; readonly maxAgeMs: number } | null;
  /** Policy of regions that `regions` does not name. */
  readonly defaults: ResolvedRegionOptions;
  readonly regions: ReadonlyMap<string, ResolvedRegionOptions>;
  readonly maxKeyLength: number;
  readonly reads: 'plain' | 'function';
  readonly commandTimeoutMs: number;
  readonly onEvictFailure: 'journal' | 'throw' | 'block';
  readonly evictWaitMs: number;
  readonly onFenceFailure: 'refuse' | 'run';
  readonly onFailover: 'flush' | 'stale' | 'keep';
  readonly buckets: number;
}

export interface ResolvedRegionOptions {
  readonly ttlMs: number;
  readonly jitterRatio: number;
  /** Null: as ttlMs. 0: null and undefined are not cached. */
  readonly negativeTtlMs: number | null;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** A name is resolved to the codec by the composition root. */
  readonly codec: CodecName | Codec;
  readonly attribute: string;
  readonly shape: number;
  readonly keys: 'plain' | 'hashed';
  readonly l1: boolean;
  readonly leaseMs: number;
  readonly maxWaitMs: number;
  readonly fenceMs: number;
  readonly tombstoneMs: number;
  readonly maxValueBytes: number;
  readonly mutable: boolean;
  readonly type: ValueType | null;
  readonly schema: StandardSchemaV1 | null;
}
