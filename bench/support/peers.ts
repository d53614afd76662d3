import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Redis as Redis6 } from 'ioredis';
import { type Contender, HOUR_MS, type Tiers } from './contender.js';

const from = createRequire(join(process.cwd(), 'bench', 'peers', 'package.json'));
/** @throws Error it is not installed */
export const packageOfPeers = async (name: string): Promise<any> => import(pathToFileURL(from.resolve(name)).href);
const quiet = <T extends { on(event: 'error', listener: () => void): unknown }>(client: T): T => {
  client.on('error', () => {});
  return client;
};
const FIVE_MINUTES_MS = 300_000;

/** @param open of the packages' modules, in their order */
function peer(name: string, tiers: Tiers, packages: string[], open: (modules: any[]) => Contender['open']) {
  return async (): Promise<Contender> => ({
    name,
    role: 'peer',
    tiers,
    open: open(await Promise.all(packages.map(packageOfPeers))),
  });
}

const BENTO = ['bentocache', 'bentocache/drivers/memory', 'bentocache/drivers/redis', 'ioredis'];

const bento =
  (tiers: Tiers) =>
  ([
    { BentoCache, bentostore },
    { memoryDriver },
    { redisBusDriver, redisDriver },
    { Redis },
  ]: any[]): Contender['open'] =>
  async ({ url, load: factory, ttlMs = FIVE_MINUTES_MS, maxEntries = 10_000 }) => {
    let store = bentostore();
    if (tiers !== 'l2') store = store.useL1Layer(memoryDriver({ maxItems: maxEntries }));
    if (tiers !== 'l1') {
      const connection = quiet(new Redis(url, { enableAutoPipelining: true }));
      store = store.useL2Layer(redisDriver({ connection }));
    }
    if (tiers === 'l1+l2') {
      const { hostname: host, port } = new URL(url);
      store = store.useBus(redisBusDriver({ connection: { host, port: Number(port) } }));
    }
    const cache = new BentoCache({ default: 'main', stores: { main: store }, ttl: ttlMs });
    cache.use();
    await sleep(200); // its bus subscribes in the background
    return {
      get: (key) => cache.getOrSet({ key, factory: () => factory(key) }),
      getTagged: (key, tag) => cache.getOrSet({ key, tags: [tag], factory: () => factory(key) }),
      evict: (key) => cache.delete({ key }),
      evictMany: (keys) => cache.deleteMany({ keys }),
      evictTag: (tag) => cache.deleteByTag({ tags: [tag] }),
      close: () => cache.disconnectAll(),
    };
  };

const cacheable =
  (tiers: Tiers) =>
  ([{ Cacheable, createKeyv }, keyvRedis]: any[]): Contender['open'] =>
  async ({ url, load: factory, ttlMs = FIVE_MINUTES_MS, maxEntries = 10_000 }) => {
    const redis = () => {
      const store = quiet(keyvRedis.createKeyv(url, { namespace: 'cacheable' }));
      store.store.on('error', () => {});
      return store;
    };
    const memory = () => createKeyv({ ttl: ttlMs, lruSize: maxEntries });
    const open = (hasTags: boolean) => {
      const primary = tiers === 'l2' ? redis() : memory();
      const cache = new Cacheable({
        primary,
        ...(tiers === 'l1+l2' ? { secondary: redis() } : {}),
        ttl: ttlMs,
        tags: hasTags,
      });
      return quiet(cache as never) as typeof cache;
    };
    const [plain, tagged] = [open(false), open(true)];
    return {
      get: (key) => plain.getOrSet(key, () => factory(key)),
      async getTagged(key, tag) {
        const found = await tagged.get(key);
        if (found !== undefined) return found;
        const value = await factory(key);
        await tagged.set(key, value, { tags: [tag] });
        return value;
      },
      evict: (key) => plain.delete(key),
      evictMany: (keys) => plain.deleteMany(keys),
      evictTag: (tag) => tagged.tags.invalidateTag(tag),
      close: () => Promise.all([plain.disconnect(), tagged.disconnect()]),
    };
  };

