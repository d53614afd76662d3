import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import type { CacheOperation } from '../../../lib/operations/cache-operation.js';
import { CacheConfig } from '../../../lib/operations/cache-config.decorator.js';
import { CacheEvict } from '../../../lib/operations/cache-evict.decorator.js';
import { CachePut } from '../../../lib/operations/cache-put.decorator.js';
import { Cacheable } from '../../../lib/operations/cacheable.decorator.js';
import { configOf, declaredMethodsOf, methodsOf, statedConfigOf } from '../../../lib/operations/operation-metadata.js';

type Decorate = (target: object, name: string | symbol, descriptor: PropertyDescriptor) => void;

/** Applies decorators as TypeScript does, from the last to the first, to what the types would refuse. */
function decorate(prototype: object, name: string | symbol, ...decorators: unknown[]): PropertyDescriptor {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!;
  for (const decorator of [...decorators].reverse()) (decorator as Decorate)(prototype, name, descriptor);
  Object.defineProperty(prototype, name, descriptor);
  return descriptor;
}

const passThrough = (mark: string) => (_target: object, _name: string | symbol, descriptor: PropertyDescriptor) => {
  const inner = descriptor.value as (...args: unknown[]) => unknown;
  descriptor.value = function (this: unknown, ...args: unknown[]) {
    return inner.apply(this, args);
  };
  (descriptor.value as { mark?: string }).mark = mark;
};

const kinds = (operations: readonly CacheOperation[]) => operations.map(({ kind }) => kind);

describe('decorators', () => {
  it('declare operations as data, outermost first, and wrap the method once', () => {
    class Users {
      @Cacheable({ region: 'a', key: (id: number) => id })
      @CachePut({ key: '{id}' })
      @CacheEvict({ key: (id: number) => id, keys: (id: number) => [id, [id, 'x']], tags: ['t'] })
      async find(id: number) {
        return id;
      }
    }
    const [method, ...others] = declaredMethodsOf(Users.prototype);
    expect(others).toEqual([]);
    expect(method).toMatchObject({ name: 'find', keyName: 'find', where: 'Users.find', prototype: Users.prototype });
    const [cacheable, put, evict] = method!.operations;
    expect(kinds(method!.operations)).toEqual(['cacheable', 'put', 'evict']);
    expect(cacheable?.kind === 'cacheable' && cacheable.key!.identify(cacheable.key!.decide([7]))).toBe('7');
    expect(put?.kind === 'put' && put.key.identify(put.key.decide([8]))).toBe('8');
    expect(evict?.kind === 'evict' && evict.identifyAll!([9])).toEqual(['9', '9', '9:x']);
  });

  it('keep name, length, metadata and own properties of the method', () => {
    class Users {
      async find(_id: number, _more: string) {}
    }
    const original = Users.prototype.find;
    Reflect.defineMetadata('path', '/users', original);
    Object.assign(original, { extra: 1 });
    decorate(Users.prototype, 'find', Cacheable());
    const wrapper = Users.prototype.find;
    expect(wrapper).not.toBe(original);
    expect(wrapper.name).toBe('find');
    expect(wrapper).toHaveLength(2);
    expect(Reflect.getMetadata('path', wrapper)).toBe('/users');
    expect(wrapper).toHaveProperty('extra', 1);
  });

  it('wrap again where the wrapper of another lies between', () => {
    class Users {
      async find(id: number) {
        return id;
      }
    }
    decorate(
      Users.prototype,
      'find',
      Cacheable({ region: 'outer' }),
      passThrough('other'),
      CacheEvict({ allEntries: true }),
      Cacheable({ region: 'inner' }),
    );
    expect(declaredMethodsOf(Users.prototype).map(({ operations }) => kinds(operations))).toEqual([
      ['evict', 'cacheable'],
      ['cacheable'],
    ]);
    expect(Users.prototype.find).toHaveProperty('mark', 'other');
  });

  it('read templates against the method below the wrapper of this module', () => {
    class Users {
      @Cacheable({ key: '{userId}' })
      @CacheEvict({ key: '{userId}' })
      async find(userId: number) {
        return userId;
      }
    }
    expect(declaredMethodsOf(Users.prototype)[0]!.operations).toHaveLength(2);
  });

  it('do not share what a child declares with its parent', () => {
    class Parent {
      @Cacheable() async find() {}
    }
    class Child extends Parent {
      @Cacheable() override async find() {}
      @Cacheable() async list() {}
    }
    expect(declaredMethodsOf(Parent.prototype).map(({ where }) => where)).toEqual(['Parent.find']);
    expect(methodsOf(Child.prototype).map(({ where }) => where)).toEqual(['Child.find', 'Child.list', 'Parent.find']);
  });

  it('leave the parent alone when they are put on an inherited method', () => {
    class Parent {
      @Cacheable() async find() {}
    }
    class Child extends Parent {}
    const descriptor = { ...Object.getOwnPropertyDescriptor(Parent.prototype, 'find')! };
    (CacheEvict({ allEntries: true }) as Decorate)(Child.prototype, 'find', descriptor);
    expect(declaredMethodsOf(Parent.prototype)[0]!.operations).toHaveLength(1);
    expect(declaredMethodsOf(Child.prototype).map(({ operations }) => kinds(operations))).toEqual([['evict']]);
  });

  it('number symbol methods, since two symbols may have one description', () => {
    const [a, b] = [Symbol('x'), Symbol('x')];
    class Users {
      @Cacheable() async [a]() {}
      @Cacheable() async [b]() {}
      @Cacheable() async x() {}
    }
    expect(declaredMethodsOf(Users.prototype).map(({ keyName, where }) => [keyName, where])).toEqual([
      ['@x#0', 'Users.[Symbol(x)]'],
      ['@x#1', 'Users.[Symbol(x)]'],
      ['x', 'Users.x'],
    ]);
  });

  it('leave the options of the application as they are', () => {
    const options = { region: 'a' };
    class Users {
      @Cacheable(options) async find() {}
    }
    expect(options).not.toBe(declaredMethodsOf(Users.prototype)[0]!.operations[0]!.options);
    expect(Object.isFrozen(options)).toBe(false);
  });
});

