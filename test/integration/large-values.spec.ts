import { isDeepStrictEqual } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { engineOf, type RedisCache } from '../../lib/cache/redis-cache.js';
import { createCache } from '../../lib/create-cache.js';
import type { RedisCacheOptions } from '../../lib/options/redis-cache-options.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { waitUntil } from '../support/servers/processes.js';
import { sharedRedis } from '../support/servers/redis.js';

interface Row {
  readonly id: number;
  readonly name: string;
  readonly at: Date;
}

const rows = (count: number, name = 'Zoë') =>
  Array.from({ length: count }, (_, id): Row => ({ id, name: `${name} ${id}`, at: new Date(1.7e12 + id * 1_000) }));

const LARGE = rows(3_500);
/** `toEqual` takes seconds for so many rows. */
const same = (got: unknown, wanted: unknown) => expect(isDeepStrictEqual(got, wanted)).toBe(true);

const never = async (): Promise<never> => {
  throw new Error('it was not cached');
};

let redis: Awaited<ReturnType<typeof sharedRedis>>;
let client: Redis;
let service: string;
let services = 0;
const open: RedisCache[] = [];

beforeAll(async () => {
  redis = await sharedRedis();
  client = new Redis(redis.url);
});
beforeEach(() => {
  service = `large${process.pid}x${(services += 1)}`;
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => engineOf(cache).close()));
  const keys = await client.keys(`${service}:*`);
  if (keys.length > 0) await client.del(keys);
});
afterAll(async () => {
  client.disconnect();
  await redis.release();
});

async function start(options: Partial<RedisCacheOptions> = {}) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const resolved = resolveOptions({
    service,
    redis: { url: redis.url },
    commandTimeout: '5s',
    advice: false,
    ...options,
  });
  const cache = createCache(resolved, { logger: { log() {}, warn: write, error: write, debug() {} } });
  open.push(cache);
  await engineOf(cache).open();
  return { lines, users: cache.region<readonly Row[]>('users'), cache, counts: () => cache.status().regions['users']! };
}

/** On a busy machine an eviction may be acknowledged, and a value filled, after its call. */
const nothingUnderWay = (cache: RedisCache) =>
  waitUntil(
    () =>
      cache.status().pendingEvictions === 0 && Object.values(engineOf(cache).underWay).every((count) => count === 0),
    { what: 'the end of all that is under way' },
  );

const V = () => `${service}:users:1:json`;

/** The header of what stands there, and the payload. */
async function standing(): Promise<{ header: string; payload: Buffer }> {
  const raw = (await client.getBuffer(V()))!;
  const end = raw.indexOf('\n');
  return { header: raw.toString('utf8', 0, end), payload: raw.subarray(end + 1) };
}

const put = ({ header, payload }: { header: string; payload: Buffer }) =>
  client.set(V(), Buffer.concat([Buffer.from(`${header}\n`), payload]), 'KEEPTTL');

