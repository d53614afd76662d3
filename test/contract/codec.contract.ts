import { runInNewContext } from 'node:vm';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { Codec, Encoded } from '../../lib/codecs/codec.js';
import { CacheError } from '../../lib/shared/errors.js';
import { arbitraryValue } from '../support/arbitrary-value.js';
import { canonical } from '../support/canonical.js';
import { type ContractTest, describeContract } from './contract-test.js';

export interface CodecHarness {
  codec: Codec;
  close(): Promise<void>;
}

/** Raise it for a long run: FUZZ_RUNS=20000. */
const FUZZ_RUNS = Number(process.env['FUZZ_RUNS'] ?? 200);

/** The promises of Codec. Every codec of the library runs all of them. */
export function describeCodec(name: string, create: () => Codec): void {
  describeContract(`Codec contract: ${name}`, codecTests, () =>
    Promise.resolve({ codec: create(), close: () => Promise.resolve() }),
  );
}

const utc = (text: string) => new Date(`${text}T00:00:00Z`);
const kept: Record<string, () => unknown> = {
  'numbers to the last bit': () => [
    0,
    -1,
    1.5,
    0.1 + 0.2,
    5e-324,
    Number.MAX_VALUE,
    2 ** 53,
    2 ** 31,
    2 ** 32,
    -(2 ** 63),
  ],
  'NaN, both infinities and -0': () => ({ top: [NaN, Infinity, -Infinity, -0, 0], field: -0 }),
  'undefined as a field, as an item and alone in an object': () => ({
    a: undefined,
    b: [undefined, null, 1],
    c: {},
    d: { e: undefined },
  }),
  'top-level undefined': () => undefined,
  'top-level null': () => null,
  'top-level text': () => 'text',
  'bigint of any size': () => [0n, -1n, 2n ** 64n, -(2n ** 63n), 10n ** 60n],
  'Dates from the earliest to the latest': () => [
    utc('2026-03-16'),
    new Date(0),
    new Date(-1),
    new Date(8.64e15),
    new Date(-8.64e15),
  ],
  'an invalid Date': () => ({ at: new Date(NaN), list: [new Date(NaN), utc('2026-03-16')] }),
  'Maps with keys of any kind': () =>
    new Map<unknown, unknown>([
      [1, 'n'],
      ['1', 's'],
      [{ a: utc('2026-03-16') }, new Map([[null, undefined]])],
      [NaN, 1],
    ]),
  Sets: () => ({
    empty: new Set(),
    nested: new Set([new Set([1n]), 'a']),
    dates: new Set([utc('2026-03-16'), utc('2026-03-17')]),
  }),
  'bytes of each class': () => ({
    buffer: Buffer.from('hé'),
    plain: new Uint8Array([1, 255]),
    floats: new Float64Array([1.5, -0]),
    big: new BigInt64Array([-5n]),
    memory: new ArrayBuffer(3),
    view: new DataView(new ArrayBuffer(2)),
    none: new Uint8Array(),
  }),
  'bytes that are a part of other memory': () => new Uint16Array(new Uint8Array([9, 9, 1, 2, 3, 4, 9, 9]).buffer, 2, 2),
  'names that objects inherit': () =>
    JSON.parse('{"__proto__":{"x":1},"constructor":{"prototype":{"y":2}},"toString":3,"hasOwnProperty":4,"length":5}'),
  'special values under names that objects inherit': () =>
    Object.fromEntries(['__proto__', 'constructor', 'toString', 'valueOf'].map((name) => [name, utc('2026-03-16')])),
  'names with separators, spaces and line ends': () =>
    Object.fromEntries(
      ['a.b', 'a/b', '~1', '', ' ', '\n', '\0', '0', '[0]', '*', '?', 'é', '\u2028'].map((name) => [
        name,
        utc('2026-03-16'),
      ]),
    ),
  'text with control characters and lone surrogates': () => [
    '\0\n\u2028',
    '\ud800',
    'a\udc00b',
    '\ud83d\ude00',
    { ['\udfff']: '\ud800' },
  ],
  'texts that look like special values': () => [
    '2026-03-16T00:00:00.000Z',
    'Invalid Date',
    '-0',
    'NaN',
    'undefined',
    '12n',
    'aGk=',
    '"\\ud800"',
  ],
  'rows whose columns are Date, null or undefined': () =>
    Array.from({ length: 20 }, (_, i) => ({
      at: utc('2026-03-16'),
      gone: i % 2 ? null : utc('2026-03-17'),
      maybe: i % 3 ? undefined : utc('2026-03-18'),
    })),
  'rows whose column is Date or text': () =>
    Array.from({ length: 20 }, (_, i) => ({ mixed: i % 4 ? utc('2026-03-19') : '2026-03-19' })),
  'rows with different columns': () => [
    { a: utc('2026-03-16') },
    { b: utc('2026-03-16') },
    {},
    null,
    'text',
    5,
    [utc('2026-03-16')],
    { a: null, b: { a: 'text' } },
  ],
  'rows with lists of rows': () => [
    { items: [{ at: utc('2026-03-16') }, { at: null }] },
    { items: [] },
    { items: [{ at: null, to: utc('2026-03-17') }] },
    { items: null },
    {},
  ],
  'a dictionary of Dates': () =>
    Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`id-${i}`, i % 5 ? { at: utc('2026-03-16') } : { at: null }]),
    ),
  'more different notes than a header has room for': () =>
    Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`field-${i}`, [utc('2026-03-16'), -0, 1n, undefined][i % 4]]),
    ),
  'nesting of 900 levels': () => nested(900, utc('2026-03-16')),
};

