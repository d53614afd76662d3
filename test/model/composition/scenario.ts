/** One call that writes: its fences, its commit, its evictions, its ends, in this order. */
export interface CallSpec {
  /** Keys that it evicts after its commit. */
  readonly evicts?: readonly number[];
  /** It evicts the tag, in each bucket. */
  readonly marks?: boolean;
  /** False: nothing is committed. */
  readonly commits?: boolean;
  /** SOFT-EVICT: the value stays, to be served as stale. */
  readonly soft?: boolean;
  /** Keys that are fenced before the commit, and unfenced at the end. */
  readonly strict?: readonly number[];
  /** The key that it puts, by a fence. */
  readonly puts?: number;
  /**
   * Its method reads the key below the one it puts through the cache, and what it puts is made of that; else of its own
   * commit.
   */
  readonly putIsMade?: boolean;
  /** It runs in the instance that has L1. */
  readonly local?: boolean;
  /** More keys than one EVICT takes. */
  readonly chunked?: boolean;
  /** Its evictions may fail before anything was sent, and are then delivered by the journal. */
  readonly fails?: boolean;
  /** The release of the application that it belongs to. */
  readonly release?: number;
}

export interface ReadSpec {
  /** The outermost key that it reads. */
  readonly key: number;
  /** It runs in the instance that has L1. */
  readonly local?: boolean;
  readonly runs?: number;
  readonly release?: number;
}

/** A small world of keys that are made of one another: key 0 of a row, key n of key n - 1. */
export interface CompositionScenario {
  readonly name: string;
  readonly about: string;
  /** The bucket of each key. */
  readonly buckets: readonly number[];
  readonly calls: readonly CallSpec[];
  readonly reads: readonly ReadSpec[];
  /** Names of steps that have been taken, in this order, before the exploration begins. */
  readonly prefix?: readonly string[];
  /** Each key is the row as one release of the application keeps it: none is made of another. */
  readonly releases?: boolean;
  /** What stands in Redis and in L1, made of version 0, as the exploration begins. */
  readonly warm?: readonly number[];
  /** The keys whose entries carry the tag; default all. */
  readonly tagged?: readonly number[];
  /** The buckets that L1 keeps values of; default all. */
  readonly localBuckets?: readonly number[];
  /** Keys of regions without L1: there what callers get is promised, whatever it was made of. */
  readonly exact?: readonly number[];
  readonly losesMessages?: boolean;
  /** Messages of a bucket on their way. Beyond it they are lost. */
  readonly queue?: number;
  /** How many fences or holds may run out. */
  readonly expiries?: number;
  /** How many buckets may fail over: fences, leases and values are gone. */
  readonly failovers?: number;
  /** Values from before a failover, even if they were evicted, may be served as stale (`onFailover: 'stale'`). */
  readonly failoverLeavesStale?: boolean;
  /** Entries may outlive their freshness, and be served as stale while another loads. */
  readonly servesStale?: boolean;
  /** Reads wait for others' leases at most so long: then they load without one. */
  readonly waitsEnd?: boolean;
  /** The row may be read from a replica that lags one version; key 0 carries its version, and keeps tombstones. */
  readonly lags?: boolean;
  /** FILL may stay unanswered. */
  readonly losesAnswers?: boolean;
  /** Reads of one process share what they wait for. */
  readonly joins?: boolean;
}
