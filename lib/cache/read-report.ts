import type { RegionState } from './region-state.js';

/** Why a read was answered past the cache. @publicApi */
export type BypassReason =
  /** The cache is off (`enabled: false`), or it or the region was switched off. */
  | 'off'
  /** The key is not among the share that `rollout` lets the cache be used for. */
  | 'not-rolled-out'
  /** The caller asked for it. */
  | 'asked'
  /** Redis did not answer. */
  | 'unavailable'
  /** An eviction of this instance is not acknowledged yet. */
  | 'eviction-pending'
  /** The call is part of the very load that it would wait for. */
  | 'own-load';

/**
 * How one read was answered. How old the value is stands in none: an entry carries the end of its freshness, and not
 * its beginning.
 *
 * @publicApi
 */
export interface ReadReport {
  /**
   * `l1`, `l2`: the value, fresh, from the process's own memory or from Redis; `stale`: a value past its ttl, inside a
   * stale window; `load`: the loader, or the decorated method.
   */
  readonly source: 'l1' | 'l2' | 'stale' | 'load';
  /** True: the read was begun by another caller in this process, whose answer this one shares. */
  readonly isJoined: boolean;
  /** False: the value was loaded and is not in the cache: refused, not to be cached, or Redis did not answer. */
  readonly isStored: boolean;
  /** How long the value stays fresh, ms; below 0: how long it is past its ttl; null: it is not stored. */
  readonly freshMs: number | null;
  /** Why the cache was not asked, or was not to be trusted; null: it was asked. */
  readonly bypass: BypassReason | null;
}

/** What a read may ask for beside its value. */
export interface Asked {
  readonly report?: OnReport | undefined;
  /** True: the cache is left alone. */
  readonly isBypass?: boolean;
  /**
   * True: a load that begins after the call; its value is written to the cache. Such reads of one key share loads as
   * well.
   */
  readonly isForced?: boolean;
}

/** Gets the report of a read, once, before its promise settles; nothing when the read fails. */
export type OnReport = (report: ReadReport) => void;

/** Tells one caller; what the application's function throws does not spoil the read. @internal */
export function tell(region: RegionState, report: OnReport, told: ReadReport): void {
  try {
    report(told);
  } catch {
    region.warnOnce(
      'report',
      `The function 'report' of a read in region "${region.name}" threw. Make it return for every report.`,
    );
  }
}

let listener: OnReport | undefined;

/**
 * Runs `call`, and reports how its first read through a cache was answered: where the cached method cannot be given a
 * `report`, as a decorated one.
 *
 *     const user = await withReport(() => this.users.findOne(id), ({ source }) => response.setHeader('X-Cache', source));
 *
 * @param call begins that read before its first `await`
 * @publicApi
 */
export function withReport<T>(call: () => T, report: (report: ReadReport) => void): T {
  const outer = listener;
  listener = report;
  try {
    return call();
  } finally {
    listener = outer;
  }
}

/** Who listens to the read that begins now; nobody listens to another after it. */
export function takeListener(): OnReport | undefined {
  const taken = listener;
  if (taken !== undefined) listener = undefined;
  return taken;
}