const plain: Record<string, [value: () => unknown, becomes: () => unknown]> = {
  'an instance of a class as a plain object': [
    () => new Point(1, utc('2026-03-16')),
    () => ({ x: 1, at: utc('2026-03-16') }),
  ],
  'a null-prototype object as a plain object': [
    () => Object.assign(Object.create(null) as object, { a: 1 }),
    () => ({ a: 1 }),
  ],
  'a boxed primitive as the primitive': [
    () => [Object('s'), Object(5), Object(true), Object(5n)],
    () => ['s', 5, true, 5n],
  ],
  'a hole as undefined': [() => [, 1, , utc('2026-03-16')], () => [undefined, 1, undefined, utc('2026-03-16')]],
  'an object with toJSON as its result': [
    () => ({ a: { toJSON: () => ({ b: utc('2026-03-16') }) }, u: new URL('http://localhost/a') }),
    () => ({ a: { b: utc('2026-03-16') }, u: 'http://localhost/a' }),
  ],
  'an object whose toJSON returns itself': [
    () => ({
      a: 1,
      toJSON() {
        return this;
      },
    }),
    () => ({ a: 1 }),
  ],
  'an array of a class as a plain array, without its fields': [
    () => ({
      a: Object.assign(class Users extends Array<unknown> {}.from([7, 7]), { total: 9 }),
      b: class Rows extends Array<Date> {}.from([utc('2026-03-16')]),
    }),
    () => ({ a: [7, 7], b: [utc('2026-03-16')] }),
  ],
  'an object that occurs twice as two': [
    () => {
      const shared = { at: utc('2026-03-16') };
      return [shared, shared];
    },
    () => [{ at: utc('2026-03-16') }, { at: utc('2026-03-16') }],
  ],
};

class Point {
  constructor(
    readonly x: number,
    readonly at: Date,
  ) {}
}

