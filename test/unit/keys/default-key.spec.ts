import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { defaultKeyOf, type MethodIdentity } from '../../../lib/keys/default-key.js';

const users: MethodIdentity = { runtimeClass: 'Users', declaringClass: 'Base', method: 'find' };
const keyOf = (...args: unknown[]) => defaultKeyOf(users, 'Users.find')(args);

class Dto {
  constructor(
    readonly id: number,
    readonly name?: string,
  ) {}
}

class Other {
  constructor(readonly id: number) {}
}

class WithMethod {
  id = 1;
  hello() {}
}

class Money {
  readonly #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  static centsOf(money: Money) {
    return money.#cents;
  }
}

class Price extends Money {}

/** No #private field: only a 'text with #one'. */
class Theme {
  readonly color = '#fff';
  readonly other = "#a'";
  readonly third = `#${this.color}`;
}

const holed = (x: number) => Object.assign(new Array<number>(2), { 1: 1, x });
const hidden = (value: object) => Object.defineProperty(value, 'hidden', { value: 1 });

describe('defaultKeyOf', () => {
  it('names the class, the declaring class, the method and the arguments', () => {
    expect(keyOf()).toBe('Users:Base.find');
    expect(keyOf(7, 'a', null, true)).toBe('Users:Base.find:7:"a":null:true');
    expect(keyOf({ b: 2, a: 1 })).toBe('Users:Base.find:%7b"a"%3a1%2c"b"%3a2%7d');
  });

  it('ignores the order of keys, at any depth', () => {
    expect(keyOf({ a: { x: 1, y: [{ p: 1, q: 2 }] }, b: 2 })).toBe(keyOf({ b: 2, a: { y: [{ q: 2, p: 1 }], x: 1 } }));
  });

  it('keeps the order of Maps and Sets, on which results may depend', () => {
    const byName = ['name', 'asc'] as const;
    const byAge = ['age', 'desc'] as const;
    expect(keyOf(new Map([byName, byAge] as never))).not.toBe(keyOf(new Map([byAge, byName] as never)));
    expect(keyOf({ by: new Set([1, 2]) })).not.toBe(keyOf({ by: new Set([2, 1]) }));
  });

  it('tells apart what is different', () => {
    const different: unknown[][] = [
      [],
      [undefined],
      [null],
      [undefined, undefined],
      [1],
      ['1'],
      [1n],
      ['~n1'],
      ['1n'],
      [true],
      ['true'],
      [0],
      [-0],
      [NaN],
      ['NaN'],
      [Infinity],
      [-Infinity],
      [''],
      ['~u'],
      ['~~u'],
      ['null'],
      [[]],
      [[undefined]],
      [[null]],
      [Object.assign(new Array<number>(2), { 1: 1 })],
      [[undefined, 1]],
      [[1, 2]],
      [1, 2],
      [[[1], 2]],
      [[1, [2]]],
      [{}],
      [{ a: undefined }],
      [{ a: null }],
      [{ a: 1 }],
      [{ a: '1' }],
      [{ '': 1 }],
      [JSON.parse('{"__proto__":1}')],
      [{ constructor: 1 }],
      [new Date(0)],
      [new Date(NaN)],
      [new Date(0).toISOString()],
      ['~d0'],
      [new Map()],
      [new Set()],
      [['~map']],
      [['~set']],
      [['~set', '1']],
      [new Set([1])],
      [new Set(['1'])],
      [new Map([[1, 2]])],
      [new Map([['1', 2]])],
      [new Set([[1, 2]])],
      [Buffer.from('a')],
      [new Uint8Array([97])],
      [new Uint16Array([97])],
      [new Uint8Array([97]).buffer],
      ['YQ=='],
      [new Dto(1)],
      [new Other(1)],
      [{ id: 1 }],
      [['~class Other', { id: 1 }]],
      ['a', 'b:c'],
      ['a:b', 'c'],
      ['a:"b"'],
      ['a', 'b'],
      ['\n'],
      ['\0'],
      ['\ud800'],
      ['\udc00'],
      ['\ufffd'],
      ['\\ud800'],
      ['{}'],
      ['[]'],
    ];
    const keys = different.map((args) => keyOf(...args));
    const seen = new Map<string, unknown[]>();
    for (const [index, key] of keys.entries()) {
      expect([key, seen.get(key)]).toEqual([key, undefined]);
      seen.set(key, different[index]!);
    }
  });

  it('leaves no separator and no control character in an argument', () => {
    const key = keyOf('a:b{c}~|,%\n\0\ud800', { 'k:{}': '\n' });
    expect(key.split(':')).toHaveLength(4);
    expect(key).not.toMatch(/[{}~|,\s\0]/);
    expect(key.isWellFormed()).toBe(true);
  });

  it('takes an argument of 1 MB', () => {
    const big = 'x'.repeat(1_000_000);
    expect(keyOf(big)).not.toBe(keyOf(`${big}y`));
    expect(keyOf({ big })).toContain(big);
  });

  it.each<[string, unknown, string]>([
    ['a function', () => 1, 'it is a function'],
    ['a symbol', Symbol('x'), 'it is a symbol'],
    ['a function inside', { a: [{ call() {} }] }, '"call" is a function'],
    ['an instance with methods', new WithMethod(), 'it is an instance of WithMethod, which has methods'],
    ['an own toJSON', { toJSON: () => 1 }, '"toJSON" is a function'],
    ['a RegExp', /x/, 'it is an instance of RegExp'],
    ['a URL', new URL('http://a'), 'it is an instance of URL'],
    ['an Error', new Error('x'), 'it is an instance of Error'],
    ['a promise', Promise.resolve(1), 'it is an instance of Promise'],
    ['a WeakMap', new WeakMap(), 'it is an instance of WeakMap'],
    ['a boxed number', Object(1), 'it is an instance of Number'],
    ['symbol keys', { [Symbol('x')]: 1 }, 'it has symbols for keys'],
    ['an array with properties', Object.assign([1], { x: 1 }), 'it is an array with properties'],
    ['a kind of array', new (class Ids extends Array<number> {})(2), 'it is an instance of Ids'],
    ['a kind of Date', new (class Day extends Date {})(), 'it is an instance of Day'],
    ['a Map with properties', Object.assign(new Map(), { x: 1 }), 'it is a Map with properties'],
    ['inherited data', Object.create({ a: 1 }), 'which has methods'],
    ['an array with a hole and a property', holed(1), 'it is an array with properties'],
    ['an array with a hidden property', hidden([1]), 'it is an array with properties'],
    ['a kind of array named Array', new (class Array extends globalThis.Array<number> {})(2), 'an instance of Array'],
    ['a kind of Map named Map', new (class Map extends globalThis.Map<1, 1> {})(), 'it is an instance of Map'],
    ['a Map with a hidden property', hidden(new Map()), 'it is a Map with properties'],
    ['a Date with a symbol', Object.assign(new Date(), { [Symbol('x')]: 1 }), 'it is a Date with properties'],
    ['a kind of bytes', new (class Uuid extends Uint8Array {})(2), 'it is an instance of Uuid'],
    ['a buffer with properties', Object.assign(new ArrayBuffer(1), { x: 1 }), 'it is a ArrayBuffer with properties'],
    ['#private fields', new Money(1), 'it is an instance of Money, which has #private fields'],
    ['inherited #private fields', new Price(1), 'it is an instance of Price, which has #private fields'],
    ['hidden properties', hidden({ a: 1 }), 'it has properties that are not enumerable'],
    ['hidden properties of a data class', hidden(new Other(1)), 'it has properties that are not enumerable'],
  ])('refuses %s and asks for a key', (_case, value, reason) => {
    expect(() => keyOf(1, value)).toThrow(expect.objectContaining({ code: 'RC_INVALID_KEY' }));
    expect(() => keyOf(1, value)).toThrow(reason);
    expect(() => keyOf(1, value)).toThrow(
      /^Argument 1 of Users\.find \(.*\) cannot be part of a default key: .* Give the method a key/,
    );
  });

  it('refuses cycles, also through Maps, Sets and data classes, and depths that the stack does not hold', () => {
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    const map = new Map<string, unknown>();
    map.set('self', map);
    const set = new Set<unknown>();
    set.add([set]);
    const dto = new Dto(1) as { self?: unknown };
    dto.self = dto;
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    for (const value of [cycle, map, set, dto, deep])
      expect(() => keyOf(value)).toThrow('it is circular, or nested too deeply');
  });

  it('takes a data class whose source has # in texts and comments only', () => {
    expect(keyOf(new Theme())).toContain('Theme');
  });

  it('takes the same object twice, which is no cycle', () => {
    const shared = { a: 1 };
    expect(keyOf([shared, shared])).toBe(keyOf([{ a: 1 }, { a: 1 }]));
  });

  it('never makes one key of two lists of arguments', () => {
    const value = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withUnicodeString: true,
      key: fc.oneof(fc.string(), fc.constantFrom('a', 'b', '__proto__', '~', ':')),
      values: [
        fc.string({ unit: fc.constantFrom('~', 'n', 'u', '1', ':', '{', '"', '\\', '%') }),
        fc.double(),
        fc.integer({ max: 3, min: -3 }),
        fc.bigInt({ max: 3n, min: -3n }),
        fc.boolean(),
        fc.constantFrom(null, undefined),
      ],
      maxDepth: 3,
    });
    const list = fc.array(value, { maxLength: 3 });
    fc.assert(
      fc.property(list, list, (a, b) => {
        if (isDeepStrictEqual(a, b)) return;
        expect(keyOf(...a)).not.toBe(keyOf(...b));
      }),
      { numRuns: 2_000 },
    );
  });

  it('makes one key of equal lists, however they were built', () => {
    const value = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.dictionary(fc.string(), fc.boolean())),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(value, (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        expect(keyOf(reversed)).toBe(keyOf(structuredClone(object)));
      }),
    );
  });

  it('keeps a dot in a class name from moving the border between class and method', () => {
    const of = (declaringClass: string, method: string) => defaultKeyOf({ ...users, declaringClass, method }, 'x')([]);
    expect(of('a.b', 'c')).not.toBe(of('a', 'b.c'));
  });

  it('never makes one key of two methods', () => {
    const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('a', 'a.b', 'b', ':', 'a:b', '.', '@x#0', '1'));
    const identity = fc.record(
      { runtimeClass: name, declaringClass: name, method: name },
      // the same names make the same key, whatever holds them
      { noNullPrototype: true },
    );
    const list = fc.array(fc.constantFrom<unknown>(1, 'a', ':', '.'), { maxLength: 2 });
    fc.assert(
      fc.property(identity, list, identity, list, (a, argsA, b, argsB) => {
        if (isDeepStrictEqual([a, argsA], [b, argsB])) return;
        expect(defaultKeyOf(a, 'a')(argsA)).not.toBe(defaultKeyOf(b, 'b')(argsB));
      }),
      { numRuns: 2_000 },
    );
  });
});
