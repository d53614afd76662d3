import type { Redis } from 'ioredis';
import type { RedisNode } from './redis-node.js';

export interface BucketOwner {
  /** The connection to a master of a Cluster; null: the one server that every connection leads to. */
  readonly client: Redis | null;
  readonly buckets: readonly number[];
}

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
  /** Who owns which buckets now, as far as it is known; one owner without an address where there is one server. */
  owners(): readonly BucketOwner[];
  /** Called when `owners` may have changed. */
  onChange: () => void;
  /** Why the last connection failed. */
  readonly lastError: Error | null;
  /** Ends the connections that it made. Idempotent. */
  close(): void;
}
