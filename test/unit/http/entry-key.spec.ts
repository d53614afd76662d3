import type { ExecutionContext } from '@nestjs/common';
import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { EntryKeys } from '../../../lib/http/entry-key.js';
import type { Exchange } from '../../../lib/http/exchange.js';
import type { RoutePlan } from '../../../lib/http/route-plan.js';

interface Request {
  readonly template: string;
  readonly params: Record<string, unknown>;
  readonly query: string;
  readonly language: string | undefined;
  readonly authority: string;
  readonly principal: string;
  readonly version: string;
}

const REQUEST: Request = {
  template: '/users/:id',
  params: { id: '42' },
  query: '',
  language: undefined,
  authority: 'example.org',
  principal: 'ann',
  version: '',
};

let asked: Request;

const PLAN = {
  where: 'UsersController.findOne',
  scope: 'private',
  query: new Set(['page']),
  unknownQuery: 'bypass',
  vary: ['accept-language'],
  principal: () => asked.principal,
  tenant: null,
  key: null,
} as unknown as RoutePlan;

function someKeys(plan: RoutePlan = PLAN) {
  const keys = new EntryKeys(plan, (identifier) => ({ entry: identifier, bucket: 0 }));
  return (changed: Partial<Request> = {}) => {
    asked = { ...REQUEST, ...changed };
    const { template, params, query, language, authority, version } = asked;
    const headers = language === undefined ? {} : { 'accept-language': language };
    const exchange = { template, params, url: `/any${query}`, headers, authority } as unknown as Exchange;
    return keys.of(exchange, {} as ExecutionContext, version);
  };
}

describe('the key of an entry', () => {
  it('is remembered by what decides it, with what L1 found by it', () => {
    const keyOf = someKeys();
    expect(keyOf()).toBe(keyOf({ params: { id: '42' } }));
    expect(keyOf({ params: { id: '43' } })).not.toBe(keyOf());
  });

  it.each<[string, Partial<Request>, Partial<Request>]>([
    ['hosts and principals', { authority: 'as', principal: 'b' }, { authority: 'a', principal: 'sb' }],
    ['principals and versions', { principal: 'a', version: 'b' }, { principal: 'ab', version: '' }],
    ['hosts and versions', { authority: 'a', version: 'b' }, { authority: 'ab', version: '' }],
    ['hosts', { authority: 'a' }, { authority: 'b' }],
    ['principals', { principal: 'a' }, { principal: 'b' }],
    ['queries', { query: '?page=1' }, { query: '?page=2' }],
    ['versions', { version: '1' }, { version: '2' }],
    ['versions and queries', { version: '?page=1' }, { query: '?page=1' }],
    ['queries and header fields', { query: '?page=1', language: '2' }, { query: '?page=12', language: '' }],
    ['no header field and an empty one', { language: undefined }, { language: '' }],
    ['a header field and parameters', { language: 'a', params: { b: 'c' } }, { language: 'ab', params: { c: '' } }],
    ['names and values', { params: { ab: 'c' } }, { params: { a: 'bc' } }],
    ['values of a parameter and the next', { params: { a: '1', b: '2' } }, { params: { a: '1b2' } }],
    ['names of parameters', { params: { a: '1' } }, { params: { b: '1' } }],
    ['templates', { template: '/a/:id' }, { template: '/b/:id' }],
  ])('tells apart %s', (_, one, other) => {
    const keyOf = someKeys();
    expect(keyOf(one)).not.toEqual(keyOf(other));
  });

  it('is that which would be made anew, whatever was asked for before', () => {
    // short texts of few characters: what runs into another is found
    const text = fc.string({ unit: fc.constantFrom('0', '1', ':'), maxLength: 2 });
    const request = fc.record({
      template: fc.constantFrom('/a', '/a/:id'),
      params: fc.oneof(
        fc.dictionary(text, text, { maxKeys: 2 }),
        fc.record({ path: fc.array(text, { maxLength: 2 }) }),
      ),
      query: fc.oneof(text, fc.constantFrom('?page=1', '?page=', '?1', '?page=1#', '?page=%')),
      language: fc.option(text, { nil: undefined }),
      authority: text,
      principal: text,
      version: text,
    });
    fc.assert(
      fc.property(fc.array(request, { minLength: 2, maxLength: 50 }), (requests) => {
        const remembered = someKeys();
        for (const one of requests) expect(remembered(one)).toEqual(someKeys()(one));
      }),
    );
  });

  it('goes by what the key function returns, and not by the query', () => {
    const keyOf = someKeys({ ...PLAN, key: () => asked.params['id'] as string });
    expect(keyOf({ query: '?unknown=1' })).toBe(keyOf());
    expect(keyOf({ params: { id: 'x' } })).not.toEqual(keyOf());
  });

  it('is none for a parameter of the query that nobody names, also the second time', () => {
    const keyOf = someKeys();
    for (let n = 0; n < 2; n++) expect(keyOf({ query: '?unknown=1' })).toEqual({ why: 'query' });
  });
});
