import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, type LoggerService, Module, type ModuleMetadata, Scope } from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cacheable,
  CacheConfig,
  CacheEvict,
  CachePut,
  getCacheToken,
  InjectCache,
  RedisCache,
  RedisCacheModule,
  type RedisCacheOptionsFactory,
} from '../../lib/index.js';
import { engineOf } from '../../lib/cache/redis-cache.js';

const lines: string[] = [];
const write =
  (level: string) =>
  (message: unknown, ...rest: unknown[]) =>
    void lines.push(`${level} [${String(rest.at(-1))}] ${String(message)}`);
const logger: LoggerService = { log: write('log'), warn: write('warn'), error: write('error'), debug: write('debug') };
const open: TestingModule[] = [];

async function compile(metadata: ModuleMetadata): Promise<TestingModule> {
  const app = await Test.createTestingModule(metadata).setLogger(logger).compile();
  open.push(app);
  return app;
}

async function boot(metadata: ModuleMetadata): Promise<TestingModule> {
  return (await compile(metadata)).init();
}

beforeEach(() => {
  lines.length = 0;
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close().catch(() => undefined)));
});

@Injectable()
class Users {
  loads = 0;

  constructor(readonly cache: RedisCache) {}

  @Cacheable()
  async find(id: number) {
    return { id, loads: ++this.loads };
  }
}

