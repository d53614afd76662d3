import { describe, expect, it } from '@jest/globals';
import type { Exchange } from '../../../lib/http/exchange.js';
import { uriTag, uriTagOf } from '../../../lib/http/uri-tags.js';

const of = (template: string | null, params: object, url = '/elsewhere') =>
  uriTagOf({ template, params, url } as unknown as Exchange, false);

describe('the tag of a path', () => {
  it.each([
    ['/users/:id', { id: '42' }, 'uri:/users/42'],
    ['/users/:userId/orders/:n', { userId: 'a b', n: 'x/y' }, 'uri:/users/a%20b/orders/x%2Fy'],
    ['/files/*path', { path: ['a', 'b c'] }, 'uri:/files/a/b%20c'],
    ['/files/{*path}', {}, 'uri:/files'],
    ['/files/*', { '*': 'a/b' }, 'uri:/files/a/b'],
    ['/:year-:month', { year: '2026', month: '11' }, 'uri:/2026-11'],
  ])('of %s with %j is %s', (template, params, expected) => expect(of(template, params)).toBe(expected));

  it('is of the path as it came where the template is no plain one', () => {
    for (const template of [null, '/a{b}', '/a?', '/:x+']) expect(of(template, {}, '/a%7Eb/?q=1')).toBe('uri:/a~b');
  });

  it.each([
    ['/users/42?full=1', 'uri:/users/42'],
    ['/users/42/', 'uri:/users/42'],
    ['//users//42#top', 'uri:/users/42'],
    ['/us%65rs/4%32', 'uri:/users/42'],
    ['/%e4%zz', 'uri:/%25e4%25zz'],
  ])('of %s is %s', (url, expected) => expect(uriTag(url, false)).toBe(expected));

  it('is a digest where no path is to be read, the same for all spellings', () => {
    expect(uriTag('/reset/s3cret', true)).toMatch(/^uri:~[\w-]{43}$/);
    expect(uriTag('/reset/s3cret/?a=1', true)).toBe(uriTag('/reset/s3cret', true));
    expect(uriTagOf({ template: '/reset/:token', params: { token: 's3cret' } } as unknown as Exchange, true)).toBe(
      uriTag('/reset/s3cret', true),
    );
  });

  it('is a digest where it would be too long for one', () => {
    expect(uriTag(`/${'x'.repeat(10_000)}`, false)).toMatch(/^uri:~[\w-]{43}$/);
  });
});
