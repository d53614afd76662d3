import type { StoredEntry } from '../entries/stored-entry.js';
import type { Outcome, Take } from './flight.js';
import type { ReadPolicy } from './read-policy.js';

/**
 * A value past its ttl, decoded; `pastMs` says how long past, `freshUntilMs` the same as local time, `at` when the read
 * that found it was sent (logical time).
 */
export interface Stale {
  readonly take: Take;
  readonly at: number;
  readonly pastMs: number;
  readonly freshUntilMs: number;
}

/** How long an entry is past its ttl, by the server's own clock, ms. A soft-evicted one is past it since for ever. */
export function pastMs(entry: StoredEntry, nowMicros: number): number {
  return entry.freshUntilMicros === 0 ? Infinity : (nowMicros - entry.freshUntilMicros) / 1_000;
}

/** The stale value as an answer: good for its callers alone. */
export function staleOutcome({ at, take, freshUntilMs }: Stale): Outcome {
  return { kind: 'value', at, source: 'stale', take, freshUntilMs, isTainted: true };
}

/** Served without a try: where there is no room for one, or the source is out of order. */
export function isServableAtAll(stale: Stale, policy: ReadPolicy): boolean {
  return isServableWhileRevalidating(stale, policy) || isServableOnError(stale, policy);
}

/** RFC 5861, section 3: served while one caller revalidates. A soft-evicted value too, as long as it is kept. */
export function isServableWhileRevalidating(stale: Stale, policy: ReadPolicy): boolean {
  const { staleWhileRevalidateMs } = policy;
  return stale.pastMs <= staleWhileRevalidateMs || (staleWhileRevalidateMs > 0 && stale.pastMs === Infinity);
}

/** RFC 5861, section 4: served when the load fails. A soft-evicted value too: it is kept for just that. */
export function isServableOnError(stale: Stale, policy: ReadPolicy): boolean {
  return policy.staleIfErrorMs > 0 && (stale.pastMs <= policy.staleIfErrorMs || stale.pastMs === Infinity);
}
