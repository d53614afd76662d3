import { describe, expect, it } from '@jest/globals';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as v from 'valibot';
import { ValuePipeline, type ValuePolicy } from '../../../lib/values/value-pipeline.js';
import type { Codec } from '../../../lib/codecs/codec.js';
import { JsonCodec } from '../../../lib/codecs/json-codec.js';
import { MsgpackCodec } from '../../../lib/codecs/msgpack-codec.js';
import type { CacheError } from '../../../lib/shared/errors.js';

const aPipeline = (policy: Partial<ValuePolicy> = {}) =>
  new ValuePipeline({ codec: new JsonCodec(), type: null, schema: null, mutable: false, ...policy });

/** Into the cache. */
const keep = (pipeline: ValuePipeline, value: unknown) => {
  const encoded = pipeline.encode(value);
  pipeline.comeBack(value, encoded);
  return encoded;
};

const bothWays = (pipeline: ValuePipeline, value: unknown) => {
  const { payload, format } = keep(pipeline, value);
  return pipeline.decode(payload, format);
};

class User {
  constructor(
    readonly name: string,
    readonly at?: Date,
  ) {
    if (name === undefined) throw new Error('the constructor ran');
  }
  get label() {
    return `user ${this.name}`;
  }
  set label(_label: string) {
    throw new Error('a setter ran');
  }
  greet() {
    return `Hello ${this.name}`;
  }
}

class Counter {
  #count = 0;
  constructor(readonly name: string) {}
  count() {
    return (this.#count += 1);
  }
}

function errorOf(action: () => unknown): CacheError {
  try {
    action();
  } catch (error) {
    return error as CacheError;
  }
  throw new Error('nothing was thrown');
}

describe('ValuePipeline, format', () => {
  it('names the codec, and after a space its meta', () => {
    expect(aPipeline().encode({ a: 1 })).toEqual({ payload: '{"a":1}', format: 'json', bytes: 7, lostClass: null });
    expect(aPipeline().encode({ a: -0 }).format).toBe('json {"a":"#"}');
  });

  it('counts bytes, not characters', () => {
    expect(aPipeline().encode('é€😀').bytes).toBe(2 + 2 + 3 + 4);
    const { payload, bytes } = aPipeline({ codec: new MsgpackCodec() }).encode('é€😀');
    expect(bytes).toBe(payload.length);
  });

  it.each(['msgpack', 'jsonx', 'jso', '', 'json2 "D"', ' json', 'JSON'])(
    'refuses an entry whose format is %j',
    (format) => {
      expect(errorOf(() => aPipeline().decode('{"a":1}', format)).code).toBe('RC_DECODE_FAILED');
    },
  );

  it.each([
    ['{"secret":', 'json'],
    ['', 'json'],
    ['{"secret":1}', 'json {'],
    ['"secret"', 'json "D"'],
    ['secret', 'json @3'],
  ])('refuses the damaged entry %j in %j without quoting it', (payload, format) => {
    const error = errorOf(() => aPipeline().decode(payload, format));
    expect(error.code).toBe('RC_DECODE_FAILED');
    expect(error.message).not.toContain('secret');
    expect(error.cause).toBeUndefined();
  });

  it('refuses a deeply nested entry without ending the process', () => {
    const payload = '['.repeat(200_000) + ']'.repeat(200_000);
    expect(errorOf(() => aPipeline().decode(payload, 'json')).code).toBe('RC_DECODE_FAILED');
    expect(aPipeline({ schema: v.any() }).decode(payload, 'json').isShared).toBe(false);
  });

  it('passes the refusal of the codec on', () => {
    expect(errorOf(() => aPipeline().encode({ a: () => 1 })).code).toBe('RC_ENCODE_FAILED');
  });

  it("turns the failure of an application's codec into one of ours", () => {
    const codec = {
      id: 'mine',
      binary: false,
      encode: () => {
        throw new Error('no');
      },
      decode: () => {
        throw new Error('secret');
      },
    };
    expect(errorOf(() => aPipeline({ codec }).encode(1)).code).toBe('RC_ENCODE_FAILED');
    expect(errorOf(() => aPipeline({ codec }).decode('1', 'mine')).code).toBe('RC_DECODE_FAILED');
  });
});

describe('ValuePipeline, codecs of the application', () => {
  const good = { id: 'mine', binary: false, decode: () => ({ value: 1, freezable: true }) };

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a promise', Promise.resolve({ payload: '1', meta: '' })],
    ['bytes where text was announced', { payload: Buffer.from('1'), meta: '' }],
    ['no meta', { payload: '1' }],
    ['a meta of two lines, which would end the header', { payload: '1', meta: 'a\nb' }],
  ])('refuses one that gives %s', (_, encoded) => {
    const codec = { ...good, encode: () => encoded } as Codec;
    const error = errorOf(() => aPipeline({ codec }).encode(1));
    expect(error.code).toBe('RC_ENCODE_FAILED');
    expect(error.message).toContain("the codec 'mine' gave");
  });