describe('the keys of @CacheEvict', () => {
  const identify = (keys: unknown, ...args: unknown[]) => {
    class Users {
      async remove(..._args: unknown[]) {}
    }
    decorate(Users.prototype, 'remove', CacheEvict({ keys: keys as () => [] }));
    const [operation] = declaredMethodsOf(Users.prototype)[0]!.operations;
    return operation?.kind === 'evict' && operation.identifyAll!(args, { tenant: 'x' });
  };

  it('have the instance as this', () => {
    const keys = function (this: { tenant: string }, id: number) {
      return [[this.tenant, id]];
    };
    expect(identify(keys, 7)).toEqual(['x:7']);
    expect(identify(() => [])).toEqual([]);
  });

  it.each<[unknown, string]>([
    [undefined, 'got undefined'],
    ['abc', 'got "abc"'],
    [new Set([1]), 'got an object (Set)'],
    [Promise.reject(new Error('late')), 'got a promise'],
  ])('refuse %p, and name the method', (list, message) => {
    expect(() => identify(() => list)).toThrow(expect.objectContaining({ code: 'RC_INVALID_KEY' }));
    expect(() => identify(() => list)).toThrow(
      `The function 'keys' of Users.remove must return an array of keys, and no promise; ${message}`,
    );
  });

  it('refuse promises in the array, and name the method where they throw', () => {
    expect(() => identify(() => [1, Promise.reject(new Error('late'))])).toThrow('The key of Users.remove must be');
    const cause = new TypeError('boom');
    const failing = () => {
      throw cause;
    };
    expect(() => identify(failing)).toThrow(expect.objectContaining({ code: 'RC_OPTION_FUNCTION', cause }));
    expect(() => identify(failing)).toThrow("The function 'keys' of Users.remove failed before the method ran");
  });
});

