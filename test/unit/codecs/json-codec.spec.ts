import { describe, expect, it } from '@jest/globals';
import { JsonCodec } from '../../../lib/codecs/json-codec.js';

const codec = new JsonCodec();
const at = new Date('2026-03-16T08:45:12Z');

describe('JsonCodec, what it writes', () => {
  it('writes what JSON.stringify writes, and no meta, for plain values', () => {
    for (const value of [{ a: [1, 'b', null, true] }, [], 'é', 5, null, { b: { c: {} } }]) {
      expect(codec.encode(value)).toEqual({ payload: JSON.stringify(value), meta: '', lostClass: null });
    }
  });

  it.each([
    ['a Date as ISO text', { at }, '{"at":"2026-03-16T08:45:12.000Z"}', '{"at":"D"}'],
    ['undefined in its place', { a: 1, b: undefined, c: 2 }, '{"a":1,"b":null,"c":2}', '{"b":"u"}'],
    ['a bigint as text', [5n], '["5"]', '{"0":"n"}'],
    ['bytes as base64', { a: Buffer.from('hi') }, '{"a":"aGk="}', '{"a":"Buffer"}'],
    ['a Map as its pairs', new Map([['a', at]]), '[["a","2026-03-16T08:45:12.000Z"]]', '["M",{"0":{"1":"D"}}]'],
    ['a Set as its items', new Set([1, 2]), '[1,2]', '["S"]'],
    ['numbers that JSON lacks as text', [NaN, -Infinity, -0, 1], '["NaN","-Infinity","-0",1]', '["*","#"]'],
    [
      'one note for all rows',
      [{ at }, { at: null }, { at }],
      '[{"at":"2026-03-16T08:45:12.000Z"},{"at":null},{"at":"2026-03-16T08:45:12.000Z"}]',
      '["*",{"at":"D"}]',
    ],
    [
      'one note for rows with undefined',
      [{ at }, { at: undefined }],
      '[{"at":"2026-03-16T08:45:12.000Z"},{"at":null}]',
      '["*",{"at":["?","D"]}]',
    ],
    [
      'a note per row where text could be taken for a Date',
      [{ at }, { at: '2026' }, { at }],
      '[{"at":"2026-03-16T08:45:12.000Z"},{"at":"2026"},{"at":"2026-03-16T08:45:12.000Z"}]',
      '{"0":{"at":"D"},"2":{"at":"D"}}',
    ],
    ['a field named __proto__ as any other', JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}', ''],
  ])('writes %s', (_what, value, payload, meta) => {
    expect(codec.encode(value)).toMatchObject({ payload, meta });
  });

  it('puts notes that are too long for a header behind the JSON text', () => {
    const value = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field-${i}`, i % 2 ? at : 5n]));
    const { payload, meta } = codec.encode(value);
    const json = (payload as string).split('\n')[0]!;
    expect(meta).toBe(`@${json.length}`);
    expect(Object.keys(JSON.parse(json))).toHaveLength(100);
    expect(codec.decode(Buffer.from(payload as string), meta).value).toEqual(value);
  });

  it('writes a Date as it is although its toJSON was changed', () => {
    const original = Date.prototype.toJSON;
    Date.prototype.toJSON = () => 'yesterday';
    try {
      expect(codec.encode({ at }).payload).toBe('{"at":"2026-03-16T08:45:12.000Z"}');
    } finally {
      Date.prototype.toJSON = original;
    }
  });

  it('keeps bigint although it was given a toJSON', () => {
    const prototype = BigInt.prototype as { toJSON?: () => string };
    prototype.toJSON = () => 'big';
    try {
      const { payload, meta } = codec.encode({ a: 5n });
      expect(codec.decode(payload, meta).value).toEqual({ a: 5n });
    } finally {
      delete prototype.toJSON;
    }
  });

  it('calls toJSON once, with the name of the field', () => {
    const names: string[] = [];
    const value = { toJSON: (name: string) => names.push(name) };
    codec.encode({ a: value, list: [value], map: new Map([[1, value]]) });
    expect(names).toEqual(['a', '0', 'entry 0']);
  });

  it('does not change the value', () => {
    const value = Object.freeze({ list: Object.freeze([1n, undefined, new Map([[1, at]])]), at });
    expect(() => codec.encode(value)).not.toThrow();
    expect(value.list[0]).toBe(1n);
  });
});

describe('JsonCodec, reading', () => {
  it('takes notes of a column only for what they are for', () => {
    const text = '[{"at":"2026-03-16T08:45:12.000Z"},{"at":null},{"at":5},{"at":true},{},null,"x"]';
    expect(codec.decode(text.replace('{"at":5},', ''), '["*",{"at":"D"}]').value).toEqual([
      { at },
      { at: null },
      { at: true },
      {},
      null,
      'x',
    ]);
  });

  it('reads more shapes of notes than it keeps in memory', () => {
    for (let i = 0; i < 1_200; i++) {
      expect(codec.decode('{"a":null}', `{"a":"u","field-${i}":"D"}`).value).toEqual({ a: undefined });
    }
  });
});
