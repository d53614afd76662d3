import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type LoggerService } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  cached,
  Cacheable,
  CacheConfig,
  CacheEvict,
  CachePut,
  RedisCache,
  RedisCacheModule,
  type RedisCacheOptions,
} from '../../lib/index.js';

const ignore = () => undefined;
const silent: LoggerService = { log: ignore, warn: ignore, error: ignore };
const open: TestingModule[] = [];

async function boot(options: Partial<RedisCacheOptions>, ...providers: (new () => object)[]): Promise<TestingModule> {
  const imports = [RedisCacheModule.forRoot({ service: 'user', ...options })];
  const app = await Test.createTestingModule({ imports, providers }).setLogger(silent).compile();
  open.push(app);
  return app.init();
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

class User {
  constructor(
    readonly id: number,
    readonly load: number,
  ) {}
}

@Injectable()
@CacheConfig({ region: 'profile', type: User })
class Users {
  loads = 0;
  @Cacheable({ key: (id: number) => id }) async findOne(id: number) {
    return new User(id, ++this.loads);
  }
  @Cacheable({ region: 'pages' }) async list(query: { page: number }, size: number) {
    return { page: query.page, size, load: ++this.loads };
  }
  @CachePut({ key: (id: number) => id }) async put(id: number) {
    return new User(id, 0);
  }
  @CacheEvict({ key: (id: number) => id }) async remove(id: number) {
    return id;
  }
  async plain(id: number) {
    return id;
  }
}

describe('cached()', () => {
  it('evicts and peeks by the arguments of a call, whatever makes its key', async () => {
    const app = await boot({}, Users);
    const [users, cache] = [app.get(Users), app.get(RedisCache)];
    const one = cached(Users, 'findOne', cache);
    expect(one.keyOf(42)).toBe('user:profile:42:json');
    expect(await one.peek(42)).toBeUndefined();
    await users.findOne(42);
    const peeked = await one.peek(42);
    expect(peeked).toBeInstanceOf(User);
    expect(peeked?.load).toBe(1);
    await one.evict(42);
    expect(await one.peek(42)).toBeUndefined();
    expect((await users.findOne(42)).load).toBe(2);

    const list = cached(Users, 'list', cache);
    await users.list({ page: 1 }, 10);
    expect(await list.peek({ page: 1 }, 10)).toEqual({ page: 1, size: 10, load: 3 });
    await list.evict({ page: 1 }, 10);
    expect(await users.list({ page: 1 }, 10)).toMatchObject({ load: 4 });
  });

  it('is typed by the method', async () => {
    const cache = (await boot({}, Users)).get(RedisCache);
    const one = cached(Users, 'findOne', cache);
    const peeked: User | undefined = await one.peek(1);
    expect(peeked).toBeUndefined();
    // @ts-expect-error an id is a number
    await one.evict('1');
    // @ts-expect-error it takes one argument
    await one.evict(1, 2);
    // @ts-expect-error no method
    expect(() => cached(Users, 'loads', cache)).toThrow('Users.loads, which has no @Cacheable');
    expect(() => cached(Users, 'plain', cache)).toThrow('[RC_DECORATOR_TARGET]');
  });

  it('refuses another cache than that of the method', async () => {
    @CacheConfig({ cache: 'sessions' })
    class Sessions {
      @Cacheable() async find(id: number) {
        return id;
      }
    }
    const cache = (await boot({})).get(RedisCache);
    expect(() => cached(Sessions, 'find', cache)).toThrow(`@InjectCache('sessions')`);
  });
});

describe('enabled: false', () => {
  it('lets calls go straight through, and evictions do nothing', async () => {
    const app = await boot({ enabled: false, redis: { host: '127.0.0.1', port: 1 } }, Users);
    const [users, cache] = [app.get(Users), app.get(RedisCache)];
    const got = [await users.findOne(1), await users.findOne(1)];
    expect(got.map(({ load }) => load)).toEqual([1, 2]);
    expect(Object.isFrozen(got[0])).toBe(false);
    expect((await users.put(1)).load).toBe(0);
    expect(await users.remove(1)).toBe(1);
    const region = cache.region<number>('by-hand');
    expect(await region.getOrLoad(1, async ({ key, signal }) => (signal.aborted ? 0 : key.length))).toBe(
      'user:by-hand:1:json'.length,
    );
    expect(await region.get(1)).toBeUndefined();
    expect(await region.write(1, async () => 5)).toBe(5);
    await region.put(1, 5, { version: 1 });
    await region.evict(1);
    await region.clear();
    await cache.evictTags(['a']);
    await cache.clear();
    expect(await region.get(1)).toBeUndefined();
    expect(await cached(Users, 'findOne', cache).peek(1)).toBeUndefined();
    expect(cache.status().regions['profile']).toMatchObject({ bypasses: 2, loads: 0, fills: 0 });
    expect(cache.status().pendingEvictions).toBe(0);
  });
});

describe("keys: 'hashed'", () => {
  it('leaves no identifier to be read in keys', async () => {
    const regions = { profile: { keys: 'hashed' as const }, plain: { keys: 'plain' as const } };
    @Injectable()
    @CacheConfig({ region: 'profile' })
    class Logins {
      loads = 0;
      @Cacheable({ key: (mail: string) => mail }) async find(mail: string) {
        return { load: ++this.loads, mail };
      }
      @CacheEvict({ key: (mail: string) => mail }) async remove(mail: string) {
        return mail;
      }
    }
    const app = await boot({ regions }, Logins);
    const [logins, cache] = [app.get(Logins), app.get(RedisCache)];
    const one = cached(Logins, 'find', cache);
    expect(one.keyOf('ada@example.org')).toMatch(/^user:profile:~[\w-]{43}:json$/);
    expect(one.keyOf('ada@example.org')).not.toBe(one.keyOf('bob@example.org'));
    await logins.find('ada@example.org');
    expect((await logins.find('ada@example.org')).load).toBe(1);
    await logins.remove('ada@example.org');
    expect((await logins.find('ada@example.org')).load).toBe(2);
    expect(await cache.region('profile').get('ada@example.org')).toMatchObject({ load: 2 });
  });
});