describe('@CacheConfig', () => {
  it('is found on the class itself, else on the nearest parent', () => {
    @CacheConfig({ region: 'a', ttl: '1m' })
    class Parent {}
    class Child extends Parent {}
    @CacheConfig({ region: 'b' })
    class Other extends Parent {}
    expect(configOf(Child)).toEqual({ region: 'a', ttl: '1m' });
    expect(statedConfigOf(Child)).toMatchObject({ statedBy: Parent });
    expect(configOf(Other)).toEqual({ region: 'b' });
    expect(statedConfigOf(class {})).toBeNull();
    expect(configOf(class {})).toEqual({});
  });

  it.each<[object, string]>([
    [{ regoin: 'a' }, '@CacheConfig on Users: regoin is not an option, got "a". Did you mean "region"?'],
    [{ region: 'a:b' }, '@CacheConfig on Users: region must be 1 to 100'],
    [{ ttl: Infinity }, '@CacheConfig on Users: ttl must be a duration, got Infinity'],
    [{ cache: 'a b' }, '@CacheConfig on Users: cache must be'],
  ])('refuses %j', (options, message) => {
    class Users {}
    expect(() => CacheConfig(options)(Users)).toThrow(message);
    expect(() => CacheConfig(options)(Users)).toThrow(expect.objectContaining({ code: 'RC_INVALID_OPTION' }));
  });
});

describe('bad targets', () => {
  class Users {
    static async all() {}
    get first() {
      return 1;
    }
    *rows() {}
    async *pages() {}
    async find(_id: number) {}
    count() {
      return 1;
    }
  }
  const cacheable = Cacheable() as unknown as Decorate;

  it.each<[string, () => void, string]>([
    [
      'a static method',
      () => decorate(Users, 'all', cacheable),
      '@Cacheable cannot be used on Users.all: it is static',
    ],
    [
      'a getter',
      () => decorate(Users.prototype, 'first', cacheable),
      '@Cacheable cannot be used on Users.first: it is an accessor',
    ],
    ['a generator', () => decorate(Users.prototype, 'rows', cacheable), 'Users.rows: it is a generator'],
    ['an async generator', () => decorate(Users.prototype, 'pages', cacheable), 'Users.pages: it is a generator'],
    [
      'a property',
      () => cacheable(Users.prototype, 'size', undefined as never),
      'Users.size: it is a property, or an abstract method',
    ],
    ['a property of a value', () => cacheable(Users.prototype, 'size', { value: 1 }), 'Users.size: it is not a method'],
  ])('refuse %s', (_case, act, message) => {
    expect(act).toThrow(expect.objectContaining({ code: 'RC_DECORATOR_TARGET' }));
    expect(act).toThrow(message);
  });

  it('refuse a second @CacheConfig on one class, of which one would be lost', () => {
    class Users {}
    CacheConfig({ region: 'profile' })(Users);
    const again = () => CacheConfig({ ttl: '5m' })(Users);
    expect(again).toThrow(expect.objectContaining({ code: 'RC_DECORATOR_TARGET' }));
    expect(again).toThrow('@CacheConfig stands twice on Users');
    class Admins extends Users {}
    expect(() => CacheConfig({ region: 'admins' })(Admins)).not.toThrow();
    expect(configOf(Users)).toEqual({ region: 'profile' });
  });

  it('refuse a class, and tell where they belong', () => {
    const act = () => (cacheable as unknown as (type: unknown) => void)(Users);
    expect(act).toThrow(expect.objectContaining({ code: 'RC_DECORATOR_TARGET' }));
    expect(act).toThrow('@Cacheable cannot be used on the class Users: methods are cached. Put it on each of them');
  });

  it.each<[string, (...given: never[]) => unknown, string]>([
    ['Cacheable', Cacheable, '@Cacheable()'],
    ['CachePut', CachePut, '@CachePut({ … })'],
    ['CacheEvict', CacheEvict, '@CacheEvict({ … })'],
    ['CacheConfig', CacheConfig, '@CacheConfig({ … })'],
  ])('refuse @%s without parentheses', (name, decorator, cure) => {
    const bare = decorator as (...given: unknown[]) => unknown;
    const onMethod = () => bare(Users.prototype, 'find', Object.getOwnPropertyDescriptor(Users.prototype, 'find'));
    expect(onMethod).toThrow(expect.objectContaining({ code: 'RC_DECORATOR_TARGET' }));
    expect(onMethod).toThrow(`@${name} is used without parentheses on Users.find. Write ${cure}.`);
    expect(() => bare(Users)).toThrow(`@${name} is used without parentheses on Users. Write ${cure}.`);
    expect(() => bare(Users.prototype.find, { kind: 'method', name: 'find' })).toThrow('without parentheses on find');
  });

  it.each([Number, String, Boolean, Array, Date])('refuse a method that declares to return %p', (type) => {
    Reflect.defineMetadata('design:returntype', type, Users.prototype, 'count');
    expect(() => decorate(Users.prototype, 'count', cacheable)).toThrow(
      `it returns ${type.name}, not a promise. Make it async`,
    );
  });

  it.each([Promise, Object, undefined, class Later extends Promise<unknown> {}])(
    'take a method that declares to return %p',
    (type) => {
      class Fine {
        async find() {}
      }
      Reflect.defineMetadata('design:returntype', type, Fine.prototype, 'find');
      expect(() => decorate(Fine.prototype, 'find', cacheable)).not.toThrow();
    },
  );

  it('say what to set when decorators follow the standard protocol', () => {
    const standard = cacheable as unknown as (value: unknown, context: object) => void;
    expect(() => standard(async () => 1, { kind: 'method', name: 'find' })).toThrow('"experimentalDecorators": true');
  });
});

