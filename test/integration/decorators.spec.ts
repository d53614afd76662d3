import 'reflect-metadata';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  Controller,
  Get,
  Header,
  Inject,
  Injectable,
  Module,
  NotFoundException,
  Param,
  Scope,
  SetMetadata,
  type Type,
} from '@nestjs/common';
import {
  type ContextId,
  ContextIdFactory,
  DiscoveryService,
  LazyModuleLoader,
  ModuleRef,
  Reflector,
  REQUEST,
} from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cacheable,
  CacheConfig,
  CacheEvict,
  CachePut,
  RedisCache,
  RedisCacheModule,
  getCacheToken,
} from '../../lib/index.js';

const open: TestingModule[] = [];

/** An application on the embedded store with these providers. */
async function anApplication(...providers: NonNullable<Parameters<typeof Test.createTestingModule>[0]['providers']>) {
  const app = await Test.createTestingModule({ imports: [RedisCacheModule.forRoot({ service: 'user' })], providers })
    .setLogger(false as never)
    .compile();
  open.push(app);
  await app.init();
  return app;
}

afterEach(async () => {
  ContextIdFactory.apply(undefined as never);
  await Promise.all(open.splice(0).map((app) => app.close()));
});

/** Counts its loads, so that a cached answer shows. */
@Injectable()
class Users {
  loads = 0;

  @Cacheable({ shared: true })
  async find(id: number | string) {
    return { id, loads: ++this.loads };
  }
}

async function expectCached(find: (id: number) => Promise<unknown>): Promise<void> {
  const first = await find(1);
  expect(await find(1)).toEqual(first);
  expect(await find(2)).not.toEqual(first);
}

describe('a cached method', () => {
  it('is called once per list of arguments', async () => {
    const users = (await anApplication(Users)).get(Users);
    await expectCached((id) => users.find(id));
    expect(await users.find('1')).toEqual({ id: '1', loads: 3 });
    expect(users.loads).toBe(3);
  });

  it('goes straight through on an instance made by new', async () => {
    await anApplication(Users);
    const users = new Users();
    expect(await users.find(1)).toEqual({ id: 1, loads: 1 });
    expect(await users.find(1)).toEqual({ id: 1, loads: 2 });
  });

  it('goes straight through while its constructor runs', async () => {
    @Injectable()
    class Eager extends Users {
      readonly first = this.find(1);
    }
    const eager = (await anApplication(Eager)).get(Eager);
    expect(await eager.first).toEqual({ id: 1, loads: 1 });
    expect(await eager.find(1)).toEqual({ id: 1, loads: 2 });
    expect(await eager.find(1)).toEqual({ id: 1, loads: 2 });
  });

  it("passes the method's exception through, the same object, and caches none", async () => {
    const missing = new NotFoundException();
    @Injectable()
    class Failing {
      calls = 0;
      @Cacheable()
      async find(_id: number) {
        this.calls += 1;
        throw missing;
      }
    }
    const failing = (await anApplication(Failing)).get(Failing);
    await expect(failing.find(1)).rejects.toBe(missing);
    await expect(failing.find(1)).rejects.toBe(missing);
    expect(failing.calls).toBe(2);
  });

  it('may call itself with the same key inside its own load', async () => {
    @Injectable()
    class Recursive {
      depth = 0;
      @Cacheable({ key: (id: number) => id })
      async find(id: number): Promise<number> {
        return this.depth++ < 3 ? this.find(id) : id;
      }
    }
    const recursive = (await anApplication(Recursive)).get(Recursive);
    expect(await recursive.find(7)).toBe(7);
    expect(await recursive.find(7)).toBe(7);
    expect(recursive.depth).toBe(4);
  });

  it('rejects when its key cannot be made, and says what to do', async () => {
    @Injectable()
    class Bad {
      @Cacheable({ key: (user: { id?: number }) => user.id as number })
      async byKey(_user: { id?: number }) {}
      @Cacheable()
      async byDefault(_callback: unknown) {}
      @Cacheable({ region: 'templates', key: '{_user.id}' })
      async byTemplate(_user: { id?: number }) {}
    }
    const bad = (await anApplication(Bad)).get(Bad);
    for (const id of [undefined, NaN, {}]) {
      await expect(bad.byTemplate({ id: id as number })).rejects.toMatchObject({ code: 'RC_INVALID_KEY' });
      await expect(bad.byKey({ id: id as number })).rejects.toMatchObject({ code: 'RC_INVALID_KEY' });
    }
    await expect(bad.byDefault(() => undefined)).rejects.toThrow(
      'Argument 0 of Bad.byDefault (a function) cannot be part of a default key',
    );
  });

  it('keeps arguments with separators, control characters and 1 MB apart', async () => {
    const users = (await anApplication(Users)).get(Users);
    const ids = [
      'a:b',
      'a',
      'b',
      '{a}',
      '%3a',
      '\n',
      '\0',
      '\ud800',
      '\ufffd',
      '',
      'x'.repeat(1_000_000),
      'x'.repeat(1_000_001),
      '__proto__',
    ];
    for (const id of ids) expect((await users.find(id)).id).toBe(id);
    for (const id of ids) expect((await users.find(id)).id).toBe(id);
    expect(users.loads).toBe(ids.length);
  });
});

