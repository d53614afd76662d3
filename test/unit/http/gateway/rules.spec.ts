import { describe, expect, it } from '@jest/globals';
import { parseCacheControl, secondsOf } from '../../../../lib/http/gateway/cache-control.js';
import { currentAgeMs, lifetimeMs } from '../../../../lib/http/gateway/freshness.js';
import type { HeaderFields } from '../../../../lib/http/gateway/header-fields.js';
import { formatHttpDate, parseHttpDate } from '../../../../lib/http/gateway/http-date.js';
import { invalidatedUrls } from '../../../../lib/http/gateway/invalidated-urls.js';
import { decideReuse } from '../../../../lib/http/gateway/reuse.js';
import { conditionalFields, freshened, isAbout } from '../../../../lib/http/gateway/revalidation.js';
import { isSelected, selectingFields } from '../../../../lib/http/gateway/selection.js';
import { keptFields, whyNotStored } from '../../../../lib/http/gateway/storing.js';

const NOW = Date.UTC(2026, 10, 26, 12);
const times = { requestMs: NOW, responseMs: NOW };
const stored = (headers: HeaderFields) => ({
  status: 200,
  headers,
  ...times,
});
const get = (headers: HeaderFields) => ({
  method: 'GET',
  headers,
  isPersonal: 'authorization' in headers || 'cookie' in headers,
});
const options = { honorClientNoCache: false, staleIfErrorMs: 0 };

describe('Cache-Control', () => {
  it.each([
    ['max-age=60', 60],
    ['MaX-aGe=60', 60],
    ['max-age="60"', 60],
    ['foo, max-age=060', 60],
    ['max-age=99999999999', 2 ** 31],
    ['max-age=60, max-age=5', 5],
    ['max-age=5, max-age=60', 5],
    ['x="max-age=60", max-age=1', 1],
    ["max-age='60'", 0],
    ['max-age=-60', 0],
    ['max-age=60.0', 0],
    ['max-age=a60', 0],
    ['max-age =60', 0],
    ['max-age= 60', 0],
    ['max-age', 0],
    ['max-age=', 0],
  ])('%s is %d seconds', (text, seconds) => {
    expect(secondsOf(parseCacheControl({ 'cache-control': text }), 'max-age')).toBe(seconds);
  });

  it('reads lines as one list, and keeps what forbids more', () => {
    const directives = parseCacheControl({ 'cache-control': ['max-age=60, no-cache="a"', 'No-Cache, , private'] });
    expect([...directives.keys()]).toEqual(['max-age', 'no-cache', 'private']);
    expect(directives.get('no-cache')).toBeNull();
  });

  it('counts as no-store where a quote has no end', () => {
    expect(parseCacheControl({ 'cache-control': 'max-age=60, x="no-store' }).has('no-store')).toBe(true);
  });
});

describe('dates', () => {
  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'reads %s',
    (text) => {
      expect(parseHttpDate(text, NOW)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
    },
  );

  it.each([
    '0',
    '-1',
    '',
    'tomorrow',
    'Thu, 18 Aug 50 02:01:18 GMT',
    'Thu, 18 Aug 2050 2:01:18 GMT',
    '2026-11-26T12:00:00Z',
    'Thu, 32 Aug 2050 02:01:18 GMT',
  ])('does not read %p', (text) => {
    expect(parseHttpDate(text, NOW)).toBeNull();
  });

  it('takes what cannot be read, or stands twice, as long past', () => {
    const date = formatHttpDate(NOW);
    const far = formatHttpDate(NOW + 60_000);
    expect(lifetimeMs({ status: 200, headers: { date, expires: '0' } }, times)).toBe(0);
    expect(lifetimeMs({ status: 200, headers: { date, expires: [far, far] } }, times)).toBe(0);
    expect(lifetimeMs({ status: 200, headers: { date: 'foo', expires: far } }, times)).toBe(60_000);
    expect(lifetimeMs({ status: 200, headers: { date } }, times)).toBeUndefined();
  });
});

describe('age', () => {
  it('is the larger of what the origin and the way there say, and grows', () => {
    const headers = { date: formatHttpDate(NOW - 10_000), age: '3' };
    const slow = { requestMs: NOW - 9_000, responseMs: NOW };
    expect(currentAgeMs({ status: 200, headers }, slow, NOW + 5_000)).toBe(17_000);
  });

  it.each(['abc', '-1', '7.0', '7, 0', '0, 0', '7;a=b'])('of %p is not known', (age) => {
    expect(currentAgeMs(stored({ age }), times, NOW)).toBe(Infinity);
    expect(decideReuse(get({}), stored({ age, 'cache-control': 'max-age=60' }), NOW, options).as).toBe('validate');
  });
});

