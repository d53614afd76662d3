import { describe, expect, it } from '@jest/globals';
import { IdentifiedBuckets } from '../../../lib/stores/redis/identified-buckets.js';

describe('what a function proves of its server', () => {
  it('is not taken back by one that was sent before it, and whose reply is taken later', () => {
    const identified = new IdentifiedBuckets(1, 1_000);
    identified.accepted(0, { epoch: 0, atMs: 500, functions: 2 });
    identified.accepted(0, { epoch: 0, atMs: 0, functions: 1 });
    expect(identified.has(0, { epoch: 0, atMs: 1_500, functions: 2 })).toBe(true);
    expect(identified.has(0, { epoch: 0, atMs: 1_501, functions: 2 })).toBe(false);
  });
});
