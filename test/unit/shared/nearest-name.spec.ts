import { describe, expect, it } from '@jest/globals';
import { didYouMean, nearestName } from '../../../lib/shared/nearest-name.js';

const names = ['ttl', 'jitter', 'negativeTtl', 'staleWhileRevalidate', 'id'];

describe('nearestName', () => {
  it.each<[string, string | undefined]>([
    ['tll', 'ttl'],
    ['TTL', 'ttl'],
    ['jiter', 'jitter'],
    ['tlt', 'ttl'],
    ['di', 'id'],
    ['negativTTL', 'negativeTtl'],
    ['staleWhileRevaldate', 'staleWhileRevalidate'],
    ['i', 'id'],
    ['maxEntries', undefined],
    ['', undefined],
  ])('finds for %p %p', (got, nearest) => {
    expect(nearestName(got, names)).toBe(nearest);
  });

  it('is quick for a name of any length', () => {
    expect(nearestName('x'.repeat(1_000_000), names)).toBeUndefined();
  });
});

describe('didYouMean', () => {
  it('asks, or says nothing', () => {
    expect(didYouMean('tll', names)).toBe(' Did you mean "ttl"?');
    expect(didYouMean('userId', ['userid'], (name) => `{${name}}`)).toBe(' Did you mean {userid}?');
    expect(didYouMean('zzz', names)).toBe('');
  });
});
