import 'reflect-metadata';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  Cacheable,
  CacheConfig,
  CacheEvict,
  CachePut,
  getCacheToken,
  InjectCache,
  type RedisCache,
  RedisCacheModule,
} from 'nestjs-redis-cache';
import { CacheTesting, getCacheTestingToken, RedisCacheTestingModule } from 'nestjs-redis-cache/testing';

@Injectable()
@CacheConfig({ region: 'profile' })
class Users {
  loads = 0;

  @Cacheable({ key: (id: number) => id, ttl: '5m', tags: ['users'] })
  async findOne(id: number) {
    return { id, load: ++this.loads };
  }

  @CachePut({ key: (id: number) => id, tags: ['users'] })
  async update(id: number) {
    return { id, load: 0 };
  }

  @CacheEvict({ key: (id: number) => id })
  async remove(id: number) {
    void id;
  }

  @CacheEvict({ key: (id: number) => id, strict: true })
  async removeStrictly(id: number) {
    void id;
  }

  @CacheEvict({ tags: ['users'] })
  async removeTagged() {}

  @CacheEvict({ allEntries: true })
  async removeAll() {}
}

const open: TestingModule[] = [];

async function boot(metadata: ModuleMetadata = {}) {
  const module = await Test.createTestingModule({
    imports: [RedisCacheTestingModule.forRoot()],
    providers: [Users],
    ...metadata,
  }).compile();
  module.useLogger(false);
  await module.init();
  open.push(module);
  return { module, users: module.get(Users), testing: module.get(CacheTesting) };
}

afterEach(() => Promise.all(open.splice(0).map((module) => module.close())));

describe('time', () => {
  it('stands still until the test moves it', async () => {
    const { users, testing } = await boot();
    await users.findOne(1);
    await testing.clock.advance('4m');
    expect((await users.findOne(1)).load).toBe(1);
    await testing.clock.advance('61s');
    expect((await users.findOne(1)).load).toBe(2);
  });

  it('goes on while fake timers stand, and the other way round', async () => {
    jest.useFakeTimers();
    try {
      const { users, testing } = await boot();
      await users.findOne(1);
      await jest.advanceTimersByTimeAsync(3_600_000);
      expect((await users.findOne(1)).load).toBe(1);
      await testing.clock.advance('1h');
      expect((await users.findOne(1)).load).toBe(2);
      await open.pop()!.close();
    } finally {
      jest.useRealTimers();
    }
  });

  it('ends leases of loads that hang', async () => {
    const { module, testing } = await boot();
    const region = module.get<RedisCache>(getCacheToken()).region<string>('r');
    const hung = region.getOrLoad(
      1,
      ({ signal }) => new Promise<string>((_, reject) => (signal.onabort = () => reject(signal.reason))),
    );
    const seen = expect(hung).rejects.toThrow();
    await testing.clock.advance('11s');
    await seen;
  });
});

describe('evictions', () => {
  it('are recorded by key, tag and region, strict ones as well; puts are none', async () => {
    const { users, testing } = await boot();
    await users.update(1);
    expect(testing.evictions).toEqual([]);
    await users.remove(42);
    await users.removeStrictly(43);
    await users.removeTagged();
    await users.removeAll();
    expect(testing.evictions).toEqual([
      { key: 'test:profile:42:json' },
      { key: 'test:profile:43:json' },
      { tag: 'users' },
      { region: 'profile' },
    ]);
  });

  it('by hand are recorded too', async () => {
    const { module, testing } = await boot();
    const cache = module.get<RedisCache>(getCacheToken());
    await cache.region('r').evict(1);
    await cache.evictTags(['a']);
    await cache.clear();
    expect(testing.evictions).toEqual([{ key: 'test:r:1:json' }, { tag: 'a' }, { all: true }]);
  });
});

describe('the store', () => {
  it('is emptied by flush, and so is what was recorded', async () => {
    const { users, testing } = await boot();
    await users.findOne(1);
    await users.remove(2);
    await testing.flush();
    expect(testing.evictions).toEqual([]);
    expect((await users.findOne(1)).load).toBe(2);
    expect((await users.findOne(1)).load).toBe(2);
  });

  it('is away during an outage: methods answer, evictions are made up for', async () => {
    const { users, testing } = await boot();
    await users.findOne(1);
    const outage = testing.outage();
    await users.remove(1);
    expect(testing.evictions).toEqual([]);
    expect((await users.findOne(1)).load).toBe(2);
    outage.end();
    await testing.clock.advance('1m');
    expect(testing.evictions).toContainEqual({ key: 'test:profile:1:json' });
  });

  it('is closed in time, an outage or not', async () => {
    const { users, testing } = await boot();
    testing.outage();
    await users.remove(1);
    await open.pop()!.close();
  });

  it('restarts: what was cached before is void', async () => {
    const { users, testing } = await boot();
    await users.findOne(1);
    await testing.restart();
    await testing.clock.advance('2s');
    expect((await users.findOne(1)).load).toBe(2);
    expect((await users.findOne(1)).load).toBe(2);
  });
});

describe('an application under test', () => {
  it('gets the embedded store in the place of its Redis', async () => {
    @Module({
      imports: [RedisCacheModule.forRoot({ service: 'user', redis: { url: 'redis://127.0.0.1:1' } })],
      providers: [Users],
    })
    class AppModule {}
    const { users, testing } = await boot({
      imports: [AppModule, RedisCacheTestingModule.forApplication()],
      providers: [],
    });
    await users.remove(1);
    expect(testing.evictions).toEqual([{ key: 'user:profile:1:json' }]);
  });

  it('may have several caches', async () => {
    const { module } = await boot({
      imports: [RedisCacheTestingModule.forRoot(), RedisCacheTestingModule.forRoot({ name: 'second' })],
    });
    const second = module.get<CacheTesting>(getCacheTestingToken('second'));
    await module.get<RedisCache>(getCacheToken('second')).region('r').evict(1);
    expect(second.evictions).toEqual([{ key: 'test:r:1:json' }]);
    expect(module.get(CacheTesting).evictions).toEqual([]);
  });

  it('runs with a mock in the place of the cache, which needs neither open nor close', async () => {
    @Injectable()
    class Reports {
      constructor(@InjectCache() private readonly cache: RedisCache) {}
      daily(day: string) {
        return this.cache.region<number>('daily').getOrLoad(day, async () => 1);
      }
    }
    const mock = { region: () => ({ getOrLoad: (_key: unknown, load: () => unknown) => load() }) };
    const module = await Test.createTestingModule({
      imports: [RedisCacheModule.forRoot({ service: 'user' })],
      providers: [Reports],
    })
      .overrideProvider(getCacheToken())
      .useValue(mock)
      .compile();
    await module.init();
    expect(await module.get(Reports).daily('x')).toBe(1);
    await module.close();
  });
});
