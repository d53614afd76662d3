import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { type CacheRegion, RedisCache, RedisCacheModule } from '../../lib/index.js';
import { gate } from '../support/fake-clock.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';

/**
 * The timelines that cache-fence, DialCache and lease-cache publish in their suites and documents, and those that they
 * name as not covered, on this cache. See docs/coherence.md, "Beside others".
 */

let redis: RedisServer;
let admin: Redis;
let app: TestingModule;
let cache: RedisCache;
let works: CacheRegion<string | null>;
let db: string;

beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
});
afterAll(async () => {
  admin.disconnect();
  await redis.stop();
});
beforeEach(async () => {
  await admin.flushall();
  app = await Test.createTestingModule({
    imports: [
      RedisCacheModule.forRoot({
        service: 'timelines',
        redis: { url: redis.url },
        regions: { windowed: { ttl: 40, staleWhileRevalidate: '1m' } },
      }),
    ],
  }).compile();
  await app.init();
  cache = app.get(RedisCache);
  works = cache.region<string | null>('works');
  db = 'v1';
});
afterEach(() => app.close());

/** A load that reads the source, waits, and lets `meanwhile` happen before its value is filled. */
async function crossed(meanwhile: () => Promise<unknown>, region = works): Promise<string | null> {
  const hold = gate();
  const hasRead = gate();
  const loading = region.getOrLoad('k', async () => {
    const snapshot = db;
    hasRead.open();
    await hold.promise;
    return snapshot;
  });
  await hasRead.promise;
  db = 'v2';
  await meanwhile();
  hold.open();
  return loading;
}

const next = () => works.getOrLoad('k', async () => db);

describe('what the others keep', () => {
  it('a load that an eviction crosses is given to its caller and not kept', async () => {
    expect(await crossed(() => works.evict('k'))).toBe('v1');
    expect(await works.get('k')).toBeUndefined();
    expect(await next()).toBe('v2');
  });

  it('a fill that came just before the eviction is removed by it', async () => {
    await next();
    db = 'v2';
    await works.evict('k');
    expect(await next()).toBe('v2');
  });

  it('of many writers, those who began before the eviction are refused, and those after it accepted', async () => {
    const holds = Array.from({ length: 10 }, () => gate());
    const hasRead = holds.map(() => gate());
    const early = holds.map((hold, n) =>
      works.getOrLoad(n, async () => {
        hasRead[n]!.open();
        await hold.promise;
        return 'early';
      }),
    );
    await Promise.all(hasRead.map(({ promise }) => promise));
    await works.clear();
    const late = holds.map((_, n) => works.getOrLoad(100 + n, async () => 'late'));
    for (const hold of holds) hold.open();
    await Promise.all([...early, ...late]);
    const stand = (from: number) => Promise.all(holds.map((_, n) => works.get(from + n)));
    expect(new Set(await stand(0))).toEqual(new Set([undefined]));
    expect(new Set(await stand(100))).toEqual(new Set(['late']));
  });

  it('concurrent callers are one load; null is a value; an error is cached for nobody', async () => {
    let loads = 0;
    const load = async () => {
      loads += 1;
      return null;
    };
    await Promise.all(Array.from({ length: 20 }, () => works.getOrLoad('n', load)));
    await works.getOrLoad('n', load);
    expect(loads).toBe(1);
    const fail = async () => {
      throw new Error('source');
    };
    await expect(works.getOrLoad('e', fail)).rejects.toThrow('source');
    expect(await works.getOrLoad('e', async () => 'value')).toBe('value');
  });

  it('a background refresh that an eviction crosses is dropped, fresh and stale', async () => {
    const windowed = cache.region<string>('windowed');
    await windowed.getOrLoad('k', async () => db);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const hold = gate();
    const refreshing = gate();
    const slow = async () => {
      const snapshot = db;
      refreshing.open();
      await hold.promise;
      return snapshot;
    };
    expect(await windowed.getOrLoad('k', slow)).toBe('v1');
    await refreshing.promise;
    db = 'v2';
    await windowed.evict('k');
    hold.open();
    expect(await windowed.getOrLoad('k', async () => db)).toBe('v2');
  });
});

describe('what the others name as not covered', () => {
  it('FLUSHALL after the eviction brings no overtaken load back', async () => {
    await crossed(async () => {
      await works.evict('k');
      await admin.flushall();
    });
    expect(await next()).toBe('v2');
  });

  it('the loss of the safety data itself brings no overtaken load back', async () => {
    await crossed(async () => {
      await works.evict('k');
      await admin.del('timelines:~m', 'timelines:works:k:json~');
    });
    expect(await next()).toBe('v2');
  });

  it('the process memory of the instance that evicted holds nothing of before', async () => {
    await next();
    await next();
    db = 'v2';
    await works.evict('k');
    expect(await next()).toBe('v2');
  });
});