describe('forRoot', () => {
  it('gives the cache to every module, by class and by token', async () => {
    @Module({ providers: [Users], exports: [Users] })
    class UsersModule {}
    const app = await boot({ imports: [RedisCacheModule.forRoot({ service: 'user' }), UsersModule] });
    const users = app.get(Users);
    expect(users.cache).toBeInstanceOf(RedisCache);
    expect(users.cache).toBe(app.get(getCacheToken()));
    expect(users.cache.name).toBe('default');
    await users.find(1);
    expect(await users.find(1)).toEqual({ id: 1, loads: 1 });
  });

  it('takes a class whose static member is called name', async () => {
    @Injectable()
    class Rows extends Users {
      static override readonly name = Object.assign(() => 'x', {}) as unknown as string;
    }
    const app = await boot({ imports: [RedisCacheModule.forRoot({ service: 'user' })], providers: [Rows] });
    await app.get(Rows).find(1);
    expect(await app.get(Rows).find(1)).toEqual({ id: 1, loads: 1 });
    expect(Object.keys(app.get(RedisCache).status().regions)).toEqual(['Rows']);
  });

  it.each([undefined, { url: 'redis://127.0.0.1:1' }, { nodes: [{ host: '127.0.0.1', port: 1 }] }])(
    'closes without having been initialised (redis: %j)',
    async (redis) => {
      const app = await compile({ imports: [RedisCacheModule.forRoot({ service: 'user', redis })] });
      const cache = app.get(RedisCache);
      expect(await cache.region('r').getOrLoad(1, async () => 'loaded')).toBe('loaded');
      await app.close();
      await engineOf(cache).close();
      await expect(cache.region('r').evict(1)).rejects.toMatchObject({ code: 'RC_CLOSED' });
    },
  );

  it('writes one line at boot', async () => {
    await boot({ imports: [RedisCacheModule.forRoot({ service: 'user', regions: { a: {} } })], providers: [Users] });
    expect(lines.filter((line) => line.includes('[RedisCache'))).toEqual([
      'log [RedisCache] Cache of service "user" starts: embedded store (one process) · 2 regions, 1 cached methods · L1 10000 entries, 64 MiB, at most 1000 ms behind',
    ]);
  });

  it('says at boot that the promise does not hold across failovers, where that was chosen', async () => {
    await boot({ imports: [RedisCacheModule.forRoot({ service: 'user', onFailover: 'keep' })] });
    expect(lines.filter((line) => line.includes('[RedisCache')).join()).toMatch(
      / · onFailover keep: evictions lost in a failover may come back$/,
    );
  });

  it('warns of a ttl that is probably meant in seconds, of the cache and of a method', async () => {
    @Injectable()
    class Seconds {
      @Cacheable({ ttl: 60 }) async find() {}
    }
    await boot({ imports: [RedisCacheModule.forRoot({ service: 'user', ttl: 300 })], providers: [Seconds] });
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([
      `warn [RedisCache] ttl is 300 milliseconds. If seconds were meant, write '300s'; if not, '300ms' says so.`,
      `warn [RedisCacheModule] Seconds.find: ttl is 60 milliseconds. If seconds were meant, write '60s'; if not, '60ms' says so.`,
    ]);
  });

  it.each<[object, string]>([
    [{ service: 'user', tll: '5m' }, 'tll is not an option, got "5m". Did you mean "ttl"?'],
    [{ service: 'user', ttl: Infinity }, 'ttl must be a duration, got Infinity.'],
    [{}, 'service is missing.'],
    [{ service: 'user', redis: 'redis://localhost' }, 'redis is not usable'],
    [{ service: 'user', name: 'a:b' }, 'name must be 1 to 100 letters'],
  ])('stops the boot where an option is wrong: %j', async (options, message) => {
    await expect(compile({ imports: [RedisCacheModule.forRoot(options as never)] })).rejects.toThrow(message);
  });

  it.each([undefined, null, 'user', () => ({ service: 'user' })])('refuses %p at once', (options) => {
    expect(() => RedisCacheModule.forRoot(options as never)).toThrow(
      expect.objectContaining({ code: 'RC_INVALID_OPTION' }),
    );
    expect(() => RedisCacheModule.forRoot(options as never)).toThrow(
      /^The options of RedisCacheModule\.forRoot must be an object, got .*\. Write RedisCacheModule\.forRoot\(/,
    );
  });

  it('stops the boot when it is left out', async () => {
    await expect(compile({ imports: [RedisCacheModule] })).rejects.toThrow(
      `RedisCacheModule was imported without options. Write RedisCacheModule.forRoot({ service: '…' }).`,
    );
  });

  it('boots and serves without Redis, in bounded time', async () => {
    const beganAt = Date.now();
    const app = await boot({
      imports: [RedisCacheModule.forRoot({ service: 'user', redis: { host: '127.0.0.1', port: 1 } })],
      providers: [Users],
    });
    const users = app.get(Users);
    expect([await users.find(1), await users.find(2)]).toEqual([
      { id: 1, loads: 1 },
      { id: 2, loads: 2 },
    ]);
    await app.close();
    expect(Date.now() - beganAt).toBeLessThan(10_000);
    expect(lines.filter((line) => line.includes('Redis does not answer: connect ECONNREFUSED'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

describe('forRootAsync', () => {
  @Injectable()
  class Options implements RedisCacheOptionsFactory {
    async createRedisCacheOptions() {
      return { service: 'async', regions: { known: { ttl: '1h' as const } } };
    }
  }
  @Module({ providers: [Options], exports: [Options] })
  class OptionsModule {}

  it('takes useFactory, useClass and useExisting', async () => {
    const app = await boot({
      imports: [
        RedisCacheModule.forRootAsync({
          imports: [OptionsModule],
          inject: [Options],
          useFactory: (options: Options) => options.createRedisCacheOptions(),
        }),
        RedisCacheModule.forRootAsync({ name: 'class', useClass: Options }),
        RedisCacheModule.forRootAsync({
          name: 'existing',
          imports: [OptionsModule],
          useExisting: Options,
          isGlobal: false,
        }),
      ],
      providers: [Users],
    });
    for (const name of [undefined, 'class', 'existing']) {
      const cache = app.get<RedisCache>(getCacheToken(name), { strict: false });
      expect(cache.name).toBe(name ?? 'default');
      expect(engineOf(cache).region('known').options.ttlMs).toBe(3_600_000);
    }
  });

  it('lets its factory depend on a service that is cached itself', async () => {
    @Injectable()
    class Settings {
      loads = 0;
      @Cacheable()
      async read() {
        return `service-${++this.loads}`;
      }
    }
    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}
    const app = await boot({
      imports: [
        RedisCacheModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: () => ({ service: 'late' }),
        }),
      ],
    });
    const settings = app.get(Settings, { strict: false });
    expect([await settings.read(), await settings.read()]).toEqual(['service-1', 'service-1']);
  });

  it('waits for a factory that waits for its settings, and a class that injects them', async () => {
    @Injectable()
    class ConfigService {
      private readonly values: Promise<Record<string, string>> = Promise.resolve({ NAME: 'user', TTL: '1h' });
      async get(name: string) {
        return (await this.values)[name];
      }
    }
    @Module({ providers: [ConfigService], exports: [ConfigService] })
    class ConfigModule {}
    @Injectable()
    class FromConfig implements RedisCacheOptionsFactory {
      constructor(private readonly config: ConfigService) {}
      createRedisCacheOptions = async () => useFactory(this.config);
    }
    const useFactory = async (config: ConfigService) => ({
      service: (await config.get('NAME'))!,
      ttl: (await config.get('TTL')) as '1h',
    });
    const imports = [ConfigModule];
    const app = await boot({
      imports: [
        RedisCacheModule.forRootAsync({ imports, inject: [ConfigService], useFactory }),
        RedisCacheModule.forRootAsync({ name: 'class', imports, useClass: FromConfig }),
      ],
    });
    for (const name of [undefined, 'class']) {
      expect(engineOf(app.get<RedisCache>(getCacheToken(name))).region('any').options.ttlMs).toBe(3_600_000);
    }
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'RedisCacheModule.forRootAsync needs useFactory, useClass or useExisting, got undefined.'],
    ['an empty object', {}, 'needs useFactory, useClass or useExisting, got {}.'],
    ['no form', { inject: [] }, 'needs useFactory, useClass or useExisting, got { inject }.'],
    ['an unset form', { useFactory: undefined }, 'useClass or useExisting, got { useFactory }. Write forRootAsync({ '],
    ['a useFactory that is none', { useFactory: {} }, 'useFactory of RedisCacheModule.forRootAsync must be a function'],
    ['a useClass that is none', { useClass: 'Options' }, 'must be a class, got "Options".'],
  ])('refuses %s at once', (_case, options, message) => {
    expect(() => RedisCacheModule.forRootAsync(options as never)).toThrow(message);
    expect(() => RedisCacheModule.forRootAsync(options as never)).toThrow(
      expect.objectContaining({ code: 'RC_INVALID_OPTION' }),
    );
  });

  it.each<[string, object, string]>([
    [
      'a factory that returns nothing',
      { useFactory: async () => undefined },
      `useFactory of RedisCacheModule.forRootAsync must return the options, got undefined. Return an object such as { service: '…' }.`,
    ],
    [
      'a class without the method',
      { useClass: class Other {} },
      'useClass of RedisCacheModule.forRootAsync must have a method createRedisCacheOptions, got an object (Other).',
    ],
    [
      'a class whose method returns text',
      {
        useClass: class {
          createRedisCacheOptions = () => 'user';
        },
      },
      'createRedisCacheOptions of useClass of RedisCacheModule.forRootAsync must return the options, got "user".',
    ],
    ['a factory without a service', { useFactory: () => ({}) }, 'service is missing.'],
    [
      'a factory whose REDIS_URL is unset',
      { useFactory: () => ({ service: 'user', redis: { url: undefined } }) },
      'redis.url is not usable, got undefined.',
    ],
  ])('stops the boot on %s', async (_case, options, message) => {
    const booting = compile({ imports: [RedisCacheModule.forRootAsync(options as never)] });
    await expect(booting).rejects.toThrow(message);
    await expect(booting).rejects.toMatchObject({ code: 'RC_INVALID_OPTION' });
  });

  it('passes the error of its factory on', async () => {
    const useFactory = () => Promise.reject(new Error('no settings'));
    await expect(compile({ imports: [RedisCacheModule.forRootAsync({ useFactory })] })).rejects.toThrow('no settings');
  });

  it('refuses a name inside the factory, and tells where it belongs', async () => {
    const useFactory = () => ({ service: 'user', name: 'second' });
    await expect(compile({ imports: [RedisCacheModule.forRootAsync({ useFactory })] })).rejects.toThrow(
      'name is not an option',
    );
  });
});

describe('several caches', () => {
  it('are injected by name and used by name', async () => {
    @Injectable()
    class Sessions {
      loads = 0;
      constructor(
        @InjectCache() readonly main: RedisCache,
        @InjectCache('sessions') readonly sessions: RedisCache,
      ) {}
      @Cacheable({ cache: 'sessions', region: 'session' })
      async find(id: number) {
        return { id, loads: ++this.loads };
      }
    }
    const app = await boot({
      imports: [
        RedisCacheModule.forRoot({ service: 'user' }),
        RedisCacheModule.forRoot({ name: 'sessions', service: 'session' }),
      ],
      providers: [Sessions],
    });
    const service = app.get(Sessions);
    expect([service.main.name, service.sessions.name]).toEqual(['default', 'sessions']);
    await service.find(1);
    await service.main.clear();
    expect(await service.find(1)).toEqual({ id: 1, loads: 1 });
    await service.sessions.clear();
    expect(await service.find(1)).toEqual({ id: 1, loads: 2 });
  });

  it('may lack a default one', async () => {
    @Injectable()
    @CacheConfig({ cache: 'only' })
    class Service {
      loads = 0;
      @Cacheable({ shared: true })
      async find() {
        return ++this.loads;
      }
    }
    const app = await boot({
      imports: [RedisCacheModule.forRoot({ name: 'only', service: 'x' })],
      providers: [Service, { provide: 'made', useFactory: () => new Service() }],
    });
    expect([await app.get(Service).find(), await app.get<Service>('made').find()]).toEqual([1, 1]);
  });

  it('of one name stop the boot', async () => {
    const imports = [RedisCacheModule.forRoot({ service: 'a' }), RedisCacheModule.forRoot({ service: 'b' })];
    await expect(compile({ imports })).rejects.toMatchObject({ code: 'RC_DUPLICATE_CACHE' });
  });

  it.each<[string, object, object, string]>([
    ['one URL', { url: 'redis://localhost:1' }, { url: 'redis://127.0.0.1:1/0' }, '127.0.0.1:1/0'],
    ['one server in two forms', { host: 'a', port: 1, db: 2 }, { url: 'redis://:pw@a:1/2' }, 'a:1/2'],
    [
      'one master of one sentinel',
      { sentinels: [{ host: 'a' }, { host: 'b' }], name: 'm' },
      { sentinels: [{ host: 'b' }], name: 'm' },
      'm/0 of the sentinel b:26379',
    ],
    ['one Cluster', { nodes: ['a:1', 'b:2'] }, { nodes: [{ host: 'b', port: 2 }] }, 'the Cluster of b:2'],
  ])('of one service on %s stop the boot', async (_case, one, other, place) => {
    const imports = [
      RedisCacheModule.forRoot({ service: 'user', redis: one }),
      RedisCacheModule.forRoot({ name: 'near', service: 'user', redis: other }),
    ];
    const booting = compile({ imports });
    await expect(booting).rejects.toMatchObject({ code: 'RC_DUPLICATE_CACHE' });
    await expect(booting).rejects.toThrow(
      `The caches "default" and "near" both have the service "user" on one Redis (${place}), so that each would read what the other wrote. Give one of them another service, such as 'user-near'.`,
    );
  });

  it('of one service may have a server of their own, or a database', async () => {
    const redis = (name: string, db: number) =>
      RedisCacheModule.forRoot({ name, service: 'user', redis: { host: '127.0.0.1', port: 1, db } });
    const imports = [
      RedisCacheModule.forRoot({ service: 'user' }),
      RedisCacheModule.forRoot({ name: 'embedded', service: 'user' }),
      redis('zero', 0),
      redis('one', 1),
    ];
    await expect(compile({ imports })).resolves.toBeDefined();
  });

  it('are one where the same module object is imported twice', async () => {
    const cacheModule = RedisCacheModule.forRoot({ service: 'a' });
    @Module({ imports: [cacheModule] })
    class Feature {}
    await expect(boot({ imports: [cacheModule, Feature], providers: [Users] })).resolves.toBeDefined();
  });
});

describe('what is missing', () => {
  @Injectable()
  class Lonely {
    @Cacheable()
    async find(id: number) {
      return id;
    }
  }

  it('is named at the first call when no module was imported', async () => {
    const lonely = (await boot({ providers: [Lonely] })).get(Lonely);
    await expect(lonely.find(1)).rejects.toMatchObject({ code: 'RC_MODULE_MISSING' });
    await expect(lonely.find(1)).rejects.toThrow(
      'Lonely.find was called, but its application has no cache. Import RedisCacheModule.forRoot',
    );
    expect(await new Lonely().find(1)).toBe(1);
  });

  it('is named at boot when the cache of a method is not among those imported', async () => {
    @Injectable()
    class Other {
      @CacheEvict({ cache: 'sessions', allEntries: true })
      async find() {}
    }
    await expect(
      boot({ imports: [RedisCacheModule.forRoot({ service: 'user' })], providers: [Other] }),
    ).rejects.toThrow(
      'Other.find uses the cache "sessions", which this application does not have (it has: "default"). Import RedisCacheModule.forRoot({ name: \'sessions\'',
    );
  });
});

describe('a lazily loaded module', () => {
  const load = async (app: TestingModule, metadata: ModuleMetadata) => {
    class Lazy {}
    Module(metadata)(Lazy);
    return app.get(LazyModuleLoader, { strict: false }).load(() => Lazy);
  };

  it.each([true, false])('cannot bring a cache of its own (global: %p), and says so', async (isGlobal) => {
    const second = () => RedisCacheModule.forRoot({ service: 'lazy', name: 'second', isGlobal });
    for (const imports of [[], [RedisCacheModule.forRoot({ service: 'user' })]]) {
      const loading = load(await boot({ imports }), { imports: [second()] });
      await expect(loading).rejects.toMatchObject({ code: 'RC_MODULE_MISSING' });
      await expect(loading).rejects.toThrow(
        'RedisCacheModule was imported in a module that was loaded lazily, with the name "second".',
      );
    }
  });

  it('finds the cache of the root module, by decorator and by injection', async () => {
    const cacheModule = RedisCacheModule.forRoot({ service: 'user', isGlobal: false });
    const app = await boot({ imports: [cacheModule] });
    const users = (await load(app, { imports: [cacheModule], providers: [Users] })).get(Users);
    expect(users.cache).toBe(app.get(RedisCache));
    await users.find(1);
    expect(await users.find(1)).toEqual({ id: 1, loads: 1 });
  });
});

describe('declarations that contradict each other', () => {
  const cache = (options: object = {}) => RedisCacheModule.forRoot({ service: 'user', ...options });
  const configured = (options: Parameters<typeof CacheConfig>[0], name = 'Service') => {
    @CacheConfig(options)
    class Service {
      @Cacheable()
      async find() {
        return 1;
      }
    }
    Object.defineProperty(Service, 'name', { value: name });
    return Service;
  };

  it('stop the boot: one region with two ttls in two classes', async () => {
    const providers = [configured({ region: 'p', ttl: '5m' }, 'A'), configured({ region: 'p', ttl: '10m' }, 'B')];
    const booting = boot({ imports: [cache()], providers });
    await expect(booting).rejects.toMatchObject({ code: 'RC_REGION_CONFLICT' });
    await expect(booting).rejects.toThrow(
      'Region "p" is declared twice with a different ttl: @CacheConfig on B says "10m", @CacheConfig on A says "5m".',
    );
  });

  it('stop the boot: one region with two ttls in a class and in the options', async () => {
    const booting = boot({
      imports: [cache({ regions: { p: { ttl: '10m' } } })],
      providers: [configured({ region: 'p', ttl: '5m' }, 'A')],
    });
    await expect(booting).rejects.toThrow('@CacheConfig on A says "5m", regions.p of RedisCacheModule says "10m".');
  });

  it('are none where the options agree, in whatever unit, or are stated once', async () => {
    const providers = [
      configured({ region: 'p', ttl: '5m' }, 'A'),
      configured({ region: 'p', ttl: 300_000 }, 'B'),
      configured({ region: 'p' }, 'C'),
    ];
    await expect(
      boot({ imports: [cache({ ttl: '1m', regions: { p: { jitter: 0.5, ttl: '300s' } } })], providers }),
    ).resolves.toBeDefined();
  });

  it('stop the boot: two classes of one name in the region of that name', async () => {
    const make = () => {
      @Injectable()
      class Twin {
        @Cacheable({ key: '{id}' })
        async find(id: number) {
          return id;
        }
      }
      return Twin;
    };
    const booting = boot({ imports: [cache()], providers: [make(), make()] });
    await expect(booting).rejects.toMatchObject({ code: 'RC_KEY_COLLISION' });
    await expect(booting).rejects.toThrow('Two classes named "Twin" cache into region "Twin"');
  });

  it('stop the boot: two methods of one default key, such as of two classes that one mixin made', async () => {
    const mixin = () => {
      @CacheConfig({ region: 'mixed' })
      class Mixed {
        @Cacheable()
        async find(id: number) {
          return id;
        }
      }
      return Mixed;
    };
    await expect(boot({ imports: [cache()], providers: [mixin(), mixin()] })).rejects.toThrow(
      'Two methods have the default key "Mixed:Mixed.find:…"',
    );
  });

  it('reject the first call where the module is lazy', async () => {
    const make = () => {
      @Injectable()
      class Twin {
        @Cacheable()
        async find(id: number) {
          return id;
        }
      }
      return Twin;
    };
    const [Eager, Lazy] = [make(), make()];
    const app = await boot({ imports: [cache()], providers: [Eager] });
    @Module({ providers: [Lazy] })
    class LazyModule {}
    const lazy = (await app.get(LazyModuleLoader, { strict: false }).load(() => LazyModule)).get(Lazy);
    await expect(lazy.find(1)).rejects.toMatchObject({ code: 'RC_KEY_COLLISION' });
    expect(await app.get(Eager).find(1)).toBe(1);
  });

  it('warn of two methods that make keys of their own in one region', async () => {
    @Injectable()
    @CacheConfig({ region: 'profile' })
    class Profiles {
      @Cacheable({ key: '{id}' }) async byId(id: number) {
        return id;
      }
      @Cacheable({ key: '{email}' }) async byEmail(email: string) {
        return email;
      }
      @Cacheable() async list() {}
      @CacheEvict({ key: '{id}' }) async remove(id: number) {
        return id;
      }
    }
    await boot({ imports: [cache()], providers: [Profiles] });
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringContaining('Profiles.byId and Profiles.byEmail both make keys of their own in region "profile"'),
    ]);
  });

  it('are found on REQUEST-scoped and transient providers and on controllers', async () => {
    const { Controller } = await import('@nestjs/common');
    const make = (decorator: ClassDecorator) => {
      class Wrong {
        @Cacheable({ cache: 'none' }) async find() {}
      }
      decorator(Wrong);
      return Wrong;
    };
    const kinds: ModuleMetadata[] = [
      { providers: [make(Injectable({ scope: Scope.REQUEST }))] },
      { providers: [make(Injectable({ scope: Scope.TRANSIENT }))] },
      { controllers: [make(Controller() as ClassDecorator)] },
      { controllers: [make(Controller({ scope: Scope.REQUEST }) as ClassDecorator)] },
    ];
    for (const kind of kinds)
      await expect(boot({ imports: [cache()], ...kind })).rejects.toMatchObject({ code: 'RC_MODULE_MISSING' });
  });
});

describe('declarations that are probably not meant', () => {
  const warningsOf = async (...providers: NonNullable<ModuleMetadata['providers']>) => {
    const app = await boot({ imports: [RedisCacheModule.forRoot({ service: 'user' })], providers });
    return { app, warnings: () => lines.filter((line) => line.startsWith('warn')) };
  };

  it('warn of one key for all arguments', async () => {
    @Injectable()
    class Users {
      @Cacheable({ key: 'all' }) async find(id: number) {
        return id;
      }
      @Cacheable({ region: 'a', key: 'all' }) async list() {}
      @Cacheable({ region: 'b', key: () => 'all' }) async meant(id: number) {
        return id;
      }
      @CacheEvict({ key: 'all' }) async add(id: number) {
        return id;
      }
    }
    const { warnings } = await warningsOf(Users);
    expect(warnings()).toEqual([
      `warn [RedisCacheModule] The key template 'all' of Users.find has no placeholder: calls with different arguments get one value. ` +
        `Name what identifies the value, such as {id}; if one value is meant, say so by a key function: () => 'all'.`,
    ]);
  });

  describe('warn of a class and its heir', () => {
    @CacheConfig({ region: 'users' })
    class UsersRepo {
      table() {
        return 'users';
      }
      @Cacheable({ key: '{id}' }) async find(id: number) {
        return `${this.table()}#${id}`;
      }
      @Cacheable() async list() {}
    }
    class Archived extends UsersRepo {
      override table() {
        return 'archived';
      }
    }
    @CacheConfig({ region: 'apart' })
    class Apart extends UsersRepo {}

    it('that share keys, since one returns what the other cached', async () => {
      const { warnings } = await warningsOf(UsersRepo, Archived);
      expect(warnings()).toEqual([
        expect.stringContaining(
          'UsersRepo.find and Archived.find make the same keys in region "users", which one class inherits from the other: each returns what the other cached.',
        ),
      ]);
      expect(warnings()[0]).toContain(`give the class that extends a region of its own: @CacheConfig({ region: '…' })`);
    });

    it('only where both are provided and share a region', async () => {
      expect((await warningsOf(Archived)).warnings()).toEqual([]);
      expect((await warningsOf(UsersRepo, Apart)).warnings()).toEqual([]);
    });
  });

  it('warn once of a method that returns no promise, and serve its value', async () => {
    @Injectable()
    class Sync {
      @Cacheable({ region: 'a' }) find(id: number) {
        return id as unknown as Promise<number>;
      }
      @Cacheable({ region: 'b' }) async fine(id: number) {
        return id;
      }
    }
    const { app, warnings } = await warningsOf(Sync);
    expect(warnings()).toEqual([]);
    const sync = app.get(Sync);
    expect([await sync.find(1), await sync.find(1), await sync.find(2), await sync.fine(3)]).toEqual([1, 1, 2, 3]);
    expect(warnings()).toEqual([
      expect.stringMatching(/ Sync\.find is cached and returned no promise: .* \[RC_DECORATOR_TARGET\]$/),
    ]);
  });

  it('warn of entries without the tags that another method gives to the same ones', async () => {
    @Injectable()
    class Users {
      @Cacheable({ key: (id: number) => id, tags: ['all'] }) async find(id: number) {
        return id;
      }
      @CachePut({ key: (user: { id: number }) => user.id }) async save(user: { id: number }) {
        return user.id;
      }
    }
    @Injectable()
    class Orders {
      @Cacheable({ key: '{id}' }) async find(id: number) {
        return id;
      }
      @CachePut({ key: '{id}', tags: ['all'] }) async save(id: number) {
        return id;
      }
    }
    expect((await warningsOf(Users, Orders)).warnings()).toEqual([
      expect.stringContaining(
        'Users.find gives its entries tags, and Users.save writes the same ones without: an eviction by tag does not reach what Users.save wrote.',
      ),
      expect.stringContaining('Orders.save gives its entries tags, and Orders.find writes the same ones without'),
    ]);
  });

  it('do not warn of tags where it is unsure that the entries are the same', async () => {
    @Injectable()
    @CacheConfig({ region: 'r' })
    class Users {
      @Cacheable({ key: (id: number) => ['id', id], tags: ['all'] }) async byId(id: number) {
        return id;
      }
      @Cacheable({ key: (email: string) => ['email', email] }) async byEmail(email: string) {
        return email;
      }
      @CachePut({ key: (email: string, id: number) => ['email', email, id] }) async put(email: string, id: number) {
        return [email, id];
      }
      @Cacheable() async byDefault() {}
    }
    @Injectable()
    @CacheConfig({ region: 's' })
    class Agreed {
      @Cacheable({ key: '{id}', tags: ['a'] }) async find(id: number) {
        return id;
      }
      @CachePut({ key: '{id}', tags: () => [] }) async put(id: number) {
        return id;
      }
      @CachePut({ region: 't', key: '{id}' }) async elsewhere(id: number) {
        return id;
      }
    }
    const { warnings } = await warningsOf(Users, Agreed);
    expect(warnings().filter((line) => line.includes('tags'))).toEqual([]);
  });
});

describe('the life of a cache', () => {
  it('begins before services of other modules are initialised, and ends after them', async () => {
    const log: string[] = [];
    @Injectable()
    class Warm {
      constructor(private readonly users: Users) {}
      async onModuleInit() {
        await this.users.find(1);
        log.push('warmed');
      }
      async onModuleDestroy() {
        log.push(`${(await this.users.find(1)).loads}`);
      }
    }
    const app = await boot({ imports: [RedisCacheModule.forRoot({ service: 'user' })], providers: [Users, Warm] });
    const close = jest.spyOn(engineOf(app.get(RedisCache)), 'close');
    expect(await app.get(Users).find(1)).toEqual({ id: 1, loads: 1 });
    expect(close).not.toHaveBeenCalled();
    await app.close();
    expect(log).toEqual(['warmed', '1']);
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('can be replaced in a test', async () => {
    const region = {
      options: {},
      name: 'r',
      keyOf: (entry: string) => ({ entry, bucket: 0 }),
      answerLocal: () => null,
      readBehind: async () => 'from the fake',
    };
    const fake = {
      name: 'default',
      region: () => region,
      open: async () => undefined,
      close: async () => undefined,
      status: () => ({ regions: {} }),
    };
    const app = await Test.createTestingModule({
      imports: [RedisCacheModule.forRoot({ service: 'user' })],
      providers: [Users],
    })
      .setLogger(logger)
      .overrideProvider(getCacheToken())
      .useValue(fake)
      .compile();
    open.push(app);
    await app.init();
    expect(await app.get(Users).find(1)).toBe('from the fake');
  });

  it('works in an application made by NestFactory', async () => {
    @Module({ imports: [RedisCacheModule.forRoot({ service: 'user' })], providers: [Users] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const users = app.get(Users);
    await users.find(1);
    expect(await users.find(1)).toEqual({ id: 1, loads: 1 });
    await app.close();
  });
});
