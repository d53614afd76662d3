/** What a loader is told about the load it runs. @publicApi */
export interface LoadContext {
  /**
   * Aborts when the load's lease ended and others may take over, and after `timeout.hard`: its result will not be
   * cached any more.
   */
  readonly signal: AbortSignal;
  /** Name of the region. */
  readonly region: string;
  /** The Redis key of the entry. */
  readonly key: string;
  /** True: its callers were served a stale value, or one that is about to expire, and nobody waits for this load. */
  readonly isRefresh: boolean;
}
