/** Where its values lie: in the process, in Redis, or both. */
export type Tiers = 'l1' | 'l2' | 'l1+l2';

/** A cache that takes part in benchmarks; a floor does the least that is possible, and promises less. */
export interface Contender {
  readonly name: string;
  readonly role: 'floor' | 'ours' | 'peer';
  readonly tiers: Tiers;
  open(setting: Setting): Promise<OpenContender>;
}

export interface Setting {
  readonly url: string;
  /** What a miss costs. */
  load(key: string): Promise<unknown>;
  /** Left out: what its documentation begins with. */
  readonly ttlMs?: number;
  /** Of the tier in the process. */
  readonly maxEntries?: number;
}

export interface OpenContender {
  /** Read-through. */
  get(key: string): Promise<unknown>;
  /** Read-through of an entry with a tag, group or reference. Left out: it has none. */
  getTagged?(key: string, tag: string): Promise<unknown>;
  evict(key: string): Promise<unknown>;
  /** In one call. Left out: it has none. */
  evictMany?(keys: readonly string[]): Promise<unknown>;
  evictTag?(tag: string): Promise<unknown>;
  /** How often a circuit opened since the start; left out: it has none, or does not tell. */
  opened?(): number;
  close(): Promise<unknown>;
}

export const HOUR_MS = 3_600_000;
