import type { StoredEntry, Payload } from '../entries/stored-entry.js';
import type { CacheKey } from '../keys/cache-key.js';
import { CacheError } from '../shared/errors.js';
import type { Mark } from './channel.js';

/** Where the bucket stood when the operation ran. Part of every reply. */
export interface BucketPosition {
  /** Incarnation `i`: changes when the server, or its data, is not the one from before. Everything older is void. */
  readonly incarnation: number;
  /** Sequence `q` of all invalidations of the bucket. */
  readonly sequence: number;
}

/**
 * The server answered that it does not run this operation (out of memory, say); it may well run others. Any other
 * RC_STORE_UNAVAILABLE says that nobody knows what became of it.
 */
export class StoreRefusal extends CacheError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('RC_STORE_UNAVAILABLE', message, options);
  }
}

/** How a key is read. */
export interface ReadArgs {
  readonly key: CacheKey;
  /** Name of the key's region, for its clear stamp. */
  readonly region: string;
  /** True when the codec's payloads are Buffers. */
  readonly binary: boolean;
}

/**
 * The facts of a plain read: no judgement. `identified` is true only if the connection that answered had been
 * identified (a poll was answered on it since it became ready) and both replies came from that one connection, the
 * bucket's position having been read **before** the value. The engine decides whether this is a hit (PROTOCOL 5).
 */
export interface PlainRead {
  readonly identified: boolean;
  /** Absent (null) when the bucket's M does not exist or a field is missing. */
  readonly position: (BucketPosition & { readonly markSequence: number }) | null;
  /** Null when there is no entry, or what stands there is not an entry of ours (`foreign` says so). */
  readonly entry: StoredEntry | null;
  /** True when bytes stood at the key that are not ours or are damaged. */
  readonly foreign: boolean;
}

/**
 * What entries from before a failover, a restart or a rollback are, as far as no mark voids them and no mark was lost:
 * void, never fresh but servable as stale, or as any other.
 */
export type OnFailover = 'flush' | 'stale' | 'keep';

export interface LeaseArgs extends ReadArgs {
  /** Unique per load, never per client (R2). The same token again is answered `lease` again: safe to retry. */
  readonly token: string;
  /**
   * Until when others wait for this load. Its end allows takeover; a fill whose token still stands is accepted later
   * too.
   */
  readonly leaseMs: number;
  /** How long the lease's record is kept after that. */
  readonly keepMs: number;
  /** Take the lease although the entry is fresh (early refresh). */
  readonly force?: boolean;
  /** What entries of incarnations before this one are. @default 'flush' */
  readonly onFailover?: OnFailover;
}

/** The answer to "give me the value, or the right to load it". `nowMicros` is server time. */
export type ReadOrLease = BucketPosition & { readonly nowMicros: number } & (
    | { readonly kind: 'hit'; readonly entry: StoredEntry }
    /**
     * The caller loads, then fills or releases. `stale`: an entry past its ttl, inside its stale window, not
     * invalidated.
     */
    | { readonly kind: 'lease'; readonly stale: StoredEntry | null }
    /** Another caller loads. `remainingMs`: until its lease may be taken over. */
    | { readonly kind: 'held'; readonly stale: StoredEntry | null; readonly remainingMs: number }
    /** A writer's fence stands, or the clear mark or the region's is held: load, do not fill. */
    | { readonly kind: 'fenced' }
  );

/** What is written, by fill and by put. */
export interface EntryArgs {
  readonly payload: Payload;
  /** Codec id, and after a space its meta. No newline. */
  readonly format: string;
  /** How long it is fresh, ms, > 0. */
  readonly ttlMs: number;
  /** How long after that it is kept as stale, ms, >= 0. */
  readonly staleMs: number;
  readonly tags: readonly string[];
  /** How long the load took, µs. */
  readonly loadMicros: number;
  /** Canonical version (entries/version.ts), or ''. */
  readonly version: string;
}

export interface FillArgs extends EntryArgs {
  readonly key: CacheKey;
  readonly region: string;
  readonly token: string;
}

