import type { RedisNode } from './redis-node.js';

/** Which server serves which bucket. */
export interface RedisTopology {
  /**
   * Connects. Resolves when buckets can be served, or when the first attempt failed: it goes on trying.
   *
   * @returns why there is no connection yet, or null
   */
  open(): Promise<Error | null>;
  /** The connection to the bucket's master; null where none is known now. */
  nodeOf(bucket: number): RedisNode | null;
  /**
   * Something moved: finds out what. Calls within one attempt share it. Never rejects.
   *
   * @returns whether a call that was redirected may be sent again at once
   */
  refresh(): Promise<boolean>;
  /** Addresses of all nodes known now, masters or not; empty where there is only one. */
  knownNodes(): readonly { host: string; port: number }[];
  /** Why the last connection failed. */
  readonly lastError: Error | null;
  /** Ends the connections that it made. Idempotent. */
  close(): void;
}