describe('storing', () => {
  const why = (headers: HeaderFields, request: HeaderFields = {}, status = 200) =>
    whyNotStored(get(request), { status, headers }, times);

  it.each<[HeaderFields, HeaderFields, string | null]>([
    [{ 'cache-control': 'max-age=60' }, {}, null],
    [{ 'cache-control': 'no-cache', etag: '"a"' }, {}, null],
    [{ 'cache-control': 'max-age=60, no-store' }, {}, 'no-store'],
    [{ 'cache-control': 'max-age=60' }, { 'cache-control': 'no-store' }, 'no-store'],
    [{ 'cache-control': 'private, max-age=60' }, {}, 'private'],
    [{ 'cache-control': 'private="a", max-age=60' }, {}, 'private'],
    [{ 'cache-control': 'max-age=60', 'set-cookie': 'a=b' }, {}, 'set-cookie'],
    [{ 'cache-control': 'max-age=60' }, { authorization: 'x' }, 'authorization'],
    [{ 'cache-control': 'max-age=60' }, { cookie: 'a=b' }, 'authorization'],
    [{ 'cache-control': 'max-age=60, public' }, { authorization: 'x' }, null],
    [{ 'cache-control': 's-maxage=60' }, { cookie: 'a=b' }, null],
    [{ 'cache-control': 'max-age=60', vary: 'a, *' }, {}, 'vary'],
    [{ 'cache-control': 'max-age=60, public', vary: 'Authorization' }, { authorization: 'x' }, 'vary'],
    [{}, {}, 'no-lifetime'],
    [{ 'cache-control': 'max-age=0' }, {}, 'no-lifetime'],
  ])('%j for a request with %j: %s', (headers, request, reason) => {
    expect(why(headers, request)).toBe(reason);
  });

  it('keeps parts, 304 and unknown codes that must be understood out', () => {
    const headers = { 'cache-control': 'max-age=60' };
    expect(why(headers, {}, 206)).toBe('status');
    expect(why(headers, {}, 304)).toBe('status');
    expect(why(headers, {}, 599)).toBeNull();
    expect(why({ 'cache-control': 'max-age=60, must-understand' }, {}, 599)).toBe('status');
    expect(whyNotStored({ ...get({}), method: 'HEAD' }, { status: 200, headers }, times)).toBe('method');
  });

  it('drops the fields of the connection', () => {
    const fields = { connection: 'a, B', a: '1', b: '2', c: '3', 'keep-alive': 'x', te: 'y' };
    expect(keptFields(fields)).toEqual({ c: '3' });
  });
});

describe('selection', () => {
  it('joins lines, drops spaces, and knows fields without order', () => {
    const selecting = selectingFields(
      { foo: '1,2', 'accept-language': 'en, de' },
      { vary: 'Foo, Accept-Language, Bar' },
    );
    expect(selecting).toEqual({ 'accept-language': 'de,en', bar: null, foo: '1,2' });
    expect(isSelected(selecting, { foo: ['1', ' 2'], 'accept-language': 'De ,EN' })).toBe(true);
    expect(isSelected(selecting, { foo: '2,1', 'accept-language': 'en, de' })).toBe(false);
    expect(isSelected(selecting, { foo: '1,2', 'accept-language': 'en, de', bar: '' })).toBe(false);
    expect(isSelected(selectingFields({}, { vary: '*' }), {})).toBe(false);
  });
});

