/** Who is told of what other programs write. Nothing of it may throw. */
export interface ForeignWritesListener {
  /** Something wrote this key, or deleted it; it may have been a cache. */
  wrote(entry: string): void;
  /** It listens (again): of what was written before, nothing is known. */
  began(): void;
}

/**
 * Tells of writes to entries that went past the cache: a bare DEL of another program. A means beside the protocol, off
 * by default.
 */
export interface ForeignWrites {
  /** Listens until it is closed. Called once. */
  open(listener: ForeignWritesListener): void;
  /** Local monotonic ms: every write that was acknowledged before it was told. -Infinity: it never listened. */
  readonly provenAtMs: number;
  /** Idempotent. */
  close(): void;
}
