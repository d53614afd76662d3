import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Codec } from '../codecs/codec.js';
import type { Duration, DurationOption } from './duration.js';
import type { ValueType } from './value-type.js';

/**
 * How long values live: may be stated for a cache, a region, a class, a method and a call. The nearest statement holds.
 * What each may be, and its default, stands in policy-table.ts.
 */
export interface LifeOptions<D = Duration, Ttl = D> {
  /** How long a value is fresh: milliseconds, or text such as `'5m'`. Longer than 0, always finite. @default '5m' */
  ttl?: Ttl;
  /**
   * Shortens each ttl by a random share of up to this, 0 to 1, so that entries written together do not expire together.
   *
   * @default 0.1
   */
  jitter?: number;
  /**
   * How long `null` and `undefined` are fresh: milliseconds, or text such as `'30s'`; 0: they are not cached.
   *
   * @default the ttl
   */
  negativeTtl?: D;
  /**
   * How long after its ttl a value may be served while one caller reloads it: milliseconds, or text.
   *
   * @default 0 (never)
   */
  staleWhileRevalidate?: D;
  /** How long after its ttl a value may be served when its load fails: milliseconds, or text. @default 0 (never) */
  staleIfError?: D;
}

/**
 * Limits of one load. With `soft` a stale value is served when the load takes longer, and the load goes on; with `hard`
 * the signal of its context is aborted, and the call gets a stale value or RC_LOAD_TIMEOUT. Milliseconds, or text;
 * neither has a default.
 *
 * @publicApi
 */
export interface LoadTimeouts {
  /** When a stale value within `staleIfError` is served instead. */
  soft?: DurationOption;
  /** When the load is given up. */
  hard?: DurationOption;
}

/** What happens while a value is loaded, and when it cannot be: for a cache, a region, a class, a method and a call. */
export interface SourceOptions<D = Duration> {
  /** Limits of one load: `{ soft, hard }`; see {@link LoadTimeouts}. @default none */
  timeout?: LoadTimeouts;
  /**
   * True: the error says that the source is out of order, so that `staleIfError` holds. False: it is the source's
   * answer.
   *
   * @default false for errors with an HTTP status of 400 to 499, else true
   */
  staleIf?: (error: unknown) => boolean;
  /**
   * How long after a failed load a stale value is served without another try, milliseconds or text; doubles with each
   * failure, up to 30 s. 0: each call tries.
   *
   * @default '1s'
   */
  errorBackOff?: D;
  /**
   * Loads behind a hit, before the value expires: the higher, the earlier; 1 is usual, 10 the most, 0 never.
   *
   * @default 0 (never)
   */
  earlyRefresh?: number;
}

/** How values are stored and loaded: for a cache, or a region. */
export interface StorageOptions {
  /**
   * How many loads of a region run at once in this process, 1 and up; others wait in line.
   *
   * @default as many as are asked for
   */
  maxConcurrentLoads?: number;
  /**
   * How many loads of a region wait in line, `maxWait` at most; further ones are answered by a stale value, or
   * RC_LOADS_EXHAUSTED.
   *
   * @default 100
   */
  maxQueuedLoads?: number;
  /**
   * For which share of the keys the cache is used, 0 to 1: the same keys in every process. Evictions act on all.
   *
   * @default 1
   */
  rollout?: number;
  /**
   * How values become bytes: `'json'`, `'msgpack'` (needs the package msgpackr), or a codec of your own.
   *
   * @default 'json'
   */
  codec?: CodecName | Codec;
  /** How long a load may hold its key, milliseconds or text; then another caller may take it over. @default '10s' */
  lease?: DurationOption;
  /**
   * How long a caller waits for another instance's load, milliseconds or text, before it loads by itself, without
   * writing to the cache.
   *
   * @default '5s'
   */
  maxWait?: DurationOption;
  /**
   * How long a write (`@CachePut`, strict `@CacheEvict`) may take before its fence falls, milliseconds or text; longer
   * than the longest write.
   *
   * @default '30s'
   */
  fence?: DurationOption;
  /** How long late events and late puts are recognised as such, milliseconds or text. @default '10m' */
  tombstone?: DurationOption;
  /**
   * Largest encoded value that is kept, bytes, before it is compressed; a larger one is returned and not cached.
   *
   * @default 1 MiB
   */
  maxValueBytes?: number;
  /** From how many bytes on an encoded value is compressed in Redis (brotli); false: none is. @default 64 KiB */
  compressFrom?: number | false;
}

/** What callers get: for a region, a class, a method or a call. */
export interface FormOptions {
  /** True: each caller gets a copy of its own instead of a shared frozen value. @default false */
  mutable?: boolean;
  /** What a cached value comes back as, where it holds instances of classes; see {@link ValueType}. */
  type?: ValueType;
}

/** As {@link FormOptions}; not for a class, whose methods return different things. */
export interface SchemaOptions {
  /** Standard Schema (valibot, zod, arktype …) that a cached value must pass; what does not fit is a miss. */
  schema?: StandardSchemaV1;
}

/**
 * Options of one region: a set of entries with one policy. What it leaves out is as in the cache's.
 *
 * @publicApi
 */
export interface RegionOptions
  extends LifeOptions<DurationOption>, SourceOptions<DurationOption>, StorageOptions, FormOptions, SchemaOptions {
  /** Last segment of the region's keys; the same for every codec. @default 'json' */
  attribute?: string;
  /**
   * Number of the form of the values, 1 and up: an entry of another shape is a miss, and evictions reach it.
   *
   * @default 1
   */
  shape?: number;
  /**
   * `'hashed'`: identifiers stand in keys as SHA-256, so that no e-mail or token is read in MONITOR, logs or dumps.
   *
   * @default 'plain'
   */
  keys?: 'plain' | 'hashed';
  /** False: this region is never kept in L1. */
  l1?: false;
}

/** @publicApi */
export type CodecName = 'json' | 'msgpack';

/** A fixed value, or a function of the loaded value and of the arguments of the method that returned it. */
export type OfResult<X, Value, Args extends readonly unknown[] = []> = X | ((value: Value, ...args: Args) => X);

/** How a value is kept: for a method, or a call. Each overrides the region's option of the same name. */
export interface EntryOptions<Value, Args extends readonly unknown[]>
  extends LifeOptions<Duration, OfResult<Duration, Value, Args>>, SourceOptions, FormOptions, SchemaOptions {
  /** Labels by which many entries are evicted at once. */
  tags?: OfResult<readonly string[], Value, Args>;
  /** True: the result is returned and not cached. */
  unless?: (value: Value, ...args: Args) => boolean;
}