const refused: Record<string, [value: () => unknown, path: string]> = {
  'a function': [() => ({ a: [{ run() {} }] }), 'a[0].run'],
  'a function alone': [() => () => 1, 'the value itself'],
  'a symbol': [() => ({ a: Symbol('s') }), 'a'],
  'a function in a Map': [() => ({ map: new Map([['k', () => 1]]) }), 'map["entry 0"]'],
  'a function in an instance of a class': [
    () => ({ p: Object.assign(new Point(1, utc('2026-03-16')), { run: () => 1 }) }),
    'p.run',
  ],
  'a Promise': [() => ({ user: Promise.resolve(1) }), 'user'],
  'an Error': [() => [new TypeError('t')], '[0]'],
  'an instance of what extends Promise': [
    () => [new (class extends Promise<number> {})((resolve) => resolve(1))],
    '[0]',
  ],
  'a URLSearchParams': [() => ({ query: new URLSearchParams('a=1') }), 'query'],
  'a Headers': [() => ({ a: new Headers({ a: 'b' }) }), 'a'],
  'a Blob': [() => ({ a: new Blob(['a']) }), 'a'],
  'an AbortController': [() => ({ a: new AbortController() }), 'a'],
  'an Intl object': [() => ({ a: new Intl.NumberFormat('en') }), 'a'],
  'a WeakMap': [() => ({ a: new WeakMap() }), 'a'],
  'a WeakRef': [() => ({ a: new WeakRef({}) }), 'a'],
  'an iterator': [() => ({ a: [1].values() }), 'a'],
  'an instance of what extends a built-in class': [() => ({ a: new (class extends EventTarget {})() }), 'a'],
  'a RegExp': [() => ({ 'a b': /x/ }), '["a b"]'],
  'a cycle through an object': [() => cycle(), 'child.parent'],
  'a cycle through an array': [
    () => {
      const list: unknown[] = [1];
      list.push([list]);
      return list;
    },
    '[1][0]',
  ],
  'a cycle through a Map': [
    () => {
      const map = new Map<string, unknown>();
      map.set('self', { map });
      return { map };
    },
    'map["entry 0"].map',
  ],
  'nesting of 10,000 levels': [() => nested(10_000, 1), 'd.d'],
  'a mostly empty array of a billion items': [
    () => {
      const list: unknown[] = [];
      list[1e9] = 1;
      return { list };
    },
    'list',
  ],
};

function cycle(): unknown {
  const parent: Record<string, unknown> = { name: 'p' };
  parent['child'] = { parent, siblings: [parent] };
  return parent;
}

function nested(levels: number, leaf: unknown): unknown {
  let value = leaf;
  for (let i = 0; i < levels; i++) value = { d: value };
  return value;
}

const bothWays = ({ codec }: CodecHarness, value: unknown) => {
  const { payload, meta } = codec.encode(value);
  return codec.decode(payload, meta);
};

