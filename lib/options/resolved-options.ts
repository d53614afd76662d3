import type { CACHE, L1 } from './cache-table.js';
import type { ResolvedOf } from './option-table.js';
import type { RegionOptions } from './policy-options.js';
import type { ResolvedPolicy } from './policy-table.js';
import type { RedisConnectionOptions } from './redis-connection.js';

/**
 * What the code reads: complete, checked, in milliseconds, frozen. Made once by resolveOptions. Each option has the
 * name that its table gives it: `commandTimeout` is `commandTimeoutMs`, `jitter` is `jitterRatio`.
 */
export interface ResolvedOptions extends ResolvedOf<typeof CACHE> {
  readonly name: string;
  readonly service: string;
  /** Null: the embedded store, or none, since the cache is off. */
  readonly redis: RedisConnectionOptions | null;
  /** Null: no L1. */
  readonly l1: ResolvedOf<typeof L1> | null;
  /** Policy of regions that `regions` does not name. */
  readonly defaults: ResolvedRegionOptions;
  readonly regions: ReadonlyMap<string, ResolvedRegionOptions>;
}

/** A name of a codec is resolved to the codec by the composition root. */
export interface ResolvedRegionOptions extends ResolvedPolicy {
  /** What the application wrote for this region in `regions`, without defaults; to tell a choice from a default. */
  readonly stated: Readonly<RegionOptions>;
}
