// Does the sizing calculator (npm run size) say what happens? One to eight instances on one Redis, reads and evictions
// at random, beside what it expects. npm run bench -- sizing          (REDIS_URL, else redis-server on PATH; 2 minutes)
import { Redis } from 'ioredis';
import { engineOf, type RedisCache } from '../lib/cache/redis-cache.js';
import { createCache } from '../lib/create-cache.js';
import { resolveOptions } from '../lib/options/resolve-options.js';
import { silentLogger } from '../lib/shared/logger.js';
import { expectedRates, type Traffic } from './sizing/traffic.js';
import { drawsOf } from './sizing/draws.js';
import { loadOf } from './sizing/load.js';
import { redisServer } from './support/redis-server.js';

const WARM_UP_SECONDS = 6;
const SECONDS = 12;
const VALUE = { text: 'x'.repeat(480) };
const BASE = { keys: 3_000, skew: 1, reads: 600, evictions: 10, ttlSeconds: 3, loadSeconds: 0.005, l1Entries: 200 };
const SIZE = { keyBytes: 'size:r:1000:json'.length, valueBytes: JSON.stringify(VALUE).length };
const fromSource = () => new Promise<object>((resolve) => setTimeout(() => resolve(VALUE), BASE.loadSeconds * 1_000));

const server = await redisServer();
const admin = new Redis(server.url);
const rows: Record<string, object> = {};
for (const instances of [1, 2, 4, 8]) {
  for (const l1Entries of [BASE.l1Entries, 0]) {
    const traffic = { ...BASE, instances, l1Entries, tombstoneSeconds: WARM_UP_SECONDS + SECONDS };
    const counted = await run(traffic);
    const expected = expectedRates(traffic);
    const load = loadOf(traffic, expected, SIZE);
    const cells = {
      'L1 hits': [counted.l1Hits, expected.l1Hits],
      'L2 hits': [counted.l2Hits, expected.l2Hits],
      misses: [counted.misses, expected.misses],
      entries: [counted.entries, expected.entries],
      // those of a hit are not told from those that functions run
      'function calls': [counted.calls, load.commands - 2 * (expected.l2Hits + expected.misses)],
      messages: [counted.messages, load.messages],
      'Redis KB': [counted.redisBytes / 1_000, load.redisBytes / 1_000],
    };
    rows[`${instances} instances, ${l1Entries ? 'L1' : 'no L1'}`] = Object.fromEntries(
      Object.entries(cells).map(([name, [is, said]]) => [name, shown(is!, said!)]),
    );
  }
}
console.log(`per second: measured / expected (${SECONDS} s each; ${JSON.stringify(BASE)})`);
console.table(rows);
console.log('CPU time of Redis per call, one after the other, and of an instance per message, µs');
console.table([await costs()]);
admin.disconnect();
await server.stop();

function shown(is: number, said: number): string {
  const off = said === 0 ? 0 : (100 * (is - said)) / said;
  return `${Math.round(is)} / ${Math.round(said)} (${off > 0 ? '+' : ''}${off.toFixed(0)} %)`;
}

async function run(traffic: Traffic) {
  await admin.flushall();
  const caches = await Promise.all(Array.from({ length: traffic.instances }, () => open(traffic)));
  const keyAt = drawsOf(traffic, Math.random);
  const emptyBytes = await usedBytes();
  await drive(caches, traffic, keyAt, WARM_UP_SECONDS);
  const before = counts(caches);
  const calls = await functionCalls();
  const messages = await delivered();
  await drive(caches, traffic, keyAt, SECONDS);
  const after = counts(caches);
  const rates = {
    l1Hits: (after.l1 - before.l1) / SECONDS,
    l2Hits: (after.l2 - before.l2) / SECONDS,
    misses: (after.misses - before.misses) / SECONDS,
    calls: ((await functionCalls()) - calls) / SECONDS,
    messages: ((await delivered()) - messages) / SECONDS,
    entries: (await admin.eval("return #redis.call('keys', 'size:r:*:json')", 0)) as number,
    redisBytes: (await usedBytes()) - emptyBytes,
  };
  await Promise.all(caches.map((cache) => engineOf(cache).close()));
  return rates;
}

