import { parseCacheControl, secondsOf } from './cache-control.js';
import { single } from './header-fields.js';
import { parseHttpDate } from './http-date.js';
import type { ExchangeTimes, ResponseHead } from './message-heads.js';

/** Heuristically cacheable by RFC 9110, section 15.1. */
const HEURISTIC_STATUS = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);

/**
 * How long a response is fresh, from its creation on, ms, for a shared cache (RFC 9111, section 4.2.1): s-maxage, else
 * max-age, else Expires. Undefined: it does not say. What is said and cannot be read is 0. Nothing is guessed from
 * Last-Modified (section 4.2.2): a cache that evictions reach should not serve what nobody has said is fresh.
 */
export function lifetimeMs(response: ResponseHead, times: ExchangeTimes): number | undefined {
  const directives = parseCacheControl(response.headers);
  const seconds = secondsOf(directives, 's-maxage') ?? secondsOf(directives, 'max-age');
  if (seconds !== undefined) return seconds * 1_000;
  const expires = single(response.headers, 'expires');
  if (expires === undefined) return undefined;
  const expiresMs = expires === null ? null : parseHttpDate(expires, times.responseMs);
  return expiresMs === null ? 0 : Math.max(0, expiresMs - dateMs(response, times));
}

/** True where a cache may keep the response though it says nothing of its freshness (RFC 9111, section 3). */
export function isCacheableUnsaid(response: ResponseHead): boolean {
  return HEURISTIC_STATUS.has(response.status) || parseCacheControl(response.headers).has('public');
}

/**
 * RFC 9111, section 4.2.3, ms. Infinite when the response's Age cannot be read: then nobody knows how old it is.
 */
export function currentAgeMs(response: ResponseHead, times: ExchangeTimes, nowMs: number): number {
  const age = single(response.headers, 'age');
  if (age === null || (age !== undefined && !/^\d+$/.test(age))) return Infinity;
  const apparentMs = Math.max(0, times.responseMs - dateMs(response, times));
  const correctedMs = Number(age ?? 0) * 1_000 + (times.responseMs - times.requestMs);
  return Math.max(apparentMs, correctedMs) + Math.max(0, nowMs - times.responseMs);
}

/** When the origin made the response; without a Date that can be read, when it came. */
function dateMs(response: ResponseHead, times: ExchangeTimes): number {
  const date = single(response.headers, 'date');
  return (date ? parseHttpDate(date, times.responseMs) : null) ?? times.responseMs;
}