/**
 * `refused`: the value must reach nobody but the caller who loaded it, and never L1. `mark`: one was stamped since the
 * lease, or is held.
 */
export type FillOutcome = BucketPosition &
  (
    | { readonly kind: 'filled'; readonly stamp: number; readonly nowMicros: number }
    | { readonly kind: 'refused'; readonly reason: 'lease' | 'incarnation' | 'mark' | 'version' }
  );

export interface EvictArgs {
  /** Keys of ONE bucket, at least one. */
  readonly keys: readonly CacheKey[];
  /**
   * Per key, or '' for an eviction without one. With a version: an entry of this version or a newer one stays, and
   * older fills and puts are refused for `tombstoneMs`. Absent: none has a version.
   */
  readonly versions?: readonly string[];
  /** Marks that are stamped in the same moment. */
  readonly marks?: readonly Mark[];
  readonly tombstoneMs: number;
}

export interface StampArgs {
  readonly bucket: number;
  /** At least one; all are stamped in one moment. */
  readonly marks: readonly Mark[];
  /**
   * Who holds the marks, unique per call. With `holdMs` nothing that carries one of them may be filled or put until the
   * owner stamps the same marks again without `holdMs`, or until the time is over. Holds of several owners stand side
   * by side; where there would be too many of them, everything is held.
   */
  readonly hold?: string;
  /** > 0. Only with `hold`. */
  readonly holdMs?: number;
}

/** Where the bucket stands, and the stamp that all the marks of the call got; 0 without any. */
export type Stamped = BucketPosition & { readonly stamp: number };

/** What was held or fenced until now. */
export interface Stood {
  /** True when it stood for every key or mark of the call until now: nothing came back meanwhile. */
  readonly stood: boolean;
}

export interface FenceArgs {
  /** Keys of ONE bucket, at least one. */
  readonly keys: readonly CacheKey[];
  /** Unique per write. */
  readonly fence: string;
  /** How long the fence stands when its writer dies, ms. */
  readonly fenceMs: number;
  readonly tombstoneMs: number;
}

export interface UnfenceArgs {
  /** Keys of ONE bucket, at least one. */
  readonly keys: readonly CacheKey[];
  readonly fence: string;
  readonly tombstoneMs: number;
}

export interface PutArgs extends EntryArgs {
  readonly key: CacheKey;
  readonly region: string;
  /** The fence set before the write, or '' for a versioned put. */
  readonly fence: string;
  readonly tombstoneMs: number;
}

/**
 * `superseded`: a newer version stands and stays. `refused`: the entry was removed instead, since the put could not be
 * proven to be the newest. A put without a fence is refused with tags, and in a region where an entry had tags.
 */
export type PutOutcome = BucketPosition & { readonly kind: 'stored' | 'superseded' | 'refused' };

/**
 * Where a bucket stands, for L1's proof of currency. `stamps[n]` is the stamp of `marks[n]` as asked, 0 when it has
 * none.
 */
export interface PollReply extends BucketPosition {
  /** Sequence `tq` of marks and flushes only. */
  readonly markSequence: number;
  /** Stamp clock `c`: no stamp of the bucket is greater. */
  readonly stampClock: number;
  /**
   * The incarnations before this one whose entries the bucket's marks still void: back to the last loss of marks, 16 at
   * most.
   */
  readonly earlierIncarnations: readonly number[];
  /** Server time, µs. */
  readonly nowMicros: number;
  readonly stamps: readonly number[];
}

/** What a server says of itself. Plain data. @publicApi */
export interface ServerFacts {
  /** Such as `7.0.15`, or `valkey 8.1.0`. */
  readonly version: string;
  readonly usedMemoryBytes: number;
  /** Null: no limit. */
  readonly maxMemoryBytes: number | null;
  /** Such as `noeviction` or `volatile-lru`. */
  readonly evictionPolicy: string;
  /**
   * Keys that it evicted for room since it was first asked, at boot as a rule, or since it was restarted after that.
   */
  readonly evictedKeys: number;
}

