import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { engineOf, type RedisCache } from '../../lib/cache/redis-cache.js';
import { createCache } from '../../lib/create-cache.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

type Means = 'tracking' | 'keyspace';

/** D, ms. */
const MAX_AGE = 400;
/** A D that no test waits for, ms: what happens before it is no work of the clock, however busy the machine is. */
const LONG = 60_000;

let redis: RedisServer;
let client: Redis;
const open: RedisCache[] = [];
const log: string[] = [];

beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
});
beforeEach(async () => {
  await client.flushall();
  await client.config('SET', 'notify-keyspace-events', 'Kg');
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => engineOf(cache).close()));
  await client.call('ACL', 'SETUSER', 'default', '+@all');
  log.length = 0;
});
afterAll(async () => {
  client?.disconnect();
  await redis?.remove();
});

async function start(foreignWrites: Means | false, maxAge = MAX_AGE): Promise<RedisCache> {
  const write = (message: string) => void log.push(message);
  const options = resolveOptions({
    service: 'user',
    redis: { url: redis.url },
    l1: { maxAge },
    foreignWrites,
  });
  const cache = createCache(options, { logger: { log: write, warn: write, error: write, debug() {} } });
  await engineOf(cache).open();
  open.push(cache);
  return cache;
}

const profile = (cache: RedisCache) => cache.region<string>('profile');
const hitsL1 = (cache: RedisCache) => cache.status().regions['profile']!.hitsL1;
const read = (cache: RedisCache, value: string) => profile(cache).getOrLoad(9876, async () => value);

/** Until the value is served from memory. */
async function intoMemory(cache: RedisCache, value: string): Promise<void> {
  await waitUntil(
    async () => {
      const before = cache.status().regions['profile']?.hitsL1 ?? 0;
      expect(await read(cache, value)).toBe(value);
      return hitsL1(cache) > before;
    },
    { what: 'a hit of L1' },
  );
}

/** D by the clock: a timer counts from the beginning of the turn that set it, which may be a while ago. */
async function passD(): Promise<void> {
  const endMs = performance.now() + MAX_AGE;
  while (performance.now() <= endMs) await sleep(1 + endMs - performance.now());
}

describe.each<Means>(['tracking', 'keyspace'])('foreignWrites: %s', (means) => {
  it('lets L1 of every instance follow a DEL of redis-cli', async () => {
    const caches = [await start(means, LONG), await start(means, LONG)];
    for (const cache of caches) await intoMemory(cache, 'old');
    redisCli(redis.port, ['DEL', 'user:profile:9876:json']);
    for (const cache of caches) await waitUntil(async () => (await read(cache, 'new')) === 'new', { what: 'the DEL' });
  });

  it('leaves L1 alone where others write other keys', async () => {
    const cache = await start(means, LONG);
    await intoMemory(cache, 'old');
    redisCli(redis.port, ['DEL', 'user2:profile:9876:json', 'profile:9876']);
    redisCli(redis.port, ['SET', 'user2:profile:9876:json', 'x']);
    await sleep(30);
    const before = hitsL1(cache);
    expect(await read(cache, 'new')).toBe('old');
    expect(hitsL1(cache)).toBe(before + 1);
  });

  it('serves nothing from L1 that a lost message may have voided, and L1 again when it is back', async () => {
    const cache = await start(means);
    await intoMemory(cache, 'old');
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await client.del('user:profile:9876:json');
    await passD();
    expect(await read(cache, 'new')).toBe('new');
    await intoMemory(cache, 'new');
  });

  it('does not serve L1 beyond D where the means cannot be had again', async () => {
    const cache = await start(means);
    await intoMemory(cache, 'old');
    await client.call('ACL', 'SETUSER', 'default', '-client|tracking', '-psubscribe');
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await waitUntil(() => log.some((line) => line.includes(`foreignWrites: '${means}'`)));
    await passD();
    const before = hitsL1(cache);
    for (let n = 0; n < 20; n++) {
      await client.del('user:profile:9876:json');
      expect(await read(cache, `value ${n}`)).toBe(`value ${n}`);
      await sleep(10);
    }
    expect(hitsL1(cache)).toBe(before);
    // of each reason one; on a busy machine an answer may be late besides
    const told = log.filter((line) => line.includes('are not told'));
    expect(told.filter((line) => !line.includes('timed out'))).toHaveLength(1);
    expect(new Set(told).size).toBe(told.length);
  });
});

it('keyspace says what the server lacks', async () => {
  await client.config('SET', 'notify-keyspace-events', '');
  const cache = await start('keyspace');
  await waitUntil(() => log.some((line) => line.includes('notify-keyspace-events is ""')));
  await read(cache, 'old');
  await sleep(50);
  const before = hitsL1(cache);
  await read(cache, 'old');
  expect(hitsL1(cache)).toBe(before);
});

it('is off by default: no connection, and L1 keeps what a DEL removed', async () => {
  const cache = await start(false, LONG);
  await intoMemory(cache, 'old');
  expect(String(await client.client('LIST'))).not.toMatch(/flags=\S*t/);
  await client.del('user:profile:9876:json');
  await sleep(30);
  expect(await read(cache, 'new')).toBe('old');
});

it('is refused on Cluster', () => {
  const options = resolveOptions({
    service: 'user',
    redis: { nodes: [{ host: '127.0.0.1', port: 1 }] },
    foreignWrites: 'tracking',
  });
  const logger = { log() {}, warn() {}, error() {}, debug() {} };
  expect(() => createCache(options, { logger })).toThrow(
    /foreignWrites is 'tracking', which is not for Cluster.*RC_INVALID_OPTION/,
  );
});