export const codecTests: readonly ContractTest<CodecHarness>[] = [
  ...Object.entries(kept).map(([what, make]) =>
    aTest(`keeps ${what}`, (harness) => {
      expect(canonical(bothWays(harness, make()).value)).toBe(canonical(make()));
    }),
  ),
  ...Object.entries(plain).map(([what, [make, becomes]]) =>
    aTest(`takes ${what}`, (harness) => {
      expect(canonical(bothWays(harness, make()).value)).toBe(canonical(becomes()));
    }),
  ),
  ...Object.entries(refused).map(([what, [make, path]]) =>
    aTest(`refuses ${what}, naming its path`, ({ codec }) => {
      const error = errorOf(() => codec.encode(make()));
      expect(error).toBeInstanceOf(CacheError);
      expect((error as CacheError).code).toBe('RC_ENCODE_FAILED');
      expect((error as CacheError).message).toContain(` ${path}`);
      expect((error as CacheError).message.length).toBeLessThan(300);
    }),
  ),
  aTest('has a short id of lower-case letters, digits and dashes', ({ codec }) => {
    expect(codec.id).toMatch(/^[a-z\d-]{1,20}$/);
  }),
  aTest('writes the kind of payload that it says', ({ codec }) => {
    expect(Buffer.isBuffer(codec.encode({ a: 1 }).payload)).toBe(codec.binary);
  }),
  aTest('keeps any value of any kinds', (harness) => {
    fc.assert(
      fc.property(arbitraryValue, (value) => {
        const before = canonical(value);
        expect(canonical(bothWays(harness, value).value)).toBe(before);
        expect(canonical(value)).toBe(before);
      }),
      { numRuns: 2 * FUZZ_RUNS },
    );
  }),
  aTest('writes a short meta without line ends and without characters that UTF-8 lacks', ({ codec }) => {
    fc.assert(
      fc.property(arbitraryValue, (value) => {
        const { meta } = codec.encode(value);
        expect(meta).not.toMatch(/[\n\r]/);
        expect(meta.isWellFormed()).toBe(true);
        expect(meta.length).toBeLessThanOrEqual(256);
      }),
    );
  }),
  aTest('notes a column of a thousand rows once', ({ codec }) => {
    const rows = Array.from({ length: 1_000 }, (_, id) => ({
      id,
      at: utc('2026-03-16'),
      gone: id % 2 ? null : utc('2026-03-17'),
      tags: new Map([['a', utc('2026-03-18')]]),
    }));
    expect(codec.encode(rows).meta.length).toBeLessThan(100);
    expect(codec.encode(new Map(rows.map((row) => [row.id, row]))).meta.length).toBeLessThan(120);
  }),
  aTest('says that plain data, undefined and numbers can be frozen', (harness) => {
    expect(bothWays(harness, { a: [1, 'b', null, { c: undefined }], n: -0 }).freezable).toBe(true);
    expect(bothWays(harness, [NaN, 5n, 'x', '\ud800', JSON.parse('{"__proto__":1}')]).freezable).toBe(true);
  }),
  aTest('says that Date, Map, Set and bytes cannot be frozen, however deep', (harness) => {
    for (const content of [
      new Date(0),
      new Map(),
      new Set(),
      Buffer.from('a'),
      new Float32Array(1),
      new ArrayBuffer(1),
    ]) {
      expect(bothWays(harness, content).freezable).toBe(false);
      expect(bothWays(harness, [{ a: [content] }, { a: [null] }]).freezable).toBe(false);
      expect(bothWays(harness, new Array(600).fill({ a: content, b: [undefined, content, -0] })).freezable).toBe(false);
    }
  }),
  aTest('makes a new value with bytes of its own at each decode', ({ codec }) => {
    const { payload, meta } = codec.encode({ bytes: Buffer.from('content'), at: utc('2026-03-16') });
    const first = codec.decode(payload, meta).value as { bytes: Buffer; at: Date };
    first.bytes.fill(0);
    first.at.setTime(0);
    expect(canonical(codec.decode(payload, meta).value)).toBe(
      canonical({ bytes: Buffer.from('content'), at: utc('2026-03-16') }),
    );
  }),
  aTest('does not let later changes of the value reach the payload', ({ codec }) => {
    const value = { bytes: Buffer.from('content'), list: [1] };
    const { payload, meta } = codec.encode(value);
    value.bytes.fill(0);
    value.list.push(2);
    expect(canonical(codec.decode(payload, meta).value)).toBe(canonical({ bytes: Buffer.from('content'), list: [1] }));
  }),
  aTest('names the class of an instance that comes back as something else', ({ codec }) => {
    expect(codec.encode([{ a: new Point(1, utc('2026-03-16')) }]).lostClass?.name).toBe('Point');
    expect(codec.encode({ a: new URL('http://localhost') }).lostClass?.name).toBe('URL');
    expect(codec.encode({ a: [new Date(), new Map(), Buffer.from('')] }).lostClass ?? null).toBeNull();
    expect(codec.encode({ a: Object.create(null) as object }).lostClass ?? null).toBeNull();
  }),
  aTest('says what becomes of an instance, and whether type makes it again', ({ codec }) => {
    class Money {
      toJSON() {
        return '5.00';
      }
    }
    class Users extends Array<unknown> {}
    class Registry extends Map<string, number> {}
    const lost = (value: unknown) => codec.encode(value).lostClass;
    const point = new Point(1, utc('2026-03-16'));
    const asFields = { name: 'Point', becomes: 'a plain object' };
    expect(lost(point)).toEqual({ ...asFields, isRevivable: true });
    expect(lost([[], [point]])).toEqual({ ...asFields, isRevivable: true });
    expect(lost({ point })).toEqual({ ...asFields, isRevivable: false });
    expect(lost(new Map([[1, point]]))).toEqual({ ...asFields, isRevivable: false });
    expect(lost(new Money())).toEqual({ name: 'Money', becomes: 'what its toJSON gives', isRevivable: false });
    expect(lost(Users.from([1]))).toEqual({ name: 'Users', becomes: 'a plain Array', isRevivable: false });
    expect(lost({ a: Users.from([point]) })?.name).toBe('Users');
    expect(lost(new Registry([['a', 1]]))).toEqual({ name: 'Registry', becomes: 'a plain Map', isRevivable: false });
    expect(lost(new (class Day extends Date {})(5))).toMatchObject({ name: 'Day', becomes: 'a plain Date' });
    expect(lost(new (class Hash extends Uint8Array {})(5))).toMatchObject({
      name: 'Hash',
      becomes: 'a plain Uint8Array',
    });
    expect(lost(Object.create({ inherited: 1 }))).toMatchObject({ name: null, isRevivable: false });
    expect(lost(new (class {})())).toMatchObject({ name: null, isRevivable: false });
    expect(lost(runInNewContext('({ a: [1], b: new Date(), c: new Map() })')) ?? null).toBeNull();
  }),
  aTest('names the path where reading the value fails, and the class of what was thrown, not its text', ({ codec }) => {
    class SecretError extends RangeError {}
    const fail = (): never => {
      throw new SecretError('secret');
    };
    const getter = {
      get b() {
        return fail();
      },
    };
    for (const [value, path] of [
      [{ a: [1, getter] }, 'a[1].b'],
      [new Map([['k', { at: new Date(0), x: { toJSON: fail } }]]), '["entry 0"].x'],
      [{ a: Object.assign(new Point(1, utc('2026-03-16')), { toJSON: fail }) }, 'a'],
    ] as const) {
      const { message } = errorOf(() => codec.encode(value)) as CacheError;
      expect(message).toContain(`reading ${path} failed (SecretError)`);
      expect(message).not.toContain('secret');
    }
  }),
  aTest('passes what a getter throws on as the cause', ({ codec }) => {
    const cause = new Error('lazy relation');
    const error = errorOf(() =>
      codec.encode({
        get a() {
          throw cause;
        },
      }),
    );
    expect(error).toMatchObject({ code: 'RC_ENCODE_FAILED', cause });
  }),
  aTest('encodes and decodes as before after an encode that failed', (harness) => {
    errorOf(() => harness.codec.encode({ a: [1, { b: () => 1 }] }));
    errorOf(() => harness.codec.encode(nested(10_000, 1)));
    expect(canonical(bothWays(harness, [{ b: 1 }, { b: new Date(5) }]).value)).toBe(
      canonical([{ b: 1 }, { b: new Date(5) }]),
    );
  }),
  aTest('throws at a payload that ends early', ({ codec }) => {
    const { payload, meta } = codec.encode({ name: 'Ada', list: [1, 2, 3] });
    for (let end = 0; end < payload.length; end++) expect(() => codec.decode(part(payload, end), meta)).toThrow();
  }),
  aTest('throws at a meta that is not one', ({ codec }) => {
    const { payload } = codec.encode({ a: 'text', b: 1 });
    for (const meta of [
      '{',
      '5',
      'null',
      '@',
      '@x',
      '@-1',
      '@99999999999',
      '@3',
      '"unknown"',
      '["X"]',
      '["*"]',
      '{"a":"unknown"}',
      '{"a":5}',
      '{"a":"D"}',
      '{"a":"n"}',
      '{"a":"#"}',
    ]) {
      expect(() => codec.decode(payload, meta)).toThrow();
    }
  }),
  aTest('returns or throws at damaged bytes, and never touches a prototype', ({ codec }) => {
    const before = prototypeState();
    fc.assert(
      fc.property(
        arbitraryValue,
        arbitraryValue,
        fc.array(damage(), { minLength: 1, maxLength: 4 }),
        (value, other, damages) => {
          const good = codec.encode(value);
          const metas = [
            good.meta,
            codec.encode(other).meta,
            ...damages.map((damaged) => damaged(good.meta) as string),
          ];
          const payloads = [good.payload, ...damages.map((damaged) => damaged(good.payload))];
          for (const payload of payloads) for (const meta of metas) errorOf(() => codec.decode(payload, meta));
          expect(prototypeState()).toEqual(before);
          expect(canonical(codec.decode(good.payload, good.meta).value)).toBe(canonical(value));
        },
      ),
      { numRuns: FUZZ_RUNS },
    );
  }),
  aTest('returns or throws at bytes of others', ({ codec }) => {
    const before = prototypeState();
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.oneof(fc.string(), fc.json()),
        fc.json(),
        (bytes, meta, text) => {
          for (const payload of codec.binary ? [Buffer.from(bytes)] : [Buffer.from(bytes).toString(), text])
            errorOf(() => codec.decode(payload, meta));
          errorOf(() => codec.decode(codec.encode([1, 'a']).payload, text));
          expect(prototypeState()).toEqual(before);
        },
      ),
      { numRuns: 2 * FUZZ_RUNS },
    );
  }),
  aTest('does not pollute a prototype by notes that name one', ({ codec }) => {
    const before = prototypeState();
    const { payload } = codec.encode({ a: { b: '1' } });
    for (const meta of [
      '{"__proto__":{"polluted":"n"}}',
      '{"constructor":{"prototype":{"b":"n"}}}',
      '{"a":{"__proto__":{"toString":"u"}}}',
      '["*",{"constructor":"n"}]',
    ]) {
      expect(canonical(codec.decode(payload, meta).value)).toBe(canonical({ a: { b: '1' } }));
    }
    expect(prototypeState()).toEqual(before);
  }),
];