/** What bench/sizing/load.ts calculates with. */
async function costs() {
  const CALLS = 4_000;
  const OTHERS = 8;
  const traffic = { ...BASE, ttlSeconds: 600, tombstoneSeconds: 1, instances: 1, l1Entries: 0 };
  const cache = await open(traffic);
  const region = cache.region<object>('r');
  const each = async (call: (n: number) => Promise<unknown>) => {
    const [mine, before] = [process.cpuUsage(), await redisMicros()];
    for (let n = 0; n < CALLS; n++) await call(n);
    const { user, system } = process.cpuUsage(mine);
    return { redis: ((await redisMicros()) - before) / CALLS, mine: (user + system) / CALLS };
  };
  const miss = await each((n) => region.getOrLoad(n, async () => VALUE));
  const hit = await each((n) => region.get(n));
  const eviction = await each((n) => region.evict(n));
  const others = await Promise.all(Array.from({ length: OTHERS }, () => open(traffic)));
  const heard = await each((n) => region.evict(n));
  await Promise.all([cache, ...others].map((one) => engineOf(one).close()));
  const message = (heard.redis - eviction.redis) / OTHERS;
  const received = (heard.mine - eviction.mine) / OTHERS;
  const all = { hit: hit.redis, miss: miss.redis, eviction: eviction.redis, message, received };
  return Object.fromEntries(Object.entries(all).map(([name, us]) => [name, us.toFixed(1)]));
}

async function redisMicros(): Promise<number> {
  const info = await admin.info('cpu');
  const seconds = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)![1]);
  return (seconds('used_cpu_sys') + seconds('used_cpu_user')) * 1e6;
}

async function open({ ttlSeconds, l1Entries }: Traffic): Promise<RedisCache> {
  const options = resolveOptions({
    service: 'size',
    redis: { url: server.url },
    ttl: ttlSeconds * 1_000,
    jitter: 0,
    l1: l1Entries === 0 ? false : { maxEntries: l1Entries },
  });
  const cache = createCache(options, { logger: silentLogger });
  await engineOf(cache).open();
  return cache;
}

/** Open loop: what is late is made up for. */
async function drive(caches: readonly RedisCache[], traffic: Traffic, keyAt: () => number, seconds: number) {
  const began = performance.now();
  const regions = caches.map((cache) => cache.region<object>('r'));
  const any = () => regions[Math.floor(Math.random() * regions.length)]!;
  let [reads, evictions] = [0, 0];
  const pending = new Set<Promise<unknown>>();
  const start = (call: Promise<unknown>) => {
    pending.add(call);
    void call.finally(() => pending.delete(call));
  };
  for (let at = 0; at < seconds;) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    at = Math.min(seconds, (performance.now() - began) / 1_000);
    for (; reads < traffic.reads * at; reads++) start(any().getOrLoad(keyAt(), fromSource));
    for (; evictions < traffic.evictions * at; evictions++) start(any().evict(keyAt()));
  }
  await Promise.all(pending);
}

function counts(caches: readonly RedisCache[]) {
  const sum = { l1: 0, l2: 0, misses: 0 };
  for (const cache of caches) {
    const { hitsL1, hitsL2, misses } = cache.status().regions['r'] ?? { hitsL1: 0, hitsL2: 0, misses: 0 };
    sum.l1 += hitsL1;
    sum.l2 += hitsL2;
    sum.misses += misses;
  }
  return sum;
}

async function usedBytes(): Promise<number> {
  return Number(/used_memory_dataset:(\d+)/.exec(await admin.info('memory'))![1]);
}

async function functionCalls(): Promise<number> {
  return Number(/cmdstat_fcall:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0);
}

/** Messages that subscribers got. */
async function delivered(): Promise<number> {
  const stats = await admin.info('commandstats');
  return Number(/cmdstat_publish:calls=(\d+)/.exec(stats)?.[1] ?? 0) * Number(await subscribers());
}

async function subscribers(): Promise<number> {
  const [, count] = (await admin.pubsub('NUMSUB', 'size:~events')) as [string, number];
  return count;
}