describe('reuse', () => {
  const decide = (cacheControl: string, afterMs: number, request: HeaderFields = {}, changes = {}) =>
    decideReuse(get(request), stored({ 'cache-control': cacheControl }), NOW + afterMs, {
      ...options,
      ...changes,
    });

  it('is fresh up to the lifetime', () => {
    expect(decide('max-age=60', 59_000)).toEqual({ as: 'fresh', ageMs: 59_000, freshMs: 1_000 });
    expect(decide('max-age=60', 60_000)).toEqual({ as: 'validate', ageMs: 60_000, pastMs: 0, onError: false });
    expect(decide('max-age=1, s-maxage=60', 59_000).as).toBe('fresh');
    expect(decide('max-age=60, no-cache', 0).as).toBe('validate');
  });

  it('serves stale where the response allows it, and nothing forbids it', () => {
    expect(decide('max-age=1, stale-while-revalidate=5', 6_000).as).toBe('stale-while-revalidate');
    expect(decide('max-age=1, stale-while-revalidate=5', 6_001).as).toBe('validate');
    expect(decide('max-age=1, stale-while-revalidate=5, must-revalidate', 2_000).as).toBe('validate');
    expect(decide('max-age=1, stale-if-error=5', 6_000)).toMatchObject({ as: 'validate', onError: true });
    expect(decide('max-age=1, stale-if-error=5, proxy-revalidate', 6_000)).toMatchObject({ onError: false });
    expect(decide('max-age=1', 6_000, {}, { staleIfErrorMs: 5_000 })).toMatchObject({ onError: true });
    expect(decide('s-maxage=1', 6_000, {}, { staleIfErrorMs: 5_000 })).toMatchObject({ onError: false });
    expect(decide('max-age=1, stale-if-error=0', 6_000, {}, { staleIfErrorMs: 5_000 })).toMatchObject({
      onError: false,
    });
  });

  it('obeys the client only where it is said', () => {
    const obeying = { honorClientNoCache: true };
    expect(decide('max-age=60', 0, { 'cache-control': 'no-cache' }).as).toBe('fresh');
    expect(decide('max-age=60', 0, { 'cache-control': 'no-cache' }, obeying).as).toBe('validate');
    expect(decide('max-age=60', 0, { pragma: 'no-cache' }, obeying).as).toBe('validate');
    expect(decide('max-age=60', 0, { pragma: 'no-cache', 'cache-control': 'max-stale' }, obeying).as).toBe('fresh');
    expect(decide('max-age=60', 9_000, { 'cache-control': 'max-age=5' }, obeying).as).toBe('validate');
    expect(decide('max-age=60', 9_000, { 'cache-control': 'min-fresh=55' }, obeying).as).toBe('validate');
  });
});

describe('revalidation', () => {
  const old = {
    ...stored({ etag: '"a"', 'last-modified': 'x', age: '9', b: '1', 'content-length': '5' }),
    status: 200,
  };

  it('asks with the stored validators and not with those of the client', () => {
    const fields = conditionalFields({ 'if-none-match': '"z"', range: 'bytes=0-1', foo: '1' }, old);
    expect(fields).toEqual({ foo: '1', 'if-none-match': '"a"', 'if-modified-since': 'x' });
    expect(conditionalFields({ 'if-modified-since': 'y' }, null)).toEqual({});
  });

  it('takes what a 304 says, but nothing of the body', () => {
    const later = { requestMs: NOW + 1, responseMs: NOW + 2 };
    const news = { status: 304, headers: { b: '2', 'content-length': '0', etag: '"b"', connection: 'x' } };
    expect(freshened(old, news, later)).toEqual({
      ...old,
      ...later,
      headers: { etag: '"a"', 'last-modified': 'x', b: '2', 'content-length': '5' },
    });
  });

  it('knows whether a 304 is about it', () => {
    expect(isAbout({ status: 304, headers: { etag: 'W/"a"' } }, old)).toBe(true);
    expect(isAbout({ status: 304, headers: { etag: '"b"' } }, old)).toBe(false);
    expect(isAbout({ status: 304, headers: { 'last-modified': 'y' } }, old)).toBe(false);
    expect(isAbout({ status: 304, headers: {} }, old)).toBe(true);
  });
});

describe('unsafe methods', () => {
  const url = new URL('http://a.test/x?y=1#z');
  const ended = (method: string, status: number, headers: HeaderFields = {}) =>
    invalidatedUrls(method, url, { status, headers }).map(String);

  it('end their URI, and what they point to at their own origin', () => {
    expect(ended('GET', 200)).toEqual([]);
    expect(ended('POST', 500)).toEqual([]);
    expect(ended('M-SEARCH', 204)).toEqual(['http://a.test/x?y=1']);
    expect(ended('PUT', 303, { location: '/l#h', 'content-location': 'http://b.test/c' })).toEqual([
      'http://a.test/x?y=1',
      'http://a.test/l',
    ]);
    // behind a proxy that ends TLS the origin's own scheme and port are others
    expect(ended('POST', 201, { location: 'https://a.test:8443/l' })).toContain('https://a.test:8443/l');
    expect(ended('POST', 200, { location: 'http://[' })).toEqual(['http://a.test/x?y=1']);
  });
});
