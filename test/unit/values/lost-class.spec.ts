import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { Observable, Subject } from 'rxjs';
import * as v from 'valibot';
import type { Codec } from '../../../lib/codecs/codec.js';
import { JsonCodec } from '../../../lib/codecs/json-codec.js';
import { MsgpackCodec } from '../../../lib/codecs/msgpack-codec.js';
import { instanceOf, type ValueType } from '../../../lib/options/value-type.js';
import type { CacheError } from '../../../lib/shared/errors.js';
import { ValuePipeline, type ValuePolicy } from '../../../lib/values/value-pipeline.js';

class Order {
  constructor(readonly total = 5) {}
}
class User {
  constructor(
    readonly name = 'Ada',
    readonly orders: Order[] = [],
  ) {}
  greet() {
    return `Hello ${this.name}`;
  }
}
class Admin extends User {}
class Page {
  constructor(readonly items: User[]) {}
}
class Decimal {
  constructor(readonly digits: string) {}
  toJSON() {
    return this.digits;
  }
}

const keep = (value: unknown, type: ValueType | null = null, policy: Partial<ValuePolicy> = {}) => {
  const pipeline = new ValuePipeline({ codec: new JsonCodec(), type, schema: null, mutable: false, ...policy });
  return pipeline.comeBack(value, pipeline.encode(value)).value;
};

function refusalOf(action: () => unknown): CacheError {
  try {
    action();
  } catch (error) {
    return error as CacheError;
  }
  throw new Error('it was kept');
}

