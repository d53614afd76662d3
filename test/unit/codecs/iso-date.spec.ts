import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dateOfIso } from '../../../lib/codecs/iso-date.js';

describe('dateOfIso', () => {
  it('reads what toISOString wrote', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        expect(dateOfIso(date.toISOString()).getTime()).toBe(date.getTime());
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads every part of it', () => {
    const start = Date.UTC(2023, 11, 1);
    for (let i = 0; i < 2_000; i++) {
      const date = new Date(start + i * 86_400_000 * 0.37 + i);
      expect(dateOfIso(date.toISOString()).getTime()).toBe(date.getTime());
    }
  });

  it.each([
    '0001-01-01T00:00:00.000Z',
    '0099-12-31T23:59:59.999Z',
    '-000001-01-01T00:00:00.000Z',
    '+275760-09-13T00:00:00.000Z',
  ])('reads the unusual %s', (text) => {
    expect(dateOfIso(text).toISOString()).toBe(text);
  });

  it.each([
    '',
    'x',
    '2026-13-16T08:45:12.000Z',
    '2026-03-16T25:45:12.000Z',
    '2o26-03-16T08:45:12.000Z',
    '2026-03-16T08:45:12.0x0Z',
    '2026-03-16T08:45x12.000Z',
    '2026/03x16T08:45:12.000Z',
  ])('refuses %j', (text) => {
    expect(() => dateOfIso(text)).toThrow();
  });
});