const cacheManager =
  (tiers: Tiers) =>
  ([{ createCache }, { CacheableMemory }, { Keyv }, { createKeyv }]: any[]): Contender['open'] =>
  async ({ url, load: factory, ttlMs = FIVE_MINUTES_MS, maxEntries = 10_000 }) => {
    const stores = [];
    if (tiers !== 'l2') stores.push(new Keyv({ store: new CacheableMemory({ ttl: ttlMs, lruSize: maxEntries }) }));
    if (tiers !== 'l1') {
      const store = quiet(createKeyv(url, { namespace: 'manager' }));
      (store as any).store.on('error', () => {});
      stores.push(store);
    }
    const cache = createCache({ stores, ttl: ttlMs });
    return {
      get: (key) => cache.wrap(key, () => factory(key)),
      evict: (key) => cache.del(key),
      evictMany: (keys) => cache.mdel(keys),
      close: () => cache.disconnect(),
    };
  };

const layeredLoader =
  (tiers: Tiers) =>
  ([{ createNotificationPair, GroupLoader, Loader, RedisCache, RedisGroupCache }]: any[]): Contender['open'] =>
  async ({ url, load: factory, ttlMs = FIVE_MINUTES_MS, maxEntries = 10_000 }) => {
    const silent = { error() {}, warn() {}, info() {}, debug() {} };
    const plain = () => quiet(new Redis6(url));
    const redis = quiet(new Redis6(url, { enableAutoPipelining: true }));
    const [inMemory, far, ears] = [tiers !== 'l2', tiers !== 'l1', tiers === 'l1+l2'];
    const pair = ears
      ? createNotificationPair({ channel: 'bench', consumerRedis: plain(), publisherRedis: plain() })
      : null;
    const shared = { logger: silent, cacheUpdateErrorHandler() {}, loadErrorHandler() {} };
    const cache = new Loader({
      ...shared,
      ...(inMemory ? { inMemoryCache: { cacheType: 'lru-map', ttlInMsecs: ttlMs, maxItems: maxEntries } } : {}),
      ...(far ? { asyncCache: new RedisCache(redis, { json: true, ttlInMsecs: ttlMs, prefix: 'll' }) } : {}),
      ...(pair ? { notificationConsumer: pair.consumer, notificationPublisher: pair.publisher } : {}),
      dataSourceGetOneFn: factory,
    });
    await cache.init?.();
    const groups = new GroupLoader({
      ...shared,
      asyncCache: new RedisGroupCache(redis, { json: true, ttlInMsecs: ttlMs, prefix: 'llg' }),
      dataSources: [
        { name: 'source', getFromGroup: factory, getManyFromGroup: (keys: string[]) => Promise.all(keys.map(factory)) },
      ],
    });
    return {
      get: (key) => cache.get(key),
      getTagged: (key, tag) => groups.get(key, tag),
      evict: (key) => cache.invalidateCacheFor(key),
      evictMany: (keys) => cache.invalidateCacheForMany(keys),
      evictTag: (tag) => groups.invalidateCacheForGroup(tag),
      async close() {
        await cache.close();
        redis.disconnect();
      },
    };
  };

const asyncCacheDedupe =
  (tiers: Tiers) =>
  ([{ createCache }, { default: Valkey }]: any[]): Contender['open'] =>
  async ({ url, load: factory, ttlMs = FIVE_MINUTES_MS, maxEntries = 10_000 }) => {
    const client = tiers === 'l2' ? quiet(new Valkey(url, { enableAutoPipelining: true })) : null;
    const open = (more: object) =>
      createCache({
        ttl: Math.ceil(ttlMs / 1_000),
        storage: client
          ? { type: 'redis', options: { client, ...more } }
          : { type: 'memory', options: { size: maxEntries } },
      });
    const plain = open({}).define('item', factory);
    const tagged = open({ invalidation: { referencesTTL: HOUR_MS / 1_000 } });
    type Tagged = { key: string; tag: string };
    const traits = { serialize: ({ key }: Tagged) => key, references: ({ tag }: Tagged) => [tag] };
    tagged.define('tagged', traits, ({ key }: Tagged) => factory(key));
    return {
      get: (key) => plain.item(key),
      getTagged: (key, tag) => tagged.tagged({ key, tag }),
      evict: (key) => plain.clear('item', key),
      evictTag: (tag) => tagged.invalidate('tagged', [tag]),
      close: async () => (client as any)?.disconnect(),
    };
  };