/** A server that was asked about itself. Plain data. @publicApi */
export type ServerReport =
  | { readonly address: string; readonly latencyMs: number; readonly facts: ServerFacts }
  /** It did not answer (`latencyMs` null), or the user may not ask. */
  | { readonly address: string; readonly latencyMs: number | null; readonly facts: null; readonly why: string };

/** A server, and whether calls wait for it. Plain data. @publicApi */
export interface EndpointStatus {
  /** Host and port, the path of a socket, or the master that sentinels name. */
  readonly address: string;
  /** `open`: it is silent, and calls do not wait for it. `half-open`: so, and a poll is on its way to find out. */
  readonly circuit: 'closed' | 'open' | 'half-open';
  /** How long it has been open, ms; null: it is closed. */
  readonly openForMs: number | null;
  /** What was last said, or not said, before it opened; null: it is closed. */
  readonly why: string | null;
}

/**
 * L2: shared by all instances. Two drivers (Redis, in memory) pass one contract suite.
 *
 * Every method is one round trip and may reject with CacheError RC_STORE_UNAVAILABLE (no connection, timeout, refused
 * command): the outcome is then
 * **unknown**. None retries by itself, except to load the function library where it is missing. Each call carries
 * the highest incarnation the driver ever saw of that bucket, in replies and messages.
 */
export interface RemoteStore {
  /** 1 on a standalone server, Sentinel and in memory; more on Cluster. Fixed for the life of the store. */
  readonly bucketCount: number;
  /**
   * Opens connections and makes the functions available. Resolves also when the server is away (it goes on trying),
   * rejects when it can never work.
   *
   * @throws CacheError RC_REDIS_UNSUPPORTED, RC_REDIS_PERMISSION
   */
  open(): Promise<void>;

  /**
   * Verified plain read. Reads of one turn and bucket go out together. Each hit waits for one, once: so it need be no
   * promise.
   */
  read(args: ReadArgs): PromiseLike<PlainRead>;
  readOrLease(args: LeaseArgs): Promise<ReadOrLease>;
  /** Writes only if the token still holds the lease and nothing was invalidated since it was granted. */
  fill(args: FillArgs): Promise<FillOutcome>;
  /** Gives the lease up without a value; wakes the waiters. A foreign token does nothing. */
  release(args: { key: CacheKey; token: string }): Promise<void>;
  /** Extends the lease to `leaseMs` from now. False when the token no longer stands. */
  renew(args: { key: CacheKey; token: string; leaseMs: number; keepMs: number }): Promise<boolean>;

  /** Removes values, voids their leases, and stamps the marks, in one moment. Idempotent. */
  evict(args: EvictArgs): Promise<Stamped>;
  /** As evict without a version, but keeps the value as stale for `staleIfError`; it is never fresh again. */
  softEvict(args: { keys: readonly CacheKey[]; tombstoneMs: number }): Promise<BucketPosition>;
  /** Before a write: removes the values, voids the leases, and refuses fills until `unfence`, `put`, or `fenceMs`. */
  fence(args: FenceArgs): Promise<BucketPosition>;
  /** The end of a fenced evict: removes values, leases and this fence alone. */
  unfence(args: UnfenceArgs): Promise<BucketPosition & Stood>;
  put(args: PutArgs): Promise<PutOutcome>;
  /**
   * Voids every entry that carries one of the marks and was leased before now. Constant time per mark. `stood` is about
   * the hold named.
   */
  stamp(args: StampArgs): Promise<Stamped & Stood>;

  /** Polls of one turn and server that ask for no stamps go out as one call. */
  poll(args: { bucket: number; marks: readonly Mark[] }): Promise<PollReply>;

  /** One bucket of each server that serves any now, as far as that is known. */
  witnesses(): readonly number[];

  /** The servers that were talked to since the start; none in memory. */
  endpoints(): readonly EndpointStatus[];

  /** Asks each server about itself, within the time that one answer may take; none in memory. */
  inspect(): Promise<readonly ServerReport[]>;

  /** Ends what the driver opened. Pending calls reject. Idempotent. */
  close(): Promise<void>;
}
