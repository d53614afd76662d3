import { createHook } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { engineOf, type RedisCache } from '../../lib/cache/redis-cache.js';
import { createCache } from '../../lib/create-cache.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { silentLogger } from '../../lib/shared/logger.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';

const KEYS = 256;
let server: RedisServer;
const caches: RedisCache[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await Promise.all(caches.map((cache) => engineOf(cache).close()));
  await server.remove();
});

/** A region whose keys 0 to 255 are cached. */
async function warm(service: string, options: { l1?: false } = {}) {
  const cache = createCache(resolveOptions({ service, redis: { url: server.url }, ...options }), {
    logger: silentLogger,
  });
  caches.push(cache);
  await engineOf(cache).open();
  const region = cache.region<number>('users');
  for (let round = 0; round < 2; round++) {
    await Promise.all(Array.from({ length: KEYS }, (_, n) => region.getOrLoad(n, async () => n)));
  }
  return region;
}

const never = async () => Promise.reject(new Error('not a hit'));

/** Promises made while `run` runs, per call; the second time, unless something else is to be done before. */
async function promisesPer(calls: number, run: () => Promise<unknown>, before = run): Promise<number> {
  await before();
  let made = 0;
  const hook = createHook({ init: (_id, type) => void (type === 'PROMISE' && (made += 1)) }).enable();
  await run();
  hook.disable();
  return made / calls;
}

describe('promises per hit', () => {
  it('in Redis, 256 at once: that of the call', async () => {
    const region = await warm('many', { l1: false });
    const run = () => Promise.all(Array.from({ length: KEYS }, (_, n) => region.getOrLoad(n, never)));
    // Promise.all takes one of each
    expect(await promisesPer(KEYS, run)).toBeLessThanOrEqual(2.2);
  });

  it('in Redis, 16 at once: that, and its share of what their command makes', async () => {
    const region = await warm('some', { l1: false });
    const run = async () => {
      for (let first = 0; first < KEYS; first += 16) {
        await Promise.all(Array.from({ length: 16 }, (_, n) => region.getOrLoad(first + n, never)));
      }
    };
    // a poll may come between, and whatever else a busy machine lets meet
    const made = [await promisesPer(KEYS, run), await promisesPer(KEYS, run), await promisesPer(KEYS, run)];
    // Promise.all takes one of each; it and its await are two
    expect(Math.min(...made)).toBeLessThanOrEqual(2.3);
  });

  it('in Redis, one at a time: that, its await, and two of the command: its answer, and where it is judged', async () => {
    const region = await warm('single', { l1: false });
    const run = async () => {
      for (let n = 0; n < KEYS; n++) await region.getOrLoad(n, never);
    };
    expect(await promisesPer(KEYS, run)).toBeLessThanOrEqual(4.2);
  });

  it('in L1: that of the await, since all calls get one', async () => {
    const region = await warm('local');
    const run = async () => {
      for (let n = 0; n < KEYS; n++) await region.getOrLoad(n, never);
    };
    expect(await promisesPer(KEYS, run)).toBeLessThanOrEqual(1.1);
  });
});

describe('promises per miss, 256 at once, loaded and stored', () => {
  async function aRegion(service: string) {
    const region = await warm(service, { l1: false });
    const hit = () => Promise.all(Array.from({ length: KEYS }, (_, n) => region.getOrLoad(n, never)));
    let id = KEYS;
    /** Until the fills are answered, too. */
    const miss = async () => {
      const ids = Array.from({ length: KEYS }, () => (id += 1));
      await Promise.all(ids.map((n) => region.getOrLoad(n, async () => n)));
      // a read is judged after the replies to what was sent before it
      await new Promise((resolve) => setImmediate(resolve));
      expect(await region.get(id)).toBe(id);
    };
    return { hit, miss };
  }

  it('after a plain read: one more than by a lease at once', async () => {
    const { hit, miss } = await aRegion('seldom');
    const before = async () => {
      await miss();
      await hit();
    };
    expect(await promisesPer(KEYS, miss, before)).toBeLessThanOrEqual(16.8);
  });

  it('by a lease at once, where the region finds next to nothing', async () => {
    const { miss } = await aRegion('often');
    // one is that of the load, one is made by Promise.all; half of one is its share of the calls of 32 keys
    expect(await promisesPer(KEYS, miss)).toBeLessThanOrEqual(15.8);
  });
});
