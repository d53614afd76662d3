import { canonicalVersion } from '../entries/version.js';

/** How far ahead of this machine's clock a time may lie, ms: clocks differ, but not by that. */
const MAX_AHEAD_MS = 5 * 60_000;

/**
 * The version of an event, canonical; '' where it has none, or none that can be believed: then everything goes, which costs a miss at most. A time
 * that lies ahead would keep true events from evicting what it put.
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
  const isTime = version instanceof Date || (typeof version === 'string' && version.includes('T'));
  if (!isTime || Number(canonical) <= nowMs + MAX_AHEAD_MS) return canonical;
  countBadVersion();
  return '';
}
