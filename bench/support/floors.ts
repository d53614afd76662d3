import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { type Contender, HOUR_MS, type OpenContender, type Setting, type Tiers } from './contender.js';

type Read = (key: string) => Promise<string | null>;

/** Reads of one turn become one MGET: the cheapest way there is to read many keys at once. */
function mgetPerTurn(client: Redis): Read {
  let waiting: { key: string; resolve: (text: string | null) => void; reject: (error: unknown) => void }[] = [];
  const flush = () => {
    const batch = waiting;
    waiting = [];
    client.mget(batch.map(({ key }) => key)).then(
      (texts) => batch.forEach(({ resolve }, n) => resolve(texts[n]!)),
      (error) => batch.forEach(({ reject }) => reject(error)),
    );
  };
  return (key) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ key, resolve, reject }) === 1) process.nextTick(flush);
    });
}

/** GET, else load and SET: a cache by hand, with nothing that keeps old values out. */
function readThrough(client: Redis, read: Read, prefix: string, { load, ttlMs = HOUR_MS }: Setting): OpenContender {
  return {
    async get(key) {
      const text = await read(prefix + key);
      if (text !== null) return JSON.parse(text);
      const value = await load(key);
      await client.set(prefix + key, JSON.stringify(value), 'PX', ttlMs);
      return value;
    },
    evict: (key) => client.del(prefix + key),
    evictMany: (keys) => client.del(keys.map((key) => prefix + key)),
    close: async () => client.disconnect(),
  };
}

/** An entry begins with the number its tag had; evicting a tag counts it up. */
function byTagNumbers(client: Redis, prefix: string, { load, ttlMs = HOUR_MS }: Setting): Partial<OpenContender> {
  const read = mgetPerTurn(client);
  return {
    async getTagged(key, tag) {
      const [text, number] = await Promise.all([read(`${prefix}t:${key}`), read(`${prefix}~${tag}`)]);
      const stamp = `${number}|`;
      if (text?.startsWith(stamp)) return JSON.parse(text.slice(stamp.length));
      const value = await load(key);
      await client.set(`${prefix}t:${key}`, stamp + JSON.stringify(value), 'PX', ttlMs);
      return value;
    },
    evictTag: (tag) => client.incr(`${prefix}~${tag}`),
  };
}

const LEASE = `local value = redis.call('GET', KEYS[1])
if value then return value end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', 5000) then return 1 end
return 0`;
const FILL = `if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`;

/** Only who holds the lease may fill, and an eviction takes the lease away: one load per key, and no old fill. */
async function byLease({ url, load, ttlMs = HOUR_MS }: Setting): Promise<OpenContender> {
  const client: any = new Redis(url, {
    enableAutoPipelining: true,
    scripts: { lease: { lua: LEASE, numberOfKeys: 2 }, fill: { lua: FILL, numberOfKeys: 2 } },
  });
  const read = mgetPerTurn(client);
  const running = new Map<string, Promise<unknown>>();
  const me = randomUUID();
  let made = 0;
  const fill = async (key: string) => {
    const [entry, lease, token] = [`lease:${key}`, `lease:${key}~`, `${me}:${made++}`];
    for (let waitMs = 5; ; waitMs = Math.min(2 * waitMs, 40)) {
      const answer = await client.lease(entry, lease, token);
      if (typeof answer === 'string') return JSON.parse(answer) as unknown;
      if (answer === 1) break;
      await sleep(waitMs);
    }
    const value = await load(key);
    await client.fill(entry, lease, token, JSON.stringify(value), ttlMs);
    return value;
  };
  return {
    async get(key) {
      const text = await read(`lease:${key}`);
      if (text !== null) return JSON.parse(text);
      let job = running.get(key);
      if (!job) running.set(key, (job = fill(key).finally(() => running.delete(key))));
      return job;
    },
    evict: (key) => client.del(`lease:${key}`, `lease:${key}~`),
    evictMany: (keys) => client.del(keys.flatMap((key) => [`lease:${key}`, `lease:${key}~`])),
    close: async () => client.disconnect(),
  };
}

/** The least that two tiers can be, without coherence. */
async function twoTiers(setting: Setting): Promise<OpenContender> {
  const client = new Redis(setting.url);
  const far = readThrough(client, mgetPerTurn(client), 'two:', setting);
  const near = new LRUCache<string, object>({ max: setting.maxEntries ?? 10_000, ttl: setting.ttlMs ?? HOUR_MS });
  const running = new Map<string, Promise<unknown>>();
  const read = async (key: string) => {
    const value = await far.get(key).finally(() => running.delete(key));
    near.set(key, value as object);
    return value;
  };
  return {
    ...far,
    get(key) {
      const value = near.get(key);
      if (value !== undefined) return Promise.resolve(value);
      let job = running.get(key);
      if (!job) running.set(key, (job = read(key)));
      return job;
    },
    evict(key) {
      near.delete(key);
      return far.evict(key);
    },
    evictMany(keys) {
      for (const key of keys) near.delete(key);
      return far.evictMany!(keys);
    },
  };
}

const floor = (name: string, tiers: Tiers, open: Contender['open']): Contender => ({
  name,
  role: 'floor',
  tiers,
  open,
});

/** What figures of Redis are compared with. */
export const GET_SET = 'ioredis, auto-pipelined GET + SET';

export const FLOORS: readonly Contender[] = [
  floor(GET_SET, 'l2', async (setting) => {
    const client = new Redis(setting.url, { enableAutoPipelining: true });
    return readThrough(client, (key) => client.get(key), 'piped:', setting);
  }),
  floor('ioredis, plain GET + SET', 'l2', async (setting) => {
    const client = new Redis(setting.url);
    return readThrough(client, (key) => client.get(key), 'plain:', setting);
  }),
  floor('ioredis, MGET a turn + SET', 'l2', async (setting) => {
    const client = new Redis(setting.url);
    const cache = readThrough(client, mgetPerTurn(client), 'mget:', setting);
    return { ...cache, ...byTagNumbers(client, 'mget:', setting) };
  }),
  floor('MGET a turn + lease by Lua', 'l2', byLease),
  floor('lru-cache + MGET a turn + SET', 'l1+l2', twoTiers),
];
