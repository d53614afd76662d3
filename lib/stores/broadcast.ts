/** Who listens to a plain channel. Nothing of it may throw. */
export interface BroadcastListener {
  onMessage(text: string): void;
  /** After each attempt: null when it listens (again), else why not. */
  onOutcome(error: Error | null): void;
  /** It listened, and the connection is gone: what is published until `onOutcome(null)` is lost. */
  onLost(): void;
}

/**
 * Plain pub/sub on the server of a cache, for what other programs publish there. At most once: nobody tells what was
 * lost.
 */
export interface Broadcast {
  /** Listens until it is closed, again after each reconnect. */
  listen(channel: string, listener: BroadcastListener): void;
  /** Idempotent. */
  close(): void;
}
