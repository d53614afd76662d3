import { parseCacheControl, secondsOf } from './cache-control.js';
import { currentAgeMs, lifetimeMs } from './freshness.js';
import { listed } from './header-fields.js';
import type { ExchangeTimes, RequestHead, ResponseHead } from './message-heads.js';

/** What may be done with a stored response that fits the request; times in ms. */
export type Reuse =
  | { readonly as: 'fresh'; readonly ageMs: number; readonly freshMs: number }
  /** Served while one caller revalidates it (RFC 5861, section 3). */
  | { readonly as: 'stale-while-revalidate'; readonly ageMs: number; readonly pastMs: number }
  /**
   * The origin is asked first; `onError`: served when it cannot answer (RFC 5861, section 4; RFC 9111, section 4.2.4).
   */
  | { readonly as: 'validate'; readonly ageMs: number; readonly pastMs: number; readonly onError: boolean };

export interface ReuseOptions {
  /**
   * True: `no-cache`, `max-age` and `min-fresh` of requests are obeyed, so that any client can send every request to
   * the origin.
   */
  readonly honorClientNoCache: boolean;
  /** How long past its freshness a response that does not say is served when the origin cannot answer, ms. */
  readonly staleIfErrorMs: number;
}

/** RFC 9111, section 4, for a shared cache. */
export function decideReuse(
  request: RequestHead,
  stored: ResponseHead & ExchangeTimes,
  nowMs: number,
  options: ReuseOptions,
): Reuse {
  const directives = parseCacheControl(stored.headers);
  const ageMs = currentAgeMs(stored, stored, nowMs);
  const freshMs = (lifetimeMs(stored, stored) ?? 0) - ageMs;
  const pastMs = Math.max(0, -freshMs);
  // section 4.2.4: what forbids serving stale without the origin's word
  const isStrict = ['no-cache', 'must-revalidate', 'proxy-revalidate', 's-maxage'].some((name) => directives.has(name));
  const sinceFreshMs = Number.isFinite(ageMs) ? pastMs : Infinity;
  const within = (name: string, otherwiseMs: number) => {
    const seconds = secondsOf(directives, name);
    const limitMs = seconds === undefined ? otherwiseMs : seconds * 1_000;
    return limitMs > 0 && sinceFreshMs <= limitMs;
  };
  if (!directives.has('no-cache') && freshMs > 0 && !isRefusedByClient(request, ageMs, freshMs, options))
    return { as: 'fresh', ageMs, freshMs };
  if (!isStrict && freshMs <= 0 && within('stale-while-revalidate', 0))
    return { as: 'stale-while-revalidate', ageMs, pastMs };
  return { as: 'validate', ageMs, pastMs, onError: !isStrict && within('stale-if-error', options.staleIfErrorMs) };
}

/** RFC 9111, section 5.2.1, and Pragma of old clients (section 5.4). */
function isRefusedByClient(request: RequestHead, ageMs: number, freshMs: number, options: ReuseOptions): boolean {
  if (!options.honorClientNoCache) return false;
  const directives = parseCacheControl(request.headers);
  if (directives.has('no-cache')) return true;
  if (directives.size === 0 && listed(request.headers, 'pragma').includes('no-cache')) return true;
  const mostAge = secondsOf(directives, 'max-age');
  const leastFresh = secondsOf(directives, 'min-fresh');
  return (
    (mostAge !== undefined && ageMs > mostAge * 1_000) || (leastFresh !== undefined && freshMs < leastFresh * 1_000)
  );
}
