import { describe, expect, it } from '@jest/globals';
import { PolicyMemo } from '../../../lib/cache/policy-memo.js';
import type { ReadPolicy, StatedOptions } from '../../../lib/cache/read-policy.js';

function counting() {
  const memo = new PolicyMemo();
  let resolved = 0;
  const resolve = () => ({ where: `${(resolved += 1)}` }) as ReadPolicy;
  return { of: (options: StatedOptions) => memo.of(options, resolve), count: () => resolved };
}

describe('the policy of an options object', () => {
  it('is resolved once', () => {
    const { of, count } = counting();
    const options = { ttl: '1m', tags: ['a'] };
    expect(of(options)).toBe(of(options));
    expect(count()).toBe(1);
  });

  it('is that of the last object that said the same', () => {
    const { of, count } = counting();
    const [tags, unless] = [['a'], () => false];
    const policy = of({ ttl: '1m', tags, unless });
    expect(of({ ttl: '1m', tags, unless })).toBe(policy);
    expect(of({ tags, unless })).not.toBe(policy);
    expect(of({ ttl: '1m', tags, unless: () => false })).not.toBe(policy);
    expect(count()).toBe(3);
  });

  it('is that of the last object but for its tags, where those are texts', () => {
    const { of, count } = counting();
    const { tags: _, ...rest } = of({ ttl: '1m', tags: ['a'] });
    const other = of({ ttl: '1m', tags: ['b', 'c'] });
    expect(other).toMatchObject(rest);
    expect(other.tags?.(undefined, [])).toEqual(['b', 'c']);
    expect(count()).toBe(1);
    for (const tags of [() => ['d'], 'd', [1], undefined]) of({ ttl: '1m', tags } as StatedOptions);
    of({ ttl: '1m' });
    of({ ttl: '2m', tags: ['a'] });
    expect(count()).toBe(7);
  });

  it.each([
    ['an option has another value', (options: Record<string, unknown>) => (options['ttl'] = '2m')],
    ['one is added', (options: Record<string, unknown>) => (options['jitter'] = 0)],
    ['one is gone', (options: Record<string, unknown>) => delete options['jitter']],
    [
      'one is replaced by another',
      (options: Record<string, unknown>) => {
        delete options['tags'];
        options['mutable'] = true;
      },
    ],
  ])('is resolved anew when %s', (_what, change) => {
    const { of, count } = counting();
    const options: Record<string, unknown> = { ttl: '1m', jitter: 0.1, tags: ['a'] };
    of(options);
    change(options);
    of(options);
    expect(count()).toBe(2);
  });

  it('is not that of another object of a class, which may have getters', () => {
    class PutOf {
      readonly #version: number;
      constructor(version: number) {
        this.#version = version;
      }
      get version() {
        return this.#version;
      }
    }
    const { of, count } = counting();
    const one = new PutOf(1);
    of(one as StatedOptions);
    of(new PutOf(2) as StatedOptions);
    // nor that of the same one, which may say something else by now
    of(one as StatedOptions);
    // nor is what it said that of a literal
    of({});
    expect(count()).toBe(4);
  });

  it('is not remembered of what is no object: that is refused', () => {
    const { of, count } = counting();
    of('1m' as never);
    of('1m' as never);
    expect(count()).toBe(2);
  });
});