describe.each<[string, () => Codec]>([
  ['json', () => new JsonCodec()],
  ['msgpack', () => new MsgpackCodec()],
])('instances of classes, %s', (_, aCodec) => {
  const kept = (value: unknown, type: ValueType | null = null) => keep(value, type, { codec: aCodec() });

  it.each<[string, unknown, string]>([
    ['alone', new User(), 'It is an instance of User and would come back as a plain object'],
    ['in a list', [new User()], '[0] is an instance of User'],
    ['in a page', { items: [new User()], total: 1 }, 'items[0] is an instance of User'],
    ['of fields only', [{ order: new Order() }], '[0].order is an instance of Order'],
    ['in a Map', new Map([[1, new User()]]), 'entry 1'],
    ['in a Set', new Set([new User()]), 'entry 0'],
    ['of an array', class Users extends Array<number> {}.from([1]), 'an instance of Users'],
    ['of a Map', new (class Registry extends Map {})(), 'an instance of Registry'],
    [
      'with a toJSON',
      { price: new Decimal('5.00') },
      'price is an instance of Decimal and would come back as a string',
    ],
    ['of the language with a toJSON', { at: new URL('http://localhost') }, 'at is an instance of URL'],
    ['of no class', Object.create({ a: 1 }), 'an object with a prototype of its own'],
    [
      'that a toJSON of a plain object gives',
      { a: { toJSON: () => ({ user: new User() }) } },
      'user is an instance of User',
    ],
  ])('are not kept where no type states them: %s', (__, value, message) => {
    const error = refusalOf(() => kept(value));
    expect(error.code).toBe('RC_CLASS_LOST');
    expect(error.message).toContain(message);
    expect(error.message).toContain('@Exclude()');
    expect(error.message).toContain(`type: 'plain' accepts the loss`);
  });

  it.each<[unknown, string]>([
    [new User(), 'type: User,'],
    [[new User()], 'type: [User],'],
    [{ items: [new User()] }, 'type: { items: [User] },'],
    [[[new User()], 1], 'type: [User],'],
    [{ 'first-user': new User() }, 'type: { "first-user": User },'],
    [new Map([[1, new User()]]), 'a function of the plain value as type,'],
  ])('are told with the type that states them: %#', (value, cure) => {
    expect(refusalOf(() => kept(value)).message).toContain(`Say what comes back: ${cure}`);
  });

  it('names the class around one whose field holds another', () => {
    const { message } = refusalOf(() => kept(new User('Ada', [new Order()]), User));
    expect(message).toContain('orders[0] is an instance of Order');
    expect(message).toContain('type: instanceOf(User, { orders: [Order] })');
  });

  it('come back where type states them', () => {
    expect((kept(new User(), User) as User).greet()).toBe('Hello Ada');
    expect(kept([new User()], User)).toEqual([new User()]);
    expect(kept([new User()], [User])).toEqual([new User()]);
    expect(kept([], [User])).toEqual([]);
    const page = kept({ items: [new User()], total: 1 }, { items: [User] }) as { items: User[]; total: number };
    expect(page.items[0]).toBeInstanceOf(User);
    expect(page.total).toBe(1);
    const [[first], count] = kept([[new User()], 1], [[User], 'plain']) as [[User], number];
    expect(first).toBeInstanceOf(User);
    expect(count).toBe(1);
  });

  it('come back with the instances in their fields', () => {
    const type = instanceOf(Page, { items: [instanceOf(User, { orders: [Order] })] });
    const page = kept(new Page([new User('Bob', [new Order(7)])]), type) as Page;
    expect(page).toBeInstanceOf(Page);
    expect(page.items[0]!.greet()).toBe('Hello Bob');
    expect(page.items[0]!.orders[0]).toBeInstanceOf(Order);
  });

  it('leave null and undefined in each place', () => {
    for (const type of [User, [User], { items: [User] }, instanceOf(User, { orders: [Order] })]) {
      expect(kept(null, type)).toBeNull();
      expect(kept(undefined, type)).toBeUndefined();
    }
    expect(kept({ items: null }, { items: [User] })).toEqual({ items: null });
    expect(kept({ total: 0 }, { items: [User] })).toEqual({ total: 0 });
    expect(kept([null, new User()], [User])).toEqual([null, new User()]);
  });

  it('are not kept where type says another class', () => {
    const { code, message } = refusalOf(() => kept(new Admin(), User));
    expect(code).toBe('RC_CLASS_LOST');
    expect(message).toContain('an instance of Admin and would come back as an instance of User');
    expect(message).toContain('`type` says User.');
    expect(refusalOf(() => kept([new User(), new Admin()], [User])).message).toContain('[1] is an instance of Admin');
    expect(refusalOf(() => kept({ user: new User(), items: [new User()] }, { items: [User] })).message).toContain(
      'user is',
    );
  });

  it.each<[ValueType, unknown]>([
    [[User], new User()],
    [{ items: [User] }, 5],
    [User, [5]],
  ])('are not kept where the value has not the form of type: %#', (type, value) => {
    expect(refusalOf(() => kept(value, type)).code).toMatch(/RC_DECODE_FAILED|RC_CLASS_LOST/);
  });

  it('give plain rows the class that type states', () => {
    expect(kept([{ name: 'Ada', orders: [] }], [User])).toEqual([new User()]);
  });

  it('come back plain where plain is stated, there alone', () => {
    expect(Object.getPrototypeOf(kept(new User(), 'plain'))).toBe(Object.prototype);
    const mixed = kept({ user: new User(), order: new Order() }, { user: 'plain', order: Order }) as { order: Order };
    expect(mixed.order).toBeInstanceOf(Order);
    expect(refusalOf(() => kept({ user: new User(), order: new Order() }, { user: 'plain' })).message).toContain(
      'order is an instance of Order',
    );
  });

  it('are what a function makes', () => {
    const type = (plain: { name: string }) => new User(plain.name);
    expect(kept(new User('Bob'), type)).toEqual(new User('Bob'));
    expect(kept({ items: [new User()] }, { items: [type] })).toEqual({ items: [new User()] });
  });
});

describe('what holds more than a copy reaches', () => {
  class Money {
    #cents = 500;
    get cents() {
      return this.#cents;
    }
  }
  class Account extends Money {
    currency = 'EUR';
  }
  const states = new WeakMap<object, number>();
  class Hidden {
    currency = 'EUR';
    constructor() {
      states.set(this, 5);
    }
  }
  class Shell {
    get cents() {
      return 5;
    }
  }

  it.each<[string, unknown, string]>([
    ['#private fields', new Money(), '#private'],
    ['#private fields of a parent', new Account(), '#private'],
    ['a WeakMap', new Hidden(), 'WeakMap'],
    ['a WeakMap that no source shows', new Shell(), 'no fields of its own'],
    ['a stream', new PassThrough(), 'a stream'],
    ['an emitter', new EventEmitter(), 'an emitter'],
    ['a class that extends an emitter', new (class Bus extends EventEmitter {})(), 'an emitter'],
    ['an Observable', new Observable(), 'an Observable'],
    ['a Subject', new Subject(), 'an Observable'],
    ['a function', () => 1, 'a function'],
  ])('is never kept, whatever type says: %s', (_, value, what) => {
    const { constructor } = Object.getPrototypeOf(value) as { constructor: new () => object };
    const types: (ValueType | null)[] = [null, 'plain', () => ({})];
    if (typeof value === 'object') types.push(constructor);
    for (const type of types) {
      for (const content of [value, { a: [value] }]) {
        const { code, message } = refusalOf(() => keep(content, type));
        expect(code).toBe('RC_ENCODE_FAILED');
        expect(message).toContain(what);
      }
    }
  });

  it('is what its toJSON gives, where that is accepted', () => {
    class Price {
      #cents = 500;
      toJSON() {
        return this.#cents;
      }
    }
    expect(keep({ price: new Price() }, 'plain')).toEqual({ price: 500 });
    expect(refusalOf(() => keep({ price: new Price() })).code).toBe('RC_CLASS_LOST');
  });

  it('is not taken for it by text, a comment, or a Reflect call', () => {
    class Plain {
      color = '#fff';
      constructor() {
        // this.#x, map.set(this, 1)
        Reflect.set(this, 'a', `#${1}`);
      }
    }
    expect(keep(new Plain(), Plain)).toBeInstanceOf(Plain);
  });
});