describe.each(['json', 'msgpack'] as const)('large values in Redis, %s', (codec) => {
  it('are compressed, and read by instances with and without the option, with L1 and without', async () => {
    const one = await start({ codec });
    same(await one.users.getOrLoad(1, async () => LARGE), LARGE);
    const { header, payload } = await standing();
    expect(header).toMatch(new RegExp(`\\|br\\+\\d{5,6} ${codec} `));
    expect(payload.length).toBeLessThan(Number(/br\+(\d+)/.exec(header)![1]) / 2);
    for (const options of [{}, { l1: false }, { compressFrom: false }, { compressFrom: false, l1: false }] as const) {
      const other = await start({ codec, ...options });
      for (let n = 0; n < 2; n++) same(await other.users.getOrLoad(1, never), LARGE);
      expect(other.counts()).toMatchObject({ loads: 0, decodeFailures: 0 });
    }
  });

  it('are written as they are by an instance without the option, and read by one with it', async () => {
    const one = await start({ codec, compressFrom: false });
    const other = await start({ codec, compressFrom: 1, l1: false });
    await one.users.getOrLoad(1, async () => LARGE);
    expect((await standing()).header).toMatch(new RegExp(`\\|${codec} `));
    same(await other.users.getOrLoad(1, never), LARGE);
    await one.users.evict(1);
    await other.users.getOrLoad(1, async () => LARGE);
    expect((await standing()).header).toContain('|br+');
    same(await one.users.getOrLoad(1, never), LARGE);
  });

  it('go with their tags, their region and their key', async () => {
    const one = await start({ codec, l1: false });
    const other = await start({ codec, l1: false, compressFrom: false });
    const evictions = [
      () => other.cache.evictTags(['all']),
      () => other.users.clear(),
      () => other.users.evict(1),
      () => one.users.evict(1),
    ];
    for (const [n, evict] of evictions.entries()) {
      const value = rows(3_500, `name ${n}`);
      await one.users.getOrLoad(1, async () => value, { tags: ['all'] });
      for (const { users } of [one, other]) same(await users.getOrLoad(1, never), value);
      await evict();
      for (const { users } of [one, other]) expect(await users.get(1)).toBeUndefined();
    }
  });

  it('stay as they are where they do not become smaller, or are small', async () => {
    const one = await start({ codec });
    const bytes = one.cache.region<Buffer>('users');
    const noise = brotliCompressSync(Buffer.from(Array.from({ length: 150_000 }, () => Math.random() * 256)));
    await bytes.getOrLoad(1, async () => noise);
    // as base64 in JSON it gains a quarter
    expect((await standing()).header).toContain(codec === 'json' ? '|br+' : '|msgpack ');
    await bytes.evict(1);
    await one.users.getOrLoad(1, async () => rows(3));
    expect((await standing()).header).toContain(`|${codec} `);
  });

  const bomb = brotliCompressSync(Buffer.alloc(64 * 1024 ** 2, 32), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
  });
  it.each<[string, (one: Awaited<ReturnType<typeof standing>>) => Awaited<ReturnType<typeof standing>>]>([
    ['cut short', ({ header, payload }) => ({ header, payload: payload.subarray(0, payload.length / 2) })],
    ['empty', ({ header }) => ({ header, payload: Buffer.alloc(0) })],
    ['overwritten', ({ header, payload }) => ({ header, payload: Buffer.alloc(payload.length, 0xff) })],
    ['of a bomb', ({ header }) => ({ header, payload: bomb })],
    ['of a bomb that says so', ({ header }) => ({ header: header.replace(/br\+\d+/, 'br+67108864'), payload: bomb })],
    ['of another length', ({ header, payload }) => ({ header: header.replace(/br\+\d/, 'br+9'), payload })],
    ['of no length', ({ header, payload }) => ({ header: header.replace(/br\+\d+/, 'br+'), payload })],
    ['compressed twice', ({ header, payload }) => ({ header: header.replace('br+', 'br+1 br+'), payload })],
    [
      'compressed in a way that is not known',
      ({ header, payload }) => ({ header: header.replace('br+', 'zs+'), payload }),
    ],
    ['said not to be compressed', ({ header, payload }) => ({ header: header.replace(/br\+\d+ /, ''), payload })],
  ])('are a miss when they are %s, with a count, and replaced', async (_, damage) => {
    const one = await start({ codec, l1: false });
    const other = await start({ codec, l1: false, compressFrom: false });
    for (const { users, counts, lines } of [one, other]) {
      await one.users.getOrLoad(1, async () => LARGE);
      await nothingUnderWay(one.cache);
      await put(damage(await standing()));
      expect(await users.get(1)).toBeUndefined();
      same(await users.getOrLoad(1, async () => rows(2_500)), rows(2_500));
      same(await users.getOrLoad(1, never), rows(2_500));
      expect(counts().decodeFailures).toBeGreaterThanOrEqual(2);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/an entry is taken as a miss.*\[RC_DECODE_FAILED\]/);
      await one.users.evict(1);
      await nothingUnderWay(one.cache);
    }
  });
});
