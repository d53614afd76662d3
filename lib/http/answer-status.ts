import type { ReadReport } from '../cache/read-report.js';
import type { CacheStatus } from './cache-status.js';
import type { CachedResponse } from './cached-response.js';

/** @param hasRun this request's own handler has run */
export function statusOf(told: ReadReport | undefined, hasRun: boolean): CacheStatus {
  if (told === undefined) return { hit: false, fwd: 'bypass' };
  const { source, isJoined, isStored, freshMs, bypass } = told;
  if (bypass !== null) return { hit: false, fwd: 'bypass', detail: bypass };
  if (source === 'stale') {
    return hasRun
      ? { hit: false, fwd: 'stale', ttlMs: freshMs, detail: 'stale-if-error' }
      : { hit: true, ttlMs: freshMs, detail: 'stale' };
  }
  if (source !== 'load') return { hit: true, ttlMs: freshMs };
  return { hit: false, fwd: 'uri-miss', isStored, isCollapsed: isJoined, ttlMs: freshMs };
}

/** By the store's own clock, whichever instance made it. */
export function ageOf({ ttlMs, responseMs }: CachedResponse, freshMs: number | null): number {
  return freshMs !== null && Number.isFinite(freshMs) ? ttlMs - freshMs : Date.now() - responseMs;
}