describe('scopes', () => {
  it('caches for REQUEST-scoped, TRANSIENT and durable providers, over all their instances', async () => {
    let loads = 0;
    class Counting {
      @Cacheable({ shared: true })
      async find(id: number) {
        return { id, loads: ++loads };
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest extends Counting {}
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Durable extends Counting {}
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient extends Counting {}
    const app = await anApplication(PerRequest, Durable, Transient);
    for (const type of [PerRequest, Durable, Transient] as Type<Counting>[]) {
      const [a, b] = [
        await app.resolve(type, ContextIdFactory.create()),
        await app.resolve(type, ContextIdFactory.create()),
      ];
      expect(a).not.toBe(b);
      expect(await b.find(1)).toEqual(await a.find(1));
    }
    expect(loads).toBe(3);
  });

  it('caches for durable providers of tenants: the instance is the tenant, the key has to name it', async () => {
    interface TenantRequest {
      readonly tenant: string;
    }
    const tenants = new Map<string, ContextId>();
    ContextIdFactory.apply({
      attach: (contextId, { tenant }: TenantRequest) => {
        const shared = tenants.get(tenant) ?? ContextIdFactory.create();
        tenants.set(tenant, shared);
        return { resolve: (info) => (info.isTreeDurable ? shared : contextId), payload: { tenant } };
      },
    });
    @Injectable({ scope: Scope.REQUEST, durable: true })
    @CacheConfig({ region: 'row' })
    class Rows {
      loads = 0;
      constructor(@Inject(REQUEST) readonly request: TenantRequest) {}
      read(id: number) {
        return this.find(this.request.tenant, id);
      }
      @Cacheable({ key: '{tenant}:{id}' })
      async find(tenant: string, id: number) {
        return { row: `${tenant}/${id}`, of: this.request.tenant, loads: ++this.loads };
      }
      @CacheEvict({ key: '{tenant}:{id}' })
      async remove(tenant: string, id: number) {
        return `${tenant}/${id}`;
      }
    }
    const app = await anApplication(Rows);
    const rowsOf = (tenant: string) => app.resolve(Rows, ContextIdFactory.getByRequest({ tenant }));
    const [a, aAgain, b] = [await rowsOf('a'), await rowsOf('a'), await rowsOf('b')];
    expect(aAgain).toBe(a);
    expect(b).not.toBe(a);
    for (let turn = 0; turn < 2; turn++) {
      expect(await a.read(1)).toEqual({ row: 'a/1', of: 'a', loads: 1 });
      expect(await b.read(1)).toEqual({ row: 'b/1', of: 'b', loads: 1 });
    }
    await b.remove('b', 1);
    expect(await a.read(1)).toMatchObject({ of: 'a', loads: 1 });
    expect(await b.read(1)).toMatchObject({ of: 'b', loads: 2 });
  });

  it('caches for instances of factories and values, which Nest injects nothing into', async () => {
    const value = new Users();
    const app = await anApplication(
      { provide: 'factory', useFactory: async () => new Users() },
      { provide: 'value', useValue: value },
      { provide: 'alias', useExisting: 'factory' },
    );
    const factory = app.get<Users>('factory');
    await expectCached((id) => factory.find(id));
    expect(await value.find(1)).toEqual(await factory.find(1));
    expect(app.get('alias')).toBe(factory);
  });

  it.each<[string, { scope?: Scope; inject?: unknown[] }]>([
    ['REQUEST', { scope: Scope.REQUEST }],
    ['TRANSIENT', { scope: Scope.TRANSIENT }],
    ['implicit', { inject: ['per request'] }],
  ])('caches and evicts for instances of factories of %s scope, one or a list of them', async (_scope, how) => {
    let loads = 0;
    @CacheConfig({ region: 'made' })
    class Made {
      @Cacheable({ key: '{id}' })
      async find(id: number) {
        return { id, loads: ++loads };
      }
      @CacheEvict({ key: '{id}' })
      async remove(id: number) {
        return id;
      }
    }
    const app = await anApplication(
      { provide: 'per request', scope: Scope.REQUEST, useFactory: () => ({}) },
      { provide: 'one', ...how, useFactory: () => new Made() } as never,
      { provide: 'later', ...how, useFactory: async () => new Made() } as never,
      { provide: 'several', ...how, useFactory: () => [null, new Made()] } as never,
      { provide: 'alias', useExisting: 'one' },
    );
    const made = async (token: string) => {
      const value = await app.resolve<Made | Made[]>(token, ContextIdFactory.create());
      return Array.isArray(value) ? value[1]! : value;
    };
    for (const token of ['one', 'later', 'several', 'alias']) {
      const [a, b] = [await made(token), await made(token)];
      expect(a).not.toBe(b);
      const first = await a.find(1);
      expect(await b.find(1)).toEqual(first);
      await b.remove(1);
      expect(await a.find(1)).not.toEqual(first);
    }
  });

  it('caches for what a transient factory made for a singleton', async () => {
    @Injectable()
    class Single {
      constructor(@Inject('users') readonly users: Users) {}
    }
    const app = await anApplication(Single, {
      provide: 'users',
      scope: Scope.TRANSIENT,
      useFactory: () => new Users(),
    });
    const { users } = app.get(Single);
    await expectCached((id) => users.find(id));
  });

  it('caches for each of a list that a factory returned, or a value is', async () => {
    const app = await anApplication(
      { provide: 'made', useFactory: async () => [new Users()] },
      { provide: 'given', useValue: [new Users(), 'no instance', null] },
    );
    for (const token of ['made', 'given']) {
      const [users] = app.get<[Users]>(token);
      await expectCached((id) => users.find(id));
    }
  });

  it('keeps a factory as it is for others who look at it', async () => {
    const makeUsers = () => new Users();
    const useFactory = Object.assign(makeUsers, { note: 'mine' });
    const app = await anApplication({ provide: 'users', scope: Scope.REQUEST, useFactory });
    const wrapper = app
      .get(DiscoveryService, { strict: false })
      .getProviders()
      .find(({ token }) => token === 'users')!;
    expect({ ...wrapper.metatype }).toEqual({ note: 'mine' });
    expect((wrapper.metatype as () => Users).name).toBe('makeUsers');
  });

  it('caches for a frozen instance', async () => {
    const state = { loads: 0 };
    class Frozen {
      constructor() {
        Object.freeze(this);
      }
      @Cacheable()
      async find(id: number) {
        return { id, loads: ++state.loads };
      }
    }
    const frozen = (await anApplication({ provide: 'frozen', useValue: new Frozen() })).get<Frozen>('frozen');
    await expectCached((id) => frozen.find(id));
    expect(Object.getOwnPropertyNames(frozen)).toEqual([]);
  });

  it('caches for an instance behind a Proxy', async () => {
    const app = await anApplication({ provide: 'proxied', useFactory: () => new Proxy(new Users(), {}) });
    const proxied = app.get<Users>('proxied');
    await expectCached((id) => proxied.find(id));
  });

  it('leaves no enumerable trace on an instance', async () => {
    const users = (await anApplication(Users)).get(Users);
    await users.find(1);
    expect({ ...users }).toEqual({ loads: 1 });
    expect(JSON.stringify(users)).toBe('{"loads":1}');
  });

  it('caches for lazy modules and for ModuleRef.create', async () => {
    @Injectable()
    class Lazy extends Users {}
    @Module({ providers: [Lazy] })
    class LazyModule {}
    class Created extends Users {}
    const app = await anApplication();
    const lazy = (await app.get(LazyModuleLoader, { strict: false }).load(() => LazyModule)).get(Lazy);
    await expectCached((id) => lazy.find(id));
    const created = await app.get(ModuleRef, { strict: false }).create(Created);
    await expectCached((id) => created.find(id));
  });
});

describe('the state of an instance', () => {
  it('is part of the key where a key function reads it', async () => {
    class Tenant {
      constructor(readonly name: string) {}
      @Cacheable({
        key(this: Tenant, id: number) {
          return [this.name, id];
        },
      })
      async find(id: number) {
        return `${this.name}-${id}`;
      }
      @CacheEvict({
        condition(this: Tenant) {
          return this.name === 'eu';
        },
        keys(this: Tenant, id: number) {
          return [[this.name, id]];
        },
      })
      async remove(id: number) {
        return id;
      }
    }
    const app = await anApplication(
      { provide: 'eu', useFactory: () => new Tenant('eu') },
      { provide: 'us', useFactory: () => new Tenant('us') },
    );
    const [eu, us] = [app.get<Tenant>('eu'), app.get<Tenant>('us')];
    expect([await eu.find(1), await us.find(1), await eu.find(1)]).toEqual(['eu-1', 'us-1', 'eu-1']);
    await us.remove(1);
    await eu.remove(1);
    expect(app.get(RedisCache).status().regions['Tenant']).toMatchObject({ evictions: 1 });
  });
});

describe('inheritance', () => {
  it('keeps an override and the method it calls by super apart', async () => {
    @Injectable()
    class Admins extends Users {
      @Cacheable()
      override async find(id: number) {
        return { ...(await super.find(id)), isAdmin: true };
      }
    }
    const admins = (await anApplication(Admins)).get(Admins);
    expect(await admins.find(1)).toEqual({ id: 1, loads: 1, isAdmin: true });
    expect(await admins.find(1)).toEqual({ id: 1, loads: 1, isAdmin: true });
    expect(await Users.prototype.find.call(admins, 1)).toEqual({ id: 1, loads: 1 });
  });

  it('lets an override and its parent share one explicit key', async () => {
    @CacheConfig({ region: 'shared' })
    class Parent {
      loads = 0;
      @Cacheable({ key: (id: number) => id })
      async find(id: number): Promise<object> {
        return { id, loads: ++this.loads };
      }
    }
    @Injectable()
    class Child extends Parent {
      @Cacheable({ key: (id: number) => id })
      override async find(id: number) {
        return { ...(await super.find(id)), isChild: true };
      }
    }
    const child = (await anApplication(Child)).get(Child);
    expect(await child.find(1)).toEqual({ id: 1, loads: 1, isChild: true });
    expect(await child.find(1)).toEqual({ id: 1, loads: 1, isChild: true });
  });

  it('does not let an override wait for itself when it calls super after an await', async () => {
    @CacheConfig({ region: 'shared' })
    class Parent {
      @Cacheable({ key: (id: number) => id })
      async find(id: number): Promise<object> {
        return { id };
      }
    }
    @Injectable()
    class Child extends Parent {
      @Cacheable({ key: (id: number) => id })
      override async find(id: number) {
        await new Promise(setImmediate);
        return { ...(await super.find(id)), isChild: true };
      }
    }
    const child = (await anApplication(Child)).get(Child);
    const beganAt = Date.now();
    expect(await Promise.all([child.find(1), child.find(1)])).toEqual(Array(2).fill({ id: 1, isChild: true }));
    expect(Date.now() - beganAt).toBeLessThan(3_000); // the lease is 10 s
  });

  it('caches an inherited method for each class by itself', async () => {
    @Injectable()
    class A extends Users {}
    @Injectable()
    class B extends Users {}
    const app = await anApplication(A, B);
    await app.get(A).find(1);
    expect(await app.get(B).find(1)).toEqual({ id: 1, loads: 1 });
    expect(app.get(B).loads).toBe(1);
  });

  it('caches for mixins, each by itself', async () => {
    const Counting = (step: number) => {
      @Injectable()
      class Mixed {
        loads = 0;
        @Cacheable()
        async find(id: number) {
          return { id, loads: (this.loads += step) };
        }
      }
      return Mixed;
    };
    @Injectable()
    class One extends Counting(1) {}
    @Injectable()
    class Ten extends Counting(10) {}
    const app = await anApplication(One, Ten);
    expect(await app.get(One).find(1)).toEqual({ id: 1, loads: 1 });
    expect(await app.get(Ten).find(1)).toEqual({ id: 1, loads: 10 });
    expect(await app.get(One).find(1)).toEqual({ id: 1, loads: 1 });
  });

  it('caches methods named by symbols, those of one description apart', async () => {
    const a: unique symbol = Symbol('x');
    const b: unique symbol = Symbol('x');
    @Injectable()
    class Symbols {
      loads = 0;
      @Cacheable() async [a]() {
        return `a${++this.loads}`;
      }
      @Cacheable() async [b]() {
        return `b${++this.loads}`;
      }
    }
    const symbols = (await anApplication(Symbols)).get(Symbols);
    expect([await symbols[a](), await symbols[b](), await symbols[a](), await symbols[b]()]).toEqual([
      'a1',
      'b2',
      'a1',
      'b2',
    ]);
  });
});

describe('stacking', () => {
  const upper = () => (_target: object, _name: string | symbol, descriptor: PropertyDescriptor) => {
    const inner = descriptor.value as (...args: unknown[]) => Promise<string>;
    descriptor.value = async function (this: unknown, ...args: unknown[]) {
      return (await inner.apply(this, args)).toUpperCase();
    };
  };

  it('works with the wrapper of another above, below and between', async () => {
    const log: string[] = [];
    @Injectable()
    class Stacked {
      @upper()
      @Cacheable({ region: 'above', key: (id: string) => id })
      async above(id: string) {
        log.push(id);
        return id;
      }
      @Cacheable({ region: 'below', key: (id: string) => id })
      @upper()
      async below(id: string) {
        log.push(id);
        return id;
      }
      @CacheEvict({ region: 'below', key: '{0}' })
      @upper()
      @Cacheable({ region: 'between', key: (id: string) => id })
      async between(id: string) {
        log.push(id);
        return id;
      }
    }
    const stacked = (await anApplication(Stacked)).get(Stacked);
    for (const name of ['above', 'below', 'between'] as const)
      expect([await stacked[name]('x'), await stacked[name]('x')]).toEqual(['X', 'X']);
    expect(log).toEqual(['x', 'x', 'x']);
    await stacked.below('x');
    expect(log).toHaveLength(4);
  });

  it('evicts, puts and reads together, in any order of the decorators', async () => {
    const rows = new Map([[1, 'v1']]);
    let reads = 0;
    @Injectable()
    @CacheConfig({ region: 'rows' })
    class Rows {
      @Cacheable({ key: (id: number) => id, tags: ['all'] })
      async find(id: number) {
        reads += 1;
        return rows.get(id) ?? null;
      }
      @CacheEvict({ region: 'lists', allEntries: true })
      @CachePut({ key: '{id}', tags: ['all'] })
      async update(id: number, row: string) {
        rows.set(id, row);
        return row;
      }
      @Cacheable({ region: 'lists' })
      async list() {
        reads += 1;
        return [...rows.values()];
      }
      @CacheEvict({ key: (id: number) => id, strict: true })
      @CacheEvict({ region: 'lists', allEntries: true })
      async remove(id: number) {
        rows.delete(id);
      }
      @CacheEvict({ tags: ['all'] })
      async evictAll() {}
      @CacheEvict({ keys: (ids: number[]) => ids, beforeInvocation: true })
      async evictBefore(ids: number[]) {
        throw new Error(`after ${ids}`);
      }
      @CacheEvict({ key: '{id}' })
      async failing(id: number) {
        throw new Error(`${id}`);
      }
    }
    const service = (await anApplication(Rows)).get(Rows);
    expect([await service.find(1), await service.list()]).toEqual(['v1', ['v1']]);
    await service.update(1, 'v2');
    expect([await service.find(1), await service.list()]).toEqual(['v2', ['v2']]);
    expect(reads).toBe(3); // the put served find
    await service.evictAll();
    expect(await service.find(1)).toBe('v2');
    expect(reads).toBe(4);
    await expect(service.failing(1)).rejects.toThrow('1');
    await service.find(1);
    expect(reads).toBe(4); // nothing is evicted after a failure
    await expect(service.evictBefore([1, 2])).rejects.toThrow('after 1,2');
    await service.find(1);
    expect(reads).toBe(5);
    await service.remove(1);
    expect([await service.find(1), await service.list()]).toEqual([null, []]);
  });

  it('serves an overloaded method, one of an abstract class, and what implements an abstract one', async () => {
    abstract class Repository {
      loads = 0;
      abstract select(id: number): Promise<{ id: number; load: number }>;

      @Cacheable({ region: 'found', key: (id: number) => id })
      async find(id: number) {
        return { ...(await this.select(id)) };
      }

      either(id: number): Promise<number>;
      either(name: string): Promise<string>;
      @Cacheable({ region: 'either', key: (id: number | string) => [typeof id, id] })
      async either(id: number | string): Promise<number | string> {
        this.loads += 1;
        return id;
      }
    }
    @Injectable()
    class Users extends Repository {
      @Cacheable<Users['select']>({ region: 'rows', key: (id) => id })
      override async select(id: number) {
        return { id, load: ++this.loads };
      }
    }
    const app = await Test.createTestingModule({
      imports: [RedisCacheModule.forRoot({ service: 'user' })],
      providers: [Users],
    }).compile();
    open.push(app);
    await app.init();
    const users = app.get(Users);
    expect([await users.find(1), await users.find(1), await users.select(1)]).toEqual(
      Array.from({ length: 3 }, () => ({ id: 1, load: 1 })),
    );
    expect([await users.either(1), await users.either('1'), await users.either(1), await users.either('1')]).toEqual([
      1,
      '1',
      1,
      '1',
    ]);
    expect(users.loads).toBe(3);
  });

  it('keeps one entry where a decorator stands twice on a method', async () => {
    @Injectable()
    class Twice {
      loads = 0;

      @Cacheable({ region: 'twice', key: (id: number) => id })
      @Cacheable({ region: 'twice', key: (id: number) => id })
      async find(id: number) {
        return { id, load: ++this.loads };
      }

      @CacheEvict({ region: 'twice', key: (id: number) => id, strict: true })
      @CacheEvict({ region: 'twice', key: (id: number) => id, strict: true })
      async remove(id: number) {
        return id;
      }
    }
    const app = await Test.createTestingModule({
      imports: [RedisCacheModule.forRoot({ service: 'user' })],
      providers: [Twice],
    }).compile();
    open.push(app);
    await app.init();
    const twice = app.get(Twice);
    expect([(await twice.find(1)).load, (await twice.find(1)).load]).toEqual([1, 1]);
    await twice.remove(1);
    expect([(await twice.find(1)).load, (await twice.find(1)).load]).toEqual([2, 2]);
  });

  it('reads through two caches, outermost first', async () => {
    @Injectable()
    class Twice {
      loads = 0;
      @Cacheable({ cache: 'near' })
      @Cacheable()
      async find(id: number) {
        return { id, loads: ++this.loads };
      }
    }
    const app = await Test.createTestingModule({
      imports: [
        RedisCacheModule.forRoot({ service: 'far' }),
        RedisCacheModule.forRoot({ name: 'near', service: 'near' }),
      ],
      providers: [Twice],
    })
      .setLogger(false as never)
      .compile();
    open.push(app);
    await app.init();
    const twice = app.get(Twice);
    await twice.find(1);
    await app.get<RedisCache>(getCacheToken('near')).clear();
    expect(await twice.find(1)).toEqual({ id: 1, loads: 1 });
    await app.get(RedisCache).clear();
    expect(await twice.find(1)).toEqual({ id: 1, loads: 1 });
  });

  it('honours condition, unless, ttl of the result and negativeTtl', async () => {
    @Injectable()
    class Choosy {
      calls: number[] = [];
      @Cacheable({
        region: 'a',
        key: '{0}',
        condition: (id: number) => id !== 1,
        unless: (result: number | null) => result === 2,
        negativeTtl: 0,
      })
      async find(id: number): Promise<number | null> {
        this.calls.push(id);
        return id === 3 ? null : id;
      }
    }
    const choosy = (await anApplication(Choosy)).get(Choosy);
    for (const id of [1, 1, 2, 2, 3, 3, 4, 4]) await choosy.find(id);
    expect(choosy.calls).toEqual([1, 1, 2, 2, 3, 3, 4]);
  });
});

describe('controllers', () => {
  it('caches handlers, and keeps what other decorators said', async () => {
    @Controller('users')
    class UsersController {
      loads = 0;
      @Get('a/:id')
      @Header('x-kept', 'yes')
      @Cacheable({ region: 'a', key: (id: string) => id })
      async above(@Param('id') id: string) {
        return { id, loads: ++this.loads };
      }
      @Cacheable({ region: 'b', key: '{id}' })
      @SetMetadata('role', 'admin')
      @Get('b/:id')
      async below(@Param('id') id: string) {
        return { id, loads: ++this.loads };
      }
    }
    const module = await Test.createTestingModule({
      imports: [RedisCacheModule.forRoot({ service: 'user' })],
      controllers: [UsersController],
    }).compile();
    open.push(module);
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    try {
      const url = await app.getUrl();
      const get = async (path: string) => {
        const response = await fetch(`${url}/users/${path}`);
        return [await response.json(), response.headers.get('x-kept')];
      };
      expect([await get('a/1'), await get('a/1')]).toEqual([
        [{ id: '1', loads: 1 }, 'yes'],
        [{ id: '1', loads: 1 }, 'yes'],
      ]);
      expect([await get('b/1'), await get('b/1')]).toEqual([
        [{ id: '1', loads: 2 }, null],
        [{ id: '1', loads: 2 }, null],
      ]);
      expect(module.get(Reflector).get('role', UsersController.prototype.below)).toBe('admin');
    } finally {
      await app.close();
    }
  });
});

describe('two applications in one process', () => {
  it('have two caches', async () => {
    const [a, b] = [await anApplication(Users), await anApplication(Users)];
    await a.get(Users).find(1);
    await a.get(Users).find(1);
    await b.get(Users).find(1);
    expect([a.get(Users).loads, b.get(Users).loads]).toEqual([1, 1]);
    await a.get(RedisCache).clear();
    await a.get(Users).find(1);
    await b.get(Users).find(1);
    expect([a.get(Users).loads, b.get(Users).loads]).toEqual([2, 1]);
  });

  it('move a value instance to the application that was started last', async () => {
    const users = new Users();
    const first = await anApplication({ provide: 'users', useValue: users });
    await users.find(1);
    await first.close();
    await anApplication({ provide: 'users', useValue: users });
    expect([(await users.find(1)).loads, (await users.find(1)).loads]).toEqual([2, 2]);
  });
});

describe('spies of tests', () => {
  it('see the calls of a cached method', async () => {
    const users = (await anApplication(Users)).get(Users);
    const spy = jest.spyOn(users, 'find');
    await users.find(1);
    expect(spy).toHaveBeenCalledWith(1);
    expect(users.loads).toBe(1);
  });
});