  it('says that it cannot read what it wrote', () => {
    const decode = () => {
      throw new Error('secret');
    };
    const codec: Codec = { ...good, encode: () => ({ payload: '1', meta: '' }), decode };
    const error = errorOf(() => keep(aPipeline({ codec }), 1));
    expect(error).toMatchObject({ code: 'RC_DECODE_FAILED' });
    expect(error.message).toContain('the codec cannot read what it wrote');
    expect(error.message).not.toContain('secret');
  });
});

describe('ValuePipeline, sharing', () => {
  it('shares plain values and freezes them to the last leaf', () => {
    const read = bothWays(aPipeline(), { list: [{ deep: [{}] }], none: null, nothing: undefined });
    const value = read.value as { list: { deep: object[] }[] };
    expect(read.isShared).toBe(true);
    expect(read.fresh()).toBe(read.value);
    for (const part of [value, value.list, value.list[0], value.list[0]!.deep, value.list[0]!.deep[0]]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('freezes fields under names that objects inherit', () => {
    const value = bothWays(aPipeline(), JSON.parse('{"__proto__":{"a":{}},"constructor":{"b":{}}}')).value as Record<
      string,
      object
    >;
    expect(Object.isFrozen(Object.getOwnPropertyDescriptor(value, '__proto__')!.value.a)).toBe(true);
    expect(Object.isFrozen(value['constructor'])).toBe(true);
    expect(Object.isFrozen(Object.prototype)).toBe(false);
  });

  it('does not freeze what objects inherit', () => {
    const inherited = {};
    (Object.prototype as { inherited?: object }).inherited = inherited;
    try {
      bothWays(aPipeline(), { a: {} });
    } finally {
      delete (Object.prototype as { inherited?: object }).inherited;
    }
    expect(Object.isFrozen(inherited)).toBe(false);
  });

  it.each([new Date(5), new Map([[1, {}]]), new Set([1]), Buffer.from('a')])(
    'gives each caller a copy of its own of a value that holds %p',
    (content) => {
      const read = bothWays(aPipeline(), { content });
      expect(read.isShared).toBe(false);
      expect(Object.isFrozen(read.value)).toBe(false);
      const other = read.fresh() as { content: unknown };
      expect(other).toEqual(read.value);
      expect(other.content).not.toBe((read.value as { content: unknown }).content);
      expect(read.fresh()).not.toBe(other);
    },
  );

  it('gives each caller of a mutable region a copy of its own', () => {
    const read = bothWays(aPipeline({ mutable: true }), { list: [1] });
    (read.value as { list: number[] }).list.push(2);
    expect(read.isShared).toBe(false);
    expect(read.fresh()).toEqual({ list: [1] });
  });
});

describe('ValuePipeline, type', () => {
  it('gives a value the prototype of a class without running its constructor or setters', () => {
    const pipeline = aPipeline({ type: User });
    const user = pipeline.decode('{"name":"Ada","label":"own","__proto__":{"x":1}}', 'json').value as User;
    expect(user).toBeInstanceOf(User);
    expect(user.greet()).toBe('Hello Ada');
    expect(Object.keys(user)).toEqual(['name', 'label', '__proto__']);
    expect(user.label).toBe('own');
    expect(Object.isFrozen(user)).toBe(true);
  });

  it('revives arrays item by item and leaves null and undefined', () => {
    const pipeline = aPipeline({ type: User });
    const users = bothWays(pipeline, [new User('Ada'), null, undefined, new User('Bob')]).value as User[];
    expect(users.map((user) => user?.greet())).toEqual(['Hello Ada', undefined, undefined, 'Hello Bob']);
    expect(bothWays(pipeline, null).value).toBeNull();
    expect(bothWays(pipeline, undefined).value).toBeUndefined();
  });

  it('gives each caller an instance of its own when it holds a Date', () => {
    const read = bothWays(aPipeline({ type: User }), new User('Ada', new Date(5)));
    expect(read.isShared).toBe(false);
    expect(read.fresh()).toBeInstanceOf(User);
    expect(read.fresh()).toEqual(new User('Ada', new Date(5)));
  });

  it.each(['5', '"Ada"', 'true', '[["Ada"]]'])('takes %s as damaged when a class is wanted', (payload) => {
    expect(errorOf(() => aPipeline({ type: User }).decode(payload, 'json')).code).toBe('RC_DECODE_FAILED');
  });

  it('calls a function with the plain value and does not freeze instances that it makes', () => {
    const read = bothWays(aPipeline({ type: (plain: { name: string }) => new Counter(plain.name) }), { name: 'Ada' });
    expect(read.isShared).toBe(false);
    expect((read.value as Counter).count()).toBe(1);
    expect((read.fresh() as Counter).count()).toBe(1);
  });

  it('shares what a function makes of plain data only', () => {
    const read = bothWays(aPipeline({ type: (plain: { a: number }) => ({ b: plain.a }) }), { a: 1 });
    expect(read).toMatchObject({ isShared: true, value: { b: 1 } });
    expect(Object.isFrozen(read.value)).toBe(true);
  });

  it('does not share what holds functions or itself', () => {
    const itself = (): unknown => {
      const object: Record<string, unknown> = {};
      return Object.assign(object, { object });
    };
    for (const type of [() => ({ run: () => 1 }), itself]) {
      expect(bothWays(aPipeline({ type }), { a: 1 }).isShared).toBe(false);
    }
  });

  it('takes the failure of a function as damage and keeps its error as the cause', () => {
    const cause = new Error('old shape');
    const error = errorOf(() =>
      aPipeline({
        type: () => {
          throw cause;
        },
      }).decode('{"secret":1}', 'json'),
    );
    expect(error).toMatchObject({ code: 'RC_DECODE_FAILED', cause });
    expect(error.message).toContain('type or schema failed (Error)');
    expect(error.message).not.toContain('secret');
  });

  it('tells classes of older compilers from functions', () => {
    function Old(this: { a: number }) {
      throw new Error('the constructor ran');
    }
    Old.prototype.twice = function (this: { a: number }) {
      return this.a * 2;
    };
    function Child() {}
    Object.setPrototypeOf(Child.prototype as object, Old.prototype as object);
    function convert(plain: { a: number }) {
      return { b: plain.a };
    }
    const revived = (type: unknown) =>
      bothWays(aPipeline({ type: type as never }), { a: 2 }).value as { twice(): number; b: number };
    expect(revived(Old).twice()).toBe(4);
    expect(revived(Child).twice()).toBe(4);
    expect(revived(class extends User {})).toBeInstanceOf(User);
    for (const type of [
      convert,
      convert.bind(null),
      { convert }.convert,
      async (plain: object) => Promise.resolve(plain),
    ]) {
      expect(() => revived(type)).not.toThrow();
    }
    expect(revived(convert).b).toBe(2);
    expect(revived(convert.bind(null)).b).toBe(2);
  });
});

describe('ValuePipeline, schema', () => {
  const schema = v.object({ name: v.pipe(v.string(), v.toUpperCase()), at: v.optional(v.date()) });

  it('gives the output of the schema', () => {
    expect(bothWays(aPipeline({ schema }), { name: 'Ada', other: 1 })).toMatchObject({
      value: { name: 'ADA' },
      isShared: true,
    });
    expect(bothWays(aPipeline({ schema }), { name: 'Ada', at: new Date(5) })).toMatchObject({
      value: { name: 'ADA', at: new Date(5) },
      isShared: false,
    });
  });

  it('shares what the schema made plain', () => {
    const toIso = v.object({
      at: v.pipe(
        v.date(),
        v.transform((at) => at.toISOString()),
      ),
    });
    expect(bothWays(aPipeline({ schema: toIso }), { at: new Date(5) }).isShared).toBe(true);
  });

  it('takes what does not fit as damage and names the path, not the value', () => {
    const error = errorOf(() =>
      aPipeline({ schema: v.object({ list: v.array(schema) }) }).decode('{"list":[{"name":12345}]}', 'json'),
    );
    expect(error.code).toBe('RC_DECODE_FAILED');
    expect(error.message).toContain('list.0.name');
    expect(error.message).not.toContain('12345');
    expect(String(error.cause)).not.toContain('12345');
  });

  it('leaves null and undefined', () => {
    expect(bothWays(aPipeline({ schema }), null).value).toBeNull();
    expect(bothWays(aPipeline({ schema }), undefined).value).toBeUndefined();
  });

  it('runs before type', () => {
    const user = bothWays(aPipeline({ schema, type: User }), { name: 'Ada' });
    expect((user.value as User).greet()).toBe('Hello ADA');
    expect(user.isShared).toBe(true);
  });

  it('does not change the object that a schema gives each time', () => {
    const fallback = { name: 'nobody' };
    const read = bothWays(aPipeline({ schema: v.fallback(v.object({ name: v.string() }), fallback), type: User }), {
      name: 5,
    });
    expect((read.value as User).greet()).toBe('Hello nobody');
    expect(Object.getPrototypeOf(fallback)).toBe(Object.prototype);
  });

  it('refuses an asynchronous schema', () => {
    const rejecting = {
      '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('later')) },
    } as StandardSchemaV1;
    expect(errorOf(() => bothWays(aPipeline({ schema: rejecting }), { a: 1 })).code).toBe('RC_INVALID_OPTION');
    expect(errorOf(() => bothWays(aPipeline({ schema: v.objectAsync({}) as never }), {})).code).toBe(
      'RC_INVALID_OPTION',
    );
  });
});
