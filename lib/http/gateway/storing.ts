import { parseCacheControl } from './cache-control.js';
import { isCacheableUnsaid, lifetimeMs } from './freshness.js';
import { combined, type HeaderFields, listed } from './header-fields.js';
import type { ExchangeTimes, RequestHead, ResponseHead } from './message-heads.js';

/** Final status codes whose meaning this cache knows (RFC 9111, section 3); 206 and 304 are parts of something else. */
const UNDERSTOOD = new Set([
  200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 409, 410, 414, 422, 429, 500, 501, 502, 503,
  504,
]);
const NEVER_STORED = new Set([206, 304, 416]);

/** Connection-level fields and what belongs to one hop (RFC 9110, section 7.6.1; RFC 9111, section 3.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Why a response is not stored, for Cache-Status and logs; null: it may be. */
export type NotStored =
  | 'method'
  | 'status'
  | 'no-store'
  | 'private'
  | 'authorization'
  | 'set-cookie'
  | 'vary'
  | 'no-lifetime';

/**
 * RFC 9111, section 3, for a shared cache, and stricter in two points: a response with Set-Cookie is never stored, and
 * a request with cookies is treated as one with Authorization (section 3.5): only a response that says it is for all is
 * stored.
 */
export function whyNotStored(request: RequestHead, response: ResponseHead, times: ExchangeTimes): NotStored | null {
  const directives = parseCacheControl(response.headers);
  if (request.method !== 'GET') return 'method';
  if (response.status < 200 || response.status > 599 || NEVER_STORED.has(response.status)) return 'status';
  if (directives.has('must-understand') && !UNDERSTOOD.has(response.status)) return 'status';
  // section 5.2.2.3 lets must-understand lift a no-store beside it; keeping to no-store is safe
  if (directives.has('no-store') || parseCacheControl(request.headers).has('no-store')) return 'no-store';
  // a word for caches before the origin, such as this one, whose other directives it does not know
  if (listed(response.headers, 'surrogate-control').includes('no-store')) return 'no-store';
  if (directives.has('private')) return 'private';
  if (response.headers['set-cookie'] !== undefined) return 'set-cookie';
  if (request.isPersonal && !isForAll(response)) return 'authorization';
  const vary = listed(response.headers, 'vary');
  // a secret would stand in the entry, and in the key of its variant
  if (vary.some((name) => name === '*' || name === 'authorization' || name === 'cookie')) return 'vary';
  const freshMs = lifetimeMs(response, times);
  if (freshMs !== undefined && freshMs > 0) return null;
  const isKeepable = freshMs !== undefined || isCacheableUnsaid(response);
  return isKeepable && hasValidator(response.headers) ? null : 'no-lifetime';
}

/** True where a response says that it may be shared though its request bore credentials (RFC 9111, section 3.5). */
export function isForAll(response: ResponseHead): boolean {
  const directives = parseCacheControl(response.headers);
  return ['public', 's-maxage', 'must-revalidate'].some((name) => directives.has(name));
}

/** The fields that are kept of a response: all but those of the connection. */
export function keptFields(headers: HeaderFields): HeaderFields {
  const dropped = new Set([...HOP_BY_HOP, ...listed(headers, 'connection')]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
}

export function hasValidator(headers: HeaderFields): boolean {
  return combined(headers, 'etag') !== undefined || combined(headers, 'last-modified') !== undefined;
}
