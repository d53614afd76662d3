import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import CachePolicy from 'http-cache-semantics';
import { currentAgeMs, lifetimeMs } from '../../../../lib/http/gateway/freshness.js';
import type { HeaderFields } from '../../../../lib/http/gateway/header-fields.js';
import { formatHttpDate } from '../../../../lib/http/gateway/http-date.js';
import { decideReuse } from '../../../../lib/http/gateway/reuse.js';
import { whyNotStored } from '../../../../lib/http/gateway/storing.js';

/**
 * Another implementation of RFC 9111 as the judge. We may be stricter, never laxer: what we store it may store, what we
 * call fresh is fresh to it, and no age of ours is below its own.
 */

const NOW = Date.UTC(2026, 10, 26, 12);
const date = (fromSeconds: number, toSeconds: number) =>
  fc.integer({ min: fromSeconds, max: toSeconds }).map((seconds) => formatHttpDate(NOW + seconds * 1_000));
const seconds = fc.constantFrom(0, 1, 60, 3_600, 2 ** 31 + 5);
const directive = fc.oneof(
  fc.constantFrom(
    'public',
    'private',
    'no-store',
    'no-cache',
    'must-revalidate',
    'proxy-revalidate',
    'foo="max-age=9"',
  ),
  fc
    .tuple(fc.constantFrom('max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'), seconds)
    .map(([name, value]) => `${name}=${value}`),
);
const cacheControl = fc.uniqueArray(directive, { maxLength: 4, selector: (text) => text.split('=')[0]! });

const responseHeaders = fc
  .record(
    {
      'cache-control': cacheControl.map((list) => list.join(', ')),
      date: date(-100, 0),
      expires: date(-500, 5_000),
      age: fc.constantFrom('0', '5', '100'),
      etag: fc.constant('"a"'),
      'last-modified': date(-90_000, -1),
      vary: fc.constantFrom('accept-language', 'foo, bar'),
    },
    { requiredKeys: ['date'] },
  )
  .map((headers) => ({ ...headers }) as Record<string, string>);
const requestHeaders = fc
  .record(
    {
      'cache-control': fc.constantFrom('no-store', 'max-age=0', 'max-age=50', 'min-fresh=30', 'no-cache'),
      authorization: fc.constant('Bearer x'),
      foo: fc.constantFrom('1', '2'),
    },
    { requiredKeys: [] },
  )
  .map((headers) => ({ ...headers }) as Record<string, string>);
/** Of those it knows: RFC 9111 lets any final status be stored that says how long, 500 too. */
const status = fc.constantFrom(200, 203, 204, 301, 302, 404, 410, 206);
const times = { requestMs: NOW, responseMs: NOW };

/** Judges at a time of its own. */
class Oracle extends CachePolicy {
  at = NOW;
  // the package's seam for a clock
  now(): number {
    return this.at;
  }
}

const make = (request: Record<string, string>, response: Record<string, string>, code: number) => {
  const policy = new Oracle(
    { url: '/x', method: 'GET', headers: request },
    { status: code, headers: response },
    { shared: true, cacheHeuristic: 0, immutableMinTimeToLive: 0 },
  );
  Object.assign(policy, { _responseTime: NOW });
  return policy;
};

const head = (headers: HeaderFields) => ({ method: 'GET', headers, isPersonal: 'authorization' in headers });

describe('against http-cache-semantics', () => {
  it('stores nothing that may not be stored', () => {
    fc.assert(
      fc.property(requestHeaders, responseHeaders, status, (request, response, code) => {
        const reason = whyNotStored(head(request), { status: code, headers: response }, times);
        if (reason === null) expect(make(request, response, code).storable()).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('calls nothing fresh that is not', () => {
    const later = fc.constantFrom(0, 1_000, 59_000, 61_000, 4_000_000);
    fc.assert(
      fc.property(requestHeaders, responseHeaders, later, (request, response, afterMs) => {
        // it revalidates those even while they are fresh, where section 5.2.2.2 speaks of stale ones; no-cache has no
        // lifetime to it
        fc.pre(!/((must|proxy)-revalidate|no-cache)/.test(response['cache-control'] ?? ''));
        const stored = {
          status: 200,
          headers: response,
          ...times,
        };
        const options = { honorClientNoCache: true, staleIfErrorMs: 0 };
        const ours = decideReuse(head(request), stored, NOW + afterMs, options);
        const policy = make(request, response, 200);
        policy.at = NOW + afterMs;
        expect(currentAgeMs(stored, stored, NOW + afterMs)).toBeGreaterThanOrEqual(policy.age() * 1_000 - 1_000);
        if (ours.as === 'fresh' && policy.storable())
          expect(policy.satisfiesWithoutRevalidation({ url: '/x', method: 'GET', headers: request })).toBe(true);
        if (whyNotStored(head(request), stored, times) === null)
          expect(lifetimeMs(stored, stored) ?? 0).toBeLessThanOrEqual(Math.max(0, policy.maxAge()) * 1_000 + 1_000);
      }),
      { numRuns: 3_000 },
    );
  });
});