const typeCacheable =
  (tiers: Tiers) =>
  ([{ Cacheable, CacheClear }, { useAdapter }, { Redis }]: any[]): Contender['open'] =>
  async ({ url, load: factory, ttlMs = FIVE_MINUTES_MS }) => {
    const redis = tiers === 'l2' ? quiet(new Redis(url)) : null;
    const client = redis ? useAdapter(redis) : mapClient();
    const decorated = (decorator: any, method: (...args: any[]) => unknown): any => {
      const descriptor = { value: method, writable: true, configurable: true, enumerable: false };
      return (decorator({}, 'method', descriptor) ?? descriptor).value;
    };
    const [first, second] = [(args: string[]) => args[0], (args: string[]) => args[1]];
    const options = { client, ttlSeconds: Math.ceil(ttlMs / 1_000), cacheKey: first };
    const read = async (key: string) => factory(key);
    return {
      get: decorated(Cacheable(options), read).bind({}),
      getTagged: decorated(Cacheable({ ...options, hashKey: second }), read).bind({}),
      evict: decorated(CacheClear({ client, cacheKey: first }), async () => {}).bind({}),
      evictTag: decorated(CacheClear({ client, hashKey: first }), async () => {}).bind({}),
      close: async () => (redis as any)?.disconnect(),
    };
  };

/** Nothing but the decorator costs anything. */
function mapClient(): object {
  const map = new Map<string, unknown>();
  return {
    get: async (key: string) => map.get(key),
    set: async (key: string, value: unknown) => void map.set(key, value),
    del: async (key: string) => map.delete(key),
    getClientTTL: () => 0,
    keys: async () => [],
    delHash: async () => {},
  };
}

const MANAGER = ['cache-manager', 'cacheable', 'keyv', '@keyv/redis'];
const TYPE_CACHEABLE = ['@type-cacheable/core', '@type-cacheable/ioredis-adapter', 'ioredis'];
const DEDUPE = ['async-cache-dedupe', 'iovalkey'];

const ALL = [
  peer('bentocache, memory', 'l1', BENTO, bento('l1')),
  peer('bentocache, Redis', 'l2', BENTO, bento('l2')),
  peer('bentocache, memory + Redis + bus', 'l1+l2', BENTO, bento('l1+l2')),
  peer('cacheable, memory', 'l1', ['cacheable', '@keyv/redis'], cacheable('l1')),
  peer('cacheable, Redis', 'l2', ['cacheable', '@keyv/redis'], cacheable('l2')),
  peer('cacheable, memory + Redis', 'l1+l2', ['cacheable', '@keyv/redis'], cacheable('l1+l2')),
  peer('cache-manager, memory', 'l1', MANAGER, cacheManager('l1')),
  peer('cache-manager, Redis', 'l2', MANAGER, cacheManager('l2')),
  peer('cache-manager, memory + Redis', 'l1+l2', MANAGER, cacheManager('l1+l2')),
  peer('layered-loader, memory', 'l1', ['layered-loader'], layeredLoader('l1')),
  peer('layered-loader, Redis', 'l2', ['layered-loader'], layeredLoader('l2')),
  peer('layered-loader, memory + Redis + notifications', 'l1+l2', ['layered-loader'], layeredLoader('l1+l2')),
  peer('async-cache-dedupe, memory', 'l1', DEDUPE, asyncCacheDedupe('l1')),
  peer('async-cache-dedupe, Redis', 'l2', DEDUPE, asyncCacheDedupe('l2')),
  peer('type-cacheable, decorated, on a Map', 'l1', TYPE_CACHEABLE, typeCacheable('l1')),
  peer('type-cacheable, decorated, Redis', 'l2', TYPE_CACHEABLE, typeCacheable('l2')),
];

/** Those of bench/peers that are installed and run on this Node. */
export async function peers(): Promise<Contender[]> {
  const found: Contender[] = [];
  const missing = new Set<string>();
  for (const one of ALL) {
    try {
      found.push(await one());
    } catch (error) {
      missing.add((error as Error).message.split('\n')[0]!);
    }
  }
  for (const reason of missing) {
    console.log(`A peer is left out (${reason}): npm install --no-package-lock --prefix bench/peers`);
  }
  return found;
}