describe('rows of drivers', () => {
  const rowOf = (name: string, fields: object): object => {
    const Row = { [name]: class {} }[name]!;
    return Object.assign(new Row(), fields);
  };

  it.each(['TextRow', 'BinaryRow', 'RowDataPacket', 'OkPacket', 'ResultSetHeader'])(
    'need no word: %s of mysql2',
    (name) => {
      expect(keep([rowOf(name, { id: 1 })])).toEqual([{ id: 1 }]);
    },
  );

  it('need no word: rows without a prototype, as of node:sqlite', () => {
    expect(keep([Object.assign(Object.create(null) as object, { id: 1 })])).toEqual([{ id: 1 }]);
  });

  it('need no word: the list of postgres.js', () => {
    class Result extends Array<unknown> {
      static override get [Symbol.species]() {
        return Array;
      }
    }
    const rows = new Result();
    rows.push({ id: 1 });
    Object.defineProperties(rows, { command: { value: 'SELECT' }, columns: { value: [] } });
    expect(keep(rows)).toEqual([{ id: 1 }]);
    expect(refusalOf(() => keep(new Result())).code).toBe('RC_CLASS_LOST');
  });

  it('are not taken for entities of the same name', () => {
    class TextRow extends User {}
    expect(refusalOf(() => keep(new TextRow())).code).toBe('RC_CLASS_LOST');
    class BinaryRow {
      id = 1;
    }
    Reflect.defineMetadata('design:type', Number, BinaryRow.prototype, 'id');
    expect(refusalOf(() => keep(new BinaryRow())).code).toBe('RC_CLASS_LOST');
    expect(refusalOf(() => keep([rowOf('TextRow', { user: new User() })])).message).toContain('[0].user');
  });
});

describe('other ways back', () => {
  it('is a schema that makes the same class', () => {
    const schema = v.pipe(
      v.object({ name: v.string() }),
      v.transform(({ name }) => new User(name)),
    );
    expect(keep(new User(), null, { schema })).toEqual(new User());
    const plain = v.object({ name: v.string() });
    expect(refusalOf(() => keep(new User(), null, { schema: plain })).code).toBe('RC_CLASS_LOST');
    expect(keep({ name: 'Ada', by: new User() }, null, { schema: plain })).toEqual({ name: 'Ada' });
  });

  it('is a codec that keeps classes, and no other of the application', () => {
    const users = new Map<string, unknown>();
    const keeps: Codec = {
      id: 'mine',
      binary: false,
      encode: (value) => {
        users.set('1', value);
        return { payload: '1', meta: '' };
      },
      decode: (payload) => ({ value: users.get(payload as string), freezable: false }),
    };
    const loses: Codec = {
      ...keeps,
      encode: (value) => ({ payload: JSON.stringify(value), meta: '' }),
      decode: (payload) => ({ value: JSON.parse(payload as string), freezable: true }),
    };
    const itself = new User();
    expect(keep(itself, null, { codec: keeps })).toBe(itself);
    expect(refusalOf(() => keep({ a: itself }, null, { codec: loses })).code).toBe('RC_CLASS_LOST');
    expect(keep({ a: [1, 'x', null] }, null, { codec: loses })).toEqual({ a: [1, 'x', null] });
  });
});
