import type { CacheKey } from '../keys/cache-key.js';
import { keepShape } from '../shared/keep-shape.js';
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

/**
 * One call of a cached method, or of getOrLoad.
 *
 * A class, and no literal: V8 learns from the first of a literal how long they live, and where those wait for a load it
 * makes all later ones old from birth. Each would then keep what it holds, such as a request, until the next full
 * collection.
 */
export class ReadCall implements EntryCall {
  constructor(
    readonly region: RegionState,
    readonly key: CacheKey,
    readonly policy: ReadPolicy,
    readonly args: readonly unknown[],
    readonly load: (context: LoadContext) => Promise<unknown>,
    readonly report?: OnReport,
    /** Left out: that of the function which the caller is part of, if any. */
    readonly mode?: CallMode,
  ) {}
}

keepShape(new ReadCall(null!, null!, null!, [], null!));
