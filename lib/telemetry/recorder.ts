/**
 * Counts of one region, plain integers, only ever growing.
 *
 * Rules of counting. Each look-up (a call of a cached method, `getOrLoad`, `get`) that ended is counted in exactly one
 * of `hitsL1`, `hitsL2`, `stale`, `misses`, `bypasses`:
 * - `hitsL1`, `hitsL2`: served fresh from that tier; a caller who joined another's read counts as that read counted
 * - `stale`: served past its ttl, inside a stale window; or from before a failover, with `onFailover: 'stale'`
 * - `misses`: not answered by the cache: by a load, its own or one it joined, or, for `get` and where loads are
 * exhausted, not at all; also while Redis is away
 * - `bypasses`: the cache was not asked or not to be trusted: `condition` was false, it was switched off or not rolled
 * out, the caller asked for it, an eviction of this instance is pending, or the call is part of the very load that it
 * would
 *   wait for
 */
export interface RegionCounts {
  hitsL1: number;
  hitsL2: number;
  stale: number;
  misses: number;
  bypasses: number;
  /**
   * Loads begun (by this process), and how they ended: `loads = loadFailures + loads that returned + loads still
   * running`.
   */
  loads: number;
  loadFailures: number;
  /** Loads that were given up after `timeout.hard`; they are failures too. */
  loadTimeouts: number;
  /** Look-ups that were refused, since the region had as many loads as it may. */
  loadsRefused: number;
  /** Loads in the background: before a value expired (`earlyRefresh`), or while a stale one was served. */
  refreshes: number;
  /** Callers who were answered by a load they did not start. */
  loadsJoined: number;
  /** Times a load of another instance was waited for. */
  leaseWaits: number;
  fills: number;
  fillsRefused: number;
  puts: number;
  putsRefused: number;
  /** Evictions of this process that Redis acknowledged: each key, and each clear of the region. */
  evictions: number;
  evictionsFailed: number;
  /** Fences that Redis did not acknowledge: the write was refused, or ran without one. */
  fencesFailed: number;
  /** Entries that could not be decoded, or were not ours: each was a miss. */
  decodeFailures: number;
  /** Results that were returned and not cached, since codec, type, schema or an option function failed. */
  encodeFailures: number;
  /** Results that were returned and not cached, since the value or its tags were too large. */
  tooLarge: number;
}

export function emptyCounts(): RegionCounts {
  return {
    hitsL1: 0,
    hitsL2: 0,
    stale: 0,
    misses: 0,
    bypasses: 0,
    loads: 0,
    loadFailures: 0,
    loadTimeouts: 0,
    loadsRefused: 0,
    refreshes: 0,
    loadsJoined: 0,
    leaseWaits: 0,
    fills: 0,
    fillsRefused: 0,
    puts: 0,
    putsRefused: 0,
    evictions: 0,
    evictionsFailed: 0,
    fencesFailed: 0,
    decodeFailures: 0,
    encodeFailures: 0,
    tooLarge: 0,
  };
}
