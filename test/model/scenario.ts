/** What a writer does, once. */
export type WriterKind =
  /** commit, then EVICT */
  | 'evict'
  /** commit, then SOFT-EVICT */
  | 'softEvict'
  /** EVICT of a key nobody changed */
  | 'bareEvict'
  /** EVICT of another key of the bucket */
  | 'otherEvict'
  /** FENCE, commit, UNFENCE */
  | 'strict'
  /** FENCE, commit, PUT(F) of what was committed */
  | 'fencedPut'
  /** FENCE, read in a transaction, PUT(F) of what was read */
  | 'fencedPutOfRead'
  /** commit, then PUT without fence and version */
  | 'blindPut'
  /** commit, then TAG of the entry's tag */
  | 'tag'
  /** commit, then TAG of '*' (a region's stamp behaves the same) */
  | 'clear'
  /** commit; the event arrives `deliveries` times, at any time, as PUT(ver) */
  | 'eventPut'
  /** as eventPut, but EVICT(ver) */
  | 'eventEvict';

export interface WriterSpec {
  readonly kind: WriterKind;
  /** Index of the instance it runs in; left out: a process of which only its effects are seen. */
  readonly instance?: number;
  /** It may die between commit and eviction. */
  readonly crashes?: boolean;
  /** Its eviction may fail with an unknown outcome, and is then journaled and sent again. */
  readonly fails?: boolean;
  /** For events; default 2. */
  readonly deliveries?: number;
}

/**
 * One small world, all of whose interleavings are explored. Numbers are bounds; what is left out does not exist there.
 */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly writers: readonly WriterSpec[];
  /**
   * Names of steps that have been taken, in this order, before the exploration begins: a way to reach deep places
   * cheaply.
   */
  readonly prefix?: readonly string[];
  /**
   * How many instances have a view of the bucket (L1, channel, polls, plain reads). Default 0: readers use GETL only.
   */
  readonly instances?: number;
  /** The instance of each slot for a read that goes to Redis. */
  readonly flights?: readonly number[];
  /** How many reads each slot may run, one after the other. Default 1. */
  readonly runs?: number;
  /** The instance of each caller that may join others' reads. Without callers each read is its own. */
  readonly callers?: readonly number[];
  readonly plainReads?: boolean;
  readonly l1?: boolean;
  /** Entries carry a tag. */
  readonly tagged?: boolean;
  /** Entries carry versions (the number of their commit), and tombstones are kept. */
  readonly versioned?: boolean;
  readonly losesMessages?: boolean;
  /**
   * Messages on their way to one instance at most; beyond that the model stops with an error, or loses them if it may.
   */
  readonly queue?: number;
  /** Fences may run out at any time. */
  readonly fencesExpire?: boolean;
  /** Half the life of a tombstone may pass at any time. */
  readonly timePasses?: boolean;
  /** V may expire or be evicted by Redis at any time. */
  readonly losesValue?: boolean;
  /** S may be evicted by Redis at any time. */
  readonly losesSide?: boolean;
  /** As losesSide, but only while a fence stands: then the fence, which is in M, has to do without S. */
  readonly losesSideUnderFence?: boolean;
  /** Reads may refresh early (GETL with force). */
  readonly refreshes?: boolean;
  /** A load may run in a transaction that began before its read. */
  readonly snapshotLoads?: boolean;
  /** A load may throw, and gives its lease back. */
  readonly loadsFail?: boolean;
  /**
   * A load may read a replica of the database that lags one version behind. What it returns itself is promised nothing.
   */
  readonly laggingLoads?: boolean;
  /** A GETL may arrive twice, the second time as late as it can. */
  readonly duplicates?: boolean;
  /** The answer to a FILL may be lost. */
  readonly losesAnswers?: boolean;
  /** Old tag stamps may be collected at any time. */
  readonly collects?: boolean;
  readonly failovers?: number;
  /** Messages of incarnations below the known one are ignored; otherwise they flush. Either is right. */
  readonly ignoresOlderMessages?: boolean;
  /** False: the replica never catches up with the first server. */
  readonly replicates?: boolean;
  /** A server may come back without having been synchronised with the one that was master meanwhile. */
  readonly unsynchronised?: boolean;
  /** Restarts from what was last saved. */
  readonly restarts?: number;
  readonly flushAlls?: number;
  /** FUNCTION LOAD REPLACE, which forgets the library's memory. */
  readonly reloads?: number;
  /** M alone may be lost. */
  readonly losesBucket?: number;
  /** The promoted server's clock is behind. */
  readonly clockBehind?: boolean;
  /** The promise of strict writes is claimed over failovers too (the option fenceAfterFailover). */
  readonly fenceAfterFailover?: boolean;
  /**
   * How often D, the bound of L1 and of what a connection proves, may pass. Left out: there is no clock, and a proof is
   * of any age.
   */
  readonly turns?: number;
  /** An instance may be suspended while D passes. */
  readonly suspends?: boolean;
  /** The master may be cut off together with instance 0: it refuses writes, and the other server takes over. */
  readonly partitions?: number;
  /** The data of the master may fall back to what the other server had, under living connections. */
  readonly rollbacks?: number;
}
