import { bytesOf, type CachedResponse } from './cached-response.js';
import { type CacheStatus, cacheStatusOf } from './cache-status.js';
import { isNotModified } from './conditional.js';
import type { Exchange } from './exchange.js';
import { combined, type HeaderFields } from './gateway/header-fields.js';

/** What a 304 says of the response (RFC 9110, section 15.4.5). */
const OF_A_304 = new Set(['cache-control', 'content-location', 'etag', 'expires', 'vary']);

/** How a response goes out. */
export interface Delivery {
  readonly status: CacheStatus;
  /** How old it is, ms; null: it was made for this request. */
  readonly ageMs: number | null;
  /** Null: the response has its own, or none. */
  readonly cacheControl: string | null;
  /** Names that the key depends on, for Vary. */
  readonly vary: readonly string[];
  readonly answer: 'bytes' | 'value';
  readonly hasXCache: boolean;
}

type Sendable = Pick<CachedResponse, 'status' | 'headers' | 'form' | 'body'>;

/**
 * Puts status and fields on the response. @returns what the interceptor hands to Nest, which sends it
 */
export function writeResponse(exchange: Exchange, stored: Sendable, delivery: Delivery): unknown {
  const { ageMs, cacheControl, answer } = delivery;
  const isConditional = answer === 'bytes' && stored.status >= 200 && stored.status < 300;
  const is304 = isConditional && isNotModified(exchange.headers, stored.headers);
  for (const name of Object.keys(stored.headers)) {
    if (name !== 'vary' && (!is304 || OF_A_304.has(name))) exchange.setHeader(name, stored.headers[name]!);
  }
  writeVary(exchange, stored.headers, delivery.vary);
  if (cacheControl !== null) exchange.setHeader('cache-control', cacheControl);
  if (ageMs !== null) exchange.setHeader('age', String(Math.max(0, Math.floor(ageMs / 1_000))));
  writeCacheStatus(exchange, delivery.status, delivery.hasXCache);
  if (is304) {
    exchange.removeHeader('content-type');
    exchange.status(304);
    return undefined;
  }
  exchange.status(stored.status);
  switch (stored.form) {
    case 'none':
      return undefined;
    case 'text':
      return stored.body;
    case 'bytes':
      return bytesOf(stored);
    case 'json':
      return answer === 'value' ? (JSON.parse(stored.body) as unknown) : stored.body;
  }
}

/** Beside what other caches on the way have said. */
export function writeCacheStatus(exchange: Exchange, status: CacheStatus, hasXCache: boolean): void {
  const before = exchange.responseField('cache-status');
  const own = cacheStatusOf(status);
  exchange.setHeader('cache-status', before === undefined ? own : `${before}, ${own}`);
  if (hasXCache) exchange.setHeader('x-cache', status.hit ? 'HIT' : 'MISS');
}

/** Merged: others depend on headers of their own, such as Origin. Each name once, as it was first spelled. */
function writeVary(exchange: Exchange, stored: HeaderFields, ours: readonly string[]): void {
  if (ours.length === 0 && stored['vary'] === undefined) return;
  const given = [exchange.responseField('vary'), combined(stored, 'vary'), ...ours];
  const names = given.flatMap((list) => list?.split(',') ?? []).map((name) => name.trim());
  const merged = new Map<string, string>();
  for (const name of names) if (name !== '' && !merged.has(name.toLowerCase())) merged.set(name.toLowerCase(), name);
  exchange.setHeader('vary', [...merged.values()].join(', '));
}