describe('bad options', () => {
  it.each<[string, (options: never) => unknown, object, string]>([
    [
      'Cacheable',
      Cacheable,
      { regoin: 'x' },
      '@Cacheable on Users.find: regoin is not an option, got "x". Did you mean "region"?',
    ],
    ['Cacheable', Cacheable, { ttl: 'soon' }, '@Cacheable on Users.find: ttl must be a duration such as'],
    ['Cacheable', Cacheable, { ttl: 0 }, '@Cacheable on Users.find: ttl must be longer than 0'],
    ['Cacheable', Cacheable, { jitter: 2 }, '@Cacheable on Users.find: jitter must be a number from 0 to 1, got 2.'],
    [
      'Cacheable',
      Cacheable,
      { key: 5 },
      `@Cacheable on Users.find: key must be a function of the arguments, or a template such as '{id}', got 5.`,
    ],
    [
      'Cacheable',
      Cacheable,
      { tags: 'org' },
      '@Cacheable on Users.find: tags must be an array of strings, or a function',
    ],
    ['Cacheable', Cacheable, { condition: true }, '@Cacheable on Users.find: condition must be a function, got true.'],
    [
      'Cacheable',
      Cacheable,
      { type: Date },
      '@Cacheable on Users.find: type must be a class of yours, [User], { items: [User] }',
    ],
    ['Cacheable', Cacheable, { type: Map }, 'come back by themselves), got a function (Map).'],
    ['Cacheable', Cacheable, { region: 'a:b' }, '@Cacheable on Users.find: region must be 1 to 100'],
    ['CachePut', CachePut, {}, '@CachePut on Users.find: key is missing. Give the key under which the result is put'],
    [
      'CacheEvict',
      CacheEvict,
      {},
      '@CacheEvict on Users.find does not say what to evict. Give key, keys, tags, or allEntries: true.',
    ],
    ['CacheEvict', CacheEvict, { allEntries: false }, 'does not say what to evict'],
    ['CacheEvict', CacheEvict, { key: '{id}', allEntries: true }, 'has allEntries and a key'],
    ['CacheEvict', CacheEvict, { key: '{id}', strict: true, beforeInvocation: true }, 'is strict and beforeInvocation'],
    ['CacheEvict', CacheEvict, { tags: ['a'], strict: true }, 'is strict, which fences keys'],
    ['CacheEvict', CacheEvict, { allEntries: true, strict: true }, 'is strict, which fences keys'],
    ['CacheEvict', CacheEvict, { key: '{id}', strict: true, version: () => 1 }, 'is strict and has a version'],
    ['CacheEvict', CacheEvict, { tags: ['a'], version: () => 1 }, 'has a version, which only keys can be compared by'],
  ])('of @%s are refused: %#', (_name, decorator, options, message) => {
    class Users {
      async find(_id: number) {}
    }
    const act = () => decorate(Users.prototype, 'find', decorator(options as never));
    expect(act).toThrow(expect.objectContaining({ code: 'RC_INVALID_OPTION' }));
    expect(act).toThrow(message);
  });

  it('names a placeholder that does not exist, when the class is read', () => {
    const act = () => {
      class Users {
        @Cacheable({ key: '{userId}' }) async find(userid: number) {
          return userid;
        }
      }
      return Users;
    };
    expect(act).toThrow(
      `The key template '{userId}' of Users.find names {userId}, but the method has no parameter "userId". Did you mean {userid}?`,
    );
  });
});
