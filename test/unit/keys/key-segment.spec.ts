import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { escapeSegment, identifierOf } from '../../../lib/keys/key-segment.js';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(':', '%', '{', '}', '~', '3', 'a', 'u', '\n', '\0', '\ud800', '\udc00', '\ufffd'),
  }),
);

describe('escapeSegment', () => {
  it('leaves a text without separators as it is', () => {
    expect(escapeSegment('user-1_Größe.😀@x')).toBe('user-1_Größe.😀@x');
  });

  it('spells out separators, control characters and lone surrogates', () => {
    expect(escapeSegment('a:b{c}~|,%')).toBe('a%3ab%7bc%7d%7e%7c%2c%25');
    expect(escapeSegment('\n\0 \u2028')).toBe('%0a%00%20%u2028');
    expect(escapeSegment('\ud800:\udc00')).toBe('%ud800%3a%udc00');
  });

  it('keeps different texts different, also as bytes', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [x, y] = [Buffer.from(escapeSegment(a)), Buffer.from(escapeSegment(b))];
        expect(x.equals(y)).toBe(a === b);
        expect(escapeSegment(a)).not.toMatch(/[:{}~|,\s\0]/);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('identifierOf', () => {
  it.each<[unknown, string]>([
    [9876, '9876'],
    [-0.5, '-0.5'],
    [10n, '10'],
    [true, 'true'],
    ['', ''],
    ['a:b', 'a%3ab'],
    [['a', 'b:c'], 'a:b%3ac'],
    [['a:b', 'c'], 'a%3ab:c'],
    [[1, 2n, false], '1:2:false'],
    [['', ''], ':'],
  ])('makes %p to %p', (value, identifier) => {
    expect(identifierOf(value, 'Users.find')).toBe(identifier);
  });

  it.each([
    undefined,
    null,
    NaN,
    Infinity,
    {},
    () => 1,
    Symbol('x'),
    [],
    [[1]],
    [null],
    [undefined],
    [{}],
    new Array(2),
    new Date(0),
  ])('refuses %p, and says what to return', (value) => {
    expect(() => identifierOf(value, 'Users.find')).toThrow(expect.objectContaining({ code: 'RC_INVALID_KEY' }));
    expect(() => identifierOf(value, 'Users.find')).toThrow(
      /^The key of Users\.find must be a string, .* Return what identifies the value/,
    );
  });

  it('refuses promises, and handles their failures', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const failing = () => Promise.reject(new Error('late'));
    for (const value of [failing(), [failing(), failing()], ['a', failing()]]) {
      expect(() => identifierOf(value, 'Users.find')).toThrow(
        /got a promise\. A key is made synchronously: use a function that is not async. \[RC_INVALID_KEY\]$/,
      );
    }
    await new Promise(setImmediate);
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('never makes one identifier of two lists of texts', () => {
    const list = fc.array(text, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(list, list, (a, b) => {
        const isEqual = a.length === b.length && a.every((part, index) => part === b[index]);
        expect(identifierOf(a, 'x') === identifierOf(b, 'x')).toBe(isEqual);
      }),
      { numRuns: 1_000 },
    );
  });
});
