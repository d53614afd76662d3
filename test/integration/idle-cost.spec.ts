import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { engineOf, type RedisCache } from '../../lib/cache/redis-cache.js';
import { createCache } from '../../lib/create-cache.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { RedisConnectionOptions } from '../../lib/options/redis-connection.js';
import type { RedisCacheOptions } from '../../lib/options/redis-cache-options.js';
import { silentLogger } from '../../lib/shared/logger.js';
import { type ClusterServers, startCluster } from '../support/servers/cluster.js';
import { sleep } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

const WINDOW_MS = 4_000;
const MOST_WINDOWS = 5;

let cluster: ClusterServers;
let server: RedisServer;
let caches: RedisCache[] = [];

beforeAll(async () => {
  [cluster, server] = await Promise.all([startCluster({ replicas: 0 }), startRedis()]);
}, 30_000);
afterAll(async () => {
  await cluster.stop();
  await server.remove();
});
afterEach(async () => {
  await Promise.all(caches.map((cache) => engineOf(cache).close()));
  caches = [];
});

async function start(redis: RedisConnectionOptions, options: Partial<RedisCacheOptions> = {}): Promise<RedisCache> {
  const cache = createCache(resolveOptions({ service: 'idle', redis, ...options }), { logger: silentLogger });
  caches.push(cache);
  await engineOf(cache).open();
  return cache;
}

/** Calls of a command since the start, by clients and inside functions, of all servers together. */
function callsOf(ports: readonly number[], command: string): number {
  return ports.reduce((sum, port) => {
    const stats = redisCli(port, ['INFO', 'commandstats']);
    return sum + Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  }, 0);
}

/** What clients send by themselves, per second. */
async function rateOf(ports: readonly number[]): Promise<number> {
  const sent = () => ['fcall', 'ssubscribe', 'subscribe', 'mget'].reduce((sum, one) => sum + callsOf(ports, one), 0);
  const before = sent();
  await sleep(WINDOW_MS);
  return (sent() - before) / (WINDOW_MS / 1_000);
}

/** The same once it has come to rest: on a busy machine some of what 2,000 reads began is still on its way. */
async function restingRateOf(ports: readonly number[], most: number): Promise<number> {
  for (let windows = 1; ; windows++) {
    const rate = await rateOf(ports);
    if (rate <= most || windows === MOST_WINDOWS) return rate;
  }
}

describe('commands per second of an instance that nobody asks', () => {
  it('on a Cluster of three masters and 256 buckets: a poll of each master a second, and a heartbeat of its channel', async () => {
    await start({ nodes: cluster.rootNodes });
    expect(await rateOf(cluster.masterPorts())).toBeLessThanOrEqual(6);
  }, 30_000);

  it('on one server', async () => {
    await start({ url: server.url });
    expect(await rateOf([server.port])).toBeLessThanOrEqual(2);
  }, 30_000);
});

describe('polls per second of an instance in use', () => {
  it.each([
    ['with L1, every 250 ms', {}, 4],
    ['without L1, less often', { l1: false } as const, 2.5],
  ])(
    '%s: one for each master, whatever buckets are used',
    async (_name, options, perMaster) => {
      const cache = await start({ nodes: cluster.rootNodes }, options);
      const users = cache.region<number>('users');
      await Promise.all(Array.from({ length: 2_000 }, (_, n) => users.getOrLoad(n, async () => n)));
      const ports = cluster.masterPorts();
      const most = 3 * (perMaster + 1);
      expect(await restingRateOf(ports, most)).toBeLessThanOrEqual(most);
    },
    60_000,
  );
});

describe('messages', () => {
  it('are none for fills that nobody waits for', async () => {
    const [cache] = await Promise.all([start({ url: server.url }), start({ url: server.url })]);
    const users = cache.region<number>('users');
    await users.getOrLoad('first', async () => 1);
    const before = callsOf([server.port], 'publish');
    await Promise.all(Array.from({ length: 200 }, (_, n) => users.getOrLoad(n, async () => n)));
    expect(cache.status().regions['users']).toMatchObject({ fills: 201 });
    expect(callsOf([server.port], 'publish')).toBe(before);
  });
});
