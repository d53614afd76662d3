import { describe, expect, it } from '@jest/globals';
import type { CacheKey } from '../../../lib/keys/cache-key.js';
import { defaultKeyOf } from '../../../lib/keys/default-key.js';
import { KeyMemo } from '../../../lib/keys/key-memo.js';
import { type KeyRecipe, recipeOfArguments, recipeOfFunction } from '../../../lib/keys/key-recipe.js';

const identify = (recipe: KeyRecipe, ...args: unknown[]) => recipe.identify(recipe.decide(args));
const defaults = recipeOfArguments(defaultKeyOf({ runtimeClass: 'A', declaringClass: 'A', method: 'f' }, 'A.f'));

describe('a key recipe', () => {
  it('calls a key function each time, with all arguments', () => {
    let tenant = 'a';
    const recipe = recipeOfFunction((id, more) => `${tenant}-${String(id)}-${String(more)}`, 'A.f');
    expect(identify(recipe, 1, 2)).toBe('a-1-2');
    tenant = 'b';
    expect(identify(recipe, 1, 2)).toBe('b-1-2');
  });

  it('gives a key function the instance as this', () => {
    const recipe = recipeOfFunction(function (this: unknown, id) {
      return [(this as { tenant: string }).tenant, id];
    }, 'A.f');
    expect(recipe.identify(recipe.decide([1], { tenant: 'x' }))).toBe('x:1');
  });

  it('names the method of a key function that throws', () => {
    const cause = new TypeError('no id');
    const recipe = recipeOfFunction(() => {
      throw cause;
    }, 'A.f');
    expect(() => recipe.decide([])).toThrow(expect.objectContaining({ code: 'RC_OPTION_FUNCTION', cause }));
    expect(() => recipe.decide([])).toThrow(
      "The function 'key' of A.f failed before the method ran: TypeError: no id.",
    );
  });

  it('decides by a single string or number, else by all arguments', () => {
    expect(defaults.decide([7])).toBe(7);
    expect(defaults.decide(['7'])).toBe('7');
    for (const args of [[], [1, 2], [null], [true], [{ a: 1 }], [[1]]]) expect(defaults.decide(args)).toBe(args);
  });

  it('makes of either what the whole list makes', () => {
    expect(identify(defaults, 7)).toBe('A:A.f:7');
    expect(identify(defaults, '7')).toBe('A:A.f:"7"');
    expect(identify(defaults, [7])).toBe('A:A.f:[7]');
    expect(identify(defaults, 7, 7)).toBe('A:A.f:7:7');
    expect(identify(defaults)).toBe('A:A.f');
  });
});

describe('KeyMemo', () => {
  const counting = () => {
    const made: unknown[] = [];
    const make = (decided: unknown): CacheKey => {
      made.push(decided);
      return { entry: `${typeof decided}:${String(decided)}`, bucket: 0 };
    };
    return { made, make };
  };

  it('makes a key once, and tells numbers from strings', () => {
    const { made, make } = counting();
    const memo = new KeyMemo();
    for (const decided of [1, '1', 1, '1']) expect(memo.of(decided, make).entry).toBe(`${typeof decided}:1`);
    expect(made).toEqual([1, '1']);
    expect(memo.of(1, make)).toBe(memo.of(1, make));
  });

  it('tells 0 from -0, alone and in pairs, where the recipe does', () => {
    const memo = new KeyMemo();
    const make = (decided: unknown): CacheKey => ({ entry: defaults.identify(decided), bucket: 0 });
    for (const [zero, minus] of [
      [0, -0],
      [
        [0, 1],
        [-0, 1],
      ],
      [
        ['a', 0],
        ['a', -0],
      ],
    ]) {
      expect(memo.of(minus, make).entry).not.toBe(memo.of(zero, make).entry);
      expect(memo.of(minus, make).entry).not.toBe(memo.of(zero, make).entry);
    }
  });

  it('makes the key of a pair once, and tells pairs apart', () => {
    const { made, make } = counting();
    const memo = new KeyMemo();
    const pairs = [
      [1, 2],
      [2, 1],
      ['1', 2],
      [1, '2'],
      ['12', ''],
      ['', '12'],
    ];
    for (const pair of [...pairs, ...pairs]) {
      expect(memo.of([...pair], make)).toBe(memo.of(pair, make));
      expect(memo.of(pair, make).entry).toBe(`object:${pair.join()}`);
    }
    expect(made).toEqual(pairs);
  });

  it('lets go of pairs too', () => {
    const { made, make } = counting();
    const memo = new KeyMemo();
    for (let id = 0; id < 10_000; id++) memo.of(['tenant', id], make);
    memo.of(['tenant', 9_999], make);
    expect(made).toHaveLength(10_000);
    memo.of(['tenant', 0], make);
    expect(made).toHaveLength(10_001);
  });

  it('remembers nothing but short strings, numbers, and pairs of them', () => {
    const { made, make } = counting();
    const memo = new KeyMemo();
    const others = [
      undefined,
      null,
      true,
      1n,
      [1],
      [1, 2, 3],
      [1, null],
      [true, 1],
      {},
      'x'.repeat(101),
      ['x', 'x'.repeat(101)],
    ];
    for (const decided of [...others, ...others]) memo.of(decided, make);
    expect(made).toHaveLength(2 * others.length);
  });

  it('keeps what is in use and lets go of the rest', () => {
    const { made, make } = counting();
    const memo = new KeyMemo();
    for (let id = 0; id < 10_000; id++) {
      memo.of('hot', make);
      memo.of(id, make);
    }
    expect(made.filter((decided) => decided === 'hot')).toHaveLength(1);
    made.length = 0;
    memo.of(0, make);
    expect(made).toEqual([0]);
  });

  it('remembers no failure', () => {
    const memo = new KeyMemo();
    const fail = () => {
      throw new Error('no key');
    };
    expect(() => memo.of(1, fail)).toThrow('no key');
    expect(memo.of(1, () => ({ entry: 'made', bucket: 0 })).entry).toBe('made');
  });
});
