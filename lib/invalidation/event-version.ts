import { canonicalVersion } from '../entries/version.js';

/** How far ahead of this machine's clock a time may lie, ms: clocks differ, but not by that. */
const MAX_AHEAD_MS = 5 * 60_000;

/**
 * Numbers that are a time in ms, from September 2001 until the year 9999: a row's counter never gets there, at a
 * thousand writes a second in thirty years. Positions of a log and ids made of a time can lie above, or even between: a
 * bigint says that it is a counter.
 */
const [FIRST_MS, LAST_MS] = [1e12, 253_402_300_799_999] as const;

/**
 * The version of an event, canonical; '' where it has none, or none that can be believed: then everything goes, which
 * costs a miss at most. A time that lies ahead would keep true events from evicting what it put.
 */
export function soundVersion(
  version: unknown,
  where: string,
  { nowMs, countBadVersion }: { readonly nowMs: number; readonly countBadVersion: () => void },
): string {
  if (version === undefined || version === null) return '';
  let canonical: string;
  try {
    canonical = canonicalVersion(version, where);
  } catch {
    countBadVersion();
    return '';
  }
  if (!isTime(version, Number(canonical)) || Number(canonical) <= nowMs + MAX_AHEAD_MS) return canonical;
  countBadVersion();
  return '';
}

/** @param value of a version that is one */
function isTime(version: unknown, value: number): boolean {
  if (version instanceof Date || (typeof version === 'string' && version.includes('T'))) return true;
  return typeof version !== 'bigint' && value >= FIRST_MS && value <= LAST_MS;
}
