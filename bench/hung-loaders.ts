// What becomes of 1,000 keys whose loaders hang in one instance: npm run bench -- hung-loaders
// (REDIS_URL, else redis-server on PATH)
import { setTimeout as sleep } from 'node:timers/promises';
import { engineOf, type RedisCache } from '../lib/cache/redis-cache.js';
import { createCache } from '../lib/create-cache.js';
import { resolveOptions } from '../lib/options/resolve-options.js';
import { silentLogger } from '../lib/shared/logger.js';
import { keysOf } from './support/contenders.js';
import { printTable } from './support/print-table.js';
import { redisServer } from './support/redis-server.js';

const KEYS = keysOf('key', 1_000);
const server = await redisServer();

async function instance(more: object): Promise<RedisCache> {
  const options = resolveOptions({ service: 'bench', redis: { url: server.url }, ...more });
  const cache = createCache(options, { logger: silentLogger });
  await engineOf(cache).open();
  return cache;
}

/** How long each call took, ms, sorted; NaN: not answered within the limit. */
async function times(calls: readonly (() => Promise<unknown>)[], limitMs: number): Promise<number[]> {
  const from = performance.now();
  const all = calls.map(async (call) => {
    const answer = call().then(
      () => performance.now() - from,
      () => performance.now() - from,
    );
    return Promise.race([answer, sleep(limitMs, NaN)]);
  });
  return (await Promise.all(all)).sort((a, b) => a - b);
}

const never = () => new Promise<never>(() => {});

async function trial(name: string, region: string, more: object) {
  const [sick, other] = [await instance(more), await instance(more)];
  const first = times(
    KEYS.map((key) => () => sick.region(region).getOrLoad(key, never)),
    15_000,
  );
  await sleep(200);
  const asks = (cache: RedisCache) => KEYS.map((key) => () => cache.region(region).getOrLoad(key, async () => key));
  const [there, here, own] = await Promise.all([times(asks(other), 15_000), times(asks(sick), 15_000), first]);
  const rows = [
    ['callers of the loaders that hang', own] as const,
    ['new callers in the same instance', here] as const,
    ['callers in another instance', there] as const,
  ].map(([who, all]) => {
    const answered = all.filter((ms) => !Number.isNaN(ms));
    return {
      who,
      answered: answered.length,
      stuck: all.length - answered.length,
      'median s': (answered[Math.floor(answered.length / 2)] ?? NaN) / 1_000,
      'longest s': (answered.at(-1) ?? NaN) / 1_000,
    };
  });
  printTable(name, rows);
  await Promise.race([Promise.all([sick, other].map((cache) => engineOf(cache).close())), sleep(2_000)]);
}

await trial('1,000 loaders that hang, default settings (lease 10 s)', 'plain', {});
await trial('the same, lease 2 s', 'short', { lease: '2s' });
await trial('the same, timeout.hard 1 s', 'bounded', { timeout: { hard: '1s' } });
await server.stop();
process.exit(0);
