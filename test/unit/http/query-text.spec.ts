import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { queryText } from '../../../lib/http/query-text.js';

const names = new Set(['page', 'size', 'filter']);
const text = (url: string, unknown: 'bypass' | 'drop' = 'bypass') => queryText(url, names, unknown);

describe('the query of a key', () => {
  it.each([
    ['/x', ''],
    ['/x?', ''],
    ['/x?size=2&page=1', 'page=1&size=2'],
    ['/x?page=2&page=1', 'page=2&page=1'],
    ['/x?p%61ge=a+b', 'page=a%20b'],
    ['/x?page', 'page='],
    ['/x?utm_source=a&gclid=b&page=1', 'page=1'],
    ['/x?filter[b]=1&filter[a]=2', 'filter%5Ba%5D=2&filter%5Bb%5D=1'],
    ['/x?page=%ff%00&size=%26', 'page=%EF%BF%BD%00&size=%26'],
  ])('of %s is "%s"', (url, expected) => expect(text(url)).toBe(expected));

  it.each(['/x?other=1', '/x?page=1&PAGE=1', '/x?constructor=1', '/x?__proto__[page]=1', '/x?[page]=1'])(
    'is none of %s',
    (url) => {
      expect(text(url)).toBeNull();
      expect(text(url, 'drop') ?? '').not.toContain('1&');
    },
  );

  it('is none where a parser of the handler may read it in another way', () => {
    for (const unknown of ['bypass', 'drop'] as const) {
      expect(text(`/x?${'_ga&'.repeat(100)}page=2`, unknown)).toBeNull();
      expect(text(`/x?${'&'.repeat(1_000)}page=2`, unknown)).toBeNull();
      expect(text('/x#?page=2', unknown)).toBeNull();
      expect(text('/x?[page]=2', unknown)).toBeNull();
    }
    expect(text(`/x?${'_ga&'.repeat(99)}page=2`)).toBe('page=2');
  });

  it('is one of ten thousand that name nothing', () => {
    const all = Array.from({ length: 10_000 }, (_, n) => text(`/x?q${n}=${n}&page=1`, 'drop'));
    expect(new Set(all)).toEqual(new Set(['page=1']));
  });

  it('is the same for the same parameters, and differs for others', () => {
    const pairs = fc.array(fc.tuple(fc.constantFrom(...names), fc.string()), { maxLength: 4 });
    const url = (list: [string, string][]) => `/x?${new URLSearchParams(list)}`;
    const sorted = (list: [string, string][]) =>
      JSON.stringify([...list].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
    fc.assert(
      fc.property(pairs, pairs, (a, b) => {
        const wellFormed = (list: [string, string][]) =>
          list.map(([n, v]) => [n, v.toWellFormed()] as [string, string]);
        const isSame = sorted(wellFormed(a)) === sorted(wellFormed(b));
        expect(text(url(a)) === text(url(b))).toBe(isSame);
      }),
    );
  });
});
