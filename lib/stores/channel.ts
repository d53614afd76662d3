/**
 * A message of the coherence channel (`<service>:~events`, on Cluster one per bucket).
 *
 * `entry`, `mark` and `flush` are invalidations: each raised the bucket's sequence by exactly one, so a receiver can
 * see gaps. `wake` only tells waiters that a lease ended; it has no sequence.
 */
export type ChannelMessage =
  | { kind: 'entry'; bucket: number; incarnation: number; sequence: number; entry: string }
  | { kind: 'mark'; bucket: number; incarnation: number; sequence: number; mark: Mark; stamp: number }
  | { kind: 'flush'; bucket: number; incarnation: number; sequence: number }
  | { kind: 'wake'; bucket: number; entry: string };

/** What a stamp applies to: `t:<tag>`, `r:<region>`, or `*` for the whole cache. */
export type Mark = `t:${string}` | `r:${string}` | '*';

/**
 * Receives what the store's functions publish. Delivery is **at most once**: messages may be lost without a sign (the
 * engine's poll finds out), but those that arrive from one server keep their order.
 */
export interface Channel {
  /**
   * Starts to listen; resolves when the subscription stands, or, where the server is away, at once: the channel goes on
   * trying. Called once. The listener must not throw; a message that cannot be understood is counted and dropped.
   */
  open(listener: (message: ChannelMessage) => void): Promise<void>;
  /** Ends the subscription and its connection. Idempotent. */
  close(): Promise<void>;
}
