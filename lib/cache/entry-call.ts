import type { CacheKey } from '../keys/cache-key.js';
import type { CallMode } from './call-modes.js';
import type { LoadContext } from './load-context.js';
import type { ReadPolicy } from './read-policy.js';
import type { OnReport } from './read-report.js';
import type { RegionState } from './region-state.js';

/** One call that concerns one entry. */
export interface EntryCall {
  readonly region: RegionState;
  readonly key: CacheKey;
  readonly policy: ReadPolicy;
  /** Arguments of the cached method, for functions among its options; none of a call by hand. */
  readonly args: readonly unknown[];
  /** Left out: nobody asks how it was answered. */
  readonly report?: OnReport | undefined;
}

/** One call of a cached method, or of getOrLoad. */
export interface ReadCall extends EntryCall {
  readonly load: (context: LoadContext) => Promise<unknown>;
  /** Left out: that of the function which the caller is part of, if any. */
  readonly mode?: CallMode | undefined;
}