function aTest(name: string, run: (harness: CodecHarness) => void): ContractTest<CodecHarness> {
  return { name, run: (harness) => Promise.resolve(run(harness)) };
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

function part(payload: Encoded['payload'], end: number): Encoded['payload'] {
  return typeof payload === 'string' ? payload.slice(0, end) : payload.subarray(0, end);
}

/** A way to damage text or bytes: cut, flip a bit, put something else in. */
function damage(): fc.Arbitrary<(good: Encoded['payload']) => Encoded['payload']> {
  return fc
    .tuple(fc.nat(), fc.integer({ min: 0, max: 7 }), fc.constantFrom('cut', 'flip', 'insert', 'double'))
    .map(([at, bit, kind]) => (good) => {
      const bytes = Buffer.from(good as string);
      const place = bytes.length === 0 ? 0 : at % bytes.length;
      const rest = bytes.subarray(place);
      const damaged = {
        cut: () => bytes.subarray(0, place),
        flip: () =>
          Buffer.concat([bytes.subarray(0, place), Buffer.from([(rest[0] ?? 0) ^ (1 << bit)]), rest.subarray(1)]),
        insert: () => Buffer.concat([bytes.subarray(0, place), Buffer.from([at % 256]), rest]),
        double: () => Buffer.concat([bytes, rest]),
      }[kind]();
      return typeof good === 'string' ? damaged.toString() : damaged;
    });
}

function prototypeState(): unknown {
  return [Object.prototype, Array.prototype, Function.prototype, Date.prototype, Map.prototype, String.prototype].map(
    (prototype) => [
      Reflect.ownKeys(prototype).length,
      Reflect.ownKeys(prototype)
        .map((name) => typeof Object.getOwnPropertyDescriptor(prototype, name)!.value)
        .join(),
    ],
  );
}
