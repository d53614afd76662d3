import fc from 'fast-check';

/** Names that are something else to careless code. */
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'toJSON',
  'length',
  '0',
  '-1',
  '',
  'a.b',
  'a/b',
  'a b',
  '*',
  '~',
  '\n',
  '\u2028',
  'é',
  '\ud800',
];

const text = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  maxLength: 12,
});
const name = fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 6 }));
const bytes = fc.uint8Array({ maxLength: 20 });

const leaf = fc.oneof(
  text,
  fc.string(),
  fc.double(),
  fc.integer(),
  fc.constantFrom(
    null,
    undefined,
    true,
    false,
    -0,
    NaN,
    Infinity,
    -Infinity,
    '',
    '-0',
    'NaN',
    'Invalid Date',
    'undefined',
    '2020-01-01T00:00:00.000Z',
  ),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  bytes,
  bytes.map((array) => Buffer.from(array)),
  bytes.map((array) => new Int16Array(array.map((byte) => byte - 7))),
  bytes.map((array) => array.buffer.slice(0)),
);

/** Rows as a database gives them: the same columns, each of one kind, some null or undefined, some kinds mixed. */
const rows = fc
  .dictionary(fc.constantFrom('a', 'b', '__proto__', 'at'), fc.constantFrom(...columns()), { minKeys: 1 })
  .chain((row) =>
    fc.array(fc.record(row as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] }), {
      minLength: 2,
      maxLength: 8,
    }),
  );

function columns(): fc.Arbitrary<unknown>[] {
  const date = fc.date({ noInvalidDate: false });
  const optional = (kind: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 3, arbitrary: kind }, fc.constantFrom(null, undefined));
  return [
    date,
    optional(date),
    fc.option(date),
    optional(fc.bigInt()),
    optional(fc.array(optional(date), { maxLength: 3 })),
    optional(fc.array(fc.record({ at: optional(date), n: fc.integer() }), { maxLength: 3 })),
    optional(fc.array(date, { maxLength: 3 }).map((items) => new Set(items))),
    optional(fc.array(fc.tuple(fc.string(), optional(date)), { maxLength: 3 }).map((pairs) => new Map(pairs))),
    fc.oneof(fc.record({ at: optional(date) }), fc.array(date, { maxLength: 2 }), fc.string()),
    leaf,
  ];
}

/** Any value that a codec has to keep. */
export const arbitraryValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, tie('object')),
  object: fc.oneof(
    fc.array(tie('value'), { maxLength: 6 }),
    fc
      .uniqueArray(fc.tuple(name, tie('value')), { maxLength: 12, selector: ([key]) => key })
      .map((pairs) => Object.fromEntries(pairs) as object),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 5 }).map((pairs) => new Map(pairs)),
    fc.array(tie('value'), { maxLength: 5 }).map((items) => new Set(items)),
    rows,
  ),
})).value;
