import { describe, expect, it } from '@jest/globals';
import { toMilliseconds } from '../../../lib/options/duration.js';

describe('toMilliseconds', () => {
  it.each<[unknown, number]>([
    [0, 0],
    [500, 500],
    ['500ms', 500],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
  ])('reads %p', (value, ms) => {
    expect(toMilliseconds('ttl', value)).toBe(ms);
  });

  it.each([undefined, null, '', '5', '5 m', 'm', '-1s', '1h30m', '1e3s', -1, NaN, {}, [], true, 5n])(
    'refuses %p',
    (value) => {
      expect(() => toMilliseconds('regions.a.ttl', value)).toThrow(
        expect.objectContaining({ code: 'RC_INVALID_OPTION' }),
      );
      expect(() => toMilliseconds('regions.a.ttl', value)).toThrow(
        /^regions\.a\.ttl must be a duration, got .*\. Write a number of milliseconds/,
      );
    },
  );

  it.each([Infinity, '3651d', 1e15])('refuses %p, which is meant as for ever', (value) => {
    expect(() => toMilliseconds('ttl', value)).toThrow('A duration is always finite, 10 years at most.');
  });
});
