import { functionName } from '../../lib/stores/redis/functions/protocol-version.js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RemoteStore } from '../../lib/stores/remote-store.js';
import { anEntry, aToken, cached, lease, type Place } from '../contract/remote-store/actions.js';
import { openRedisStore, type OpenedStore } from '../support/redis-store.js';
import { engineOf } from '../../lib/cache/redis-cache.js';
import { createCache } from '../../lib/create-cache.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { silentLogger } from '../../lib/shared/logger.js';
import { type Proxy, startProxy } from '../support/servers/proxy.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';

let server: RedisServer;
let proxy: Proxy;
let admin: Redis;
let monitor: Redis;
let seen: string[] = [];
let one: OpenedStore;
let store: RemoteStore;

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
  monitor = await admin.monitor();
  monitor.on('monitor', (_time: string, args: string[], source: string) => {
    if (source !== 'lua' && args[1] !== 'marker') seen.push(args.map(String).slice(0, 2).join(' '));
  });
  proxy = await startProxy(server.port);
});
afterAll(async () => {
  monitor.disconnect();
  admin.disconnect();
  await proxy.stop();
  await server.remove();
});
beforeEach(async () => {
  one = await openRedisStore({ port: proxy.port });
  store = one.store;
});
afterEach(async () => {
  await one.close();
  await admin.flushall();
});

const placeOf = (identifier = '1'): Place => ({
  key: one.keyspace.key('profile', identifier, 'json'),
  region: 'profile',
});

/** Top-level commands of the store while `action` runs, and how many writes reached the server. */
async function sentBy(action: () => Promise<unknown>): Promise<{ commands: string[]; writes: number }> {
  await barrier();
  seen = [];
  const before = proxy.writes();
  await action();
  const writes = proxy.writes() - before;
  await barrier();
  return { commands: seen.filter((command) => !command.startsWith('PING')), writes };
}

/** MONITOR has shown everything up to now. */
async function barrier(): Promise<void> {
  const marker = new Promise<void>((resolve) => {
    const onMonitor = (_time: string, args: string[]) => {
      if (args[1] !== 'marker') return;
      monitor.off('monitor', onMonitor);
      resolve();
    };
    monitor.on('monitor', onMonitor);
  });
  await admin.get('marker');
  await marker;
}

describe('round trips', () => {
  it('a hit is HMGET and GET in one write', async () => {
    await cached(store, placeOf());
    expect(await sentBy(async () => store.read({ ...placeOf(), binary: false }))).toEqual({
      commands: ['hmget user:~m', 'get user:profile:1:json'],
      writes: 1,
    });
  });

  it('the hits of one turn are HMGET and MGET in one write', async () => {
    const places = Array.from({ length: 100 }, (_, n) => placeOf(String(n)));
    const sent = await sentBy(() => Promise.all(places.map((place) => store.read({ ...place, binary: false }))));
    expect(sent).toEqual({ commands: ['hmget user:~m', 'mget user:profile:0:json'], writes: 1 });
  });

  it('text and bytes in one turn share both', async () => {
    const sent = await sentBy(() =>
      Promise.all([
        store.read({ ...placeOf('1'), binary: false }),
        store.read({ ...placeOf('2'), binary: true }),
        store.read({ ...placeOf('3'), binary: true }),
      ]),
    );
    expect(sent).toEqual({
      commands: ['hmget user:~m', 'mget user:profile:1:json'],
      writes: 1,
    });
  });

  it('a miss is the read and the lease; the fill is one more', async () => {
    const token = aToken();
    const miss = await sentBy(async () => {
      await store.read({ ...placeOf(), binary: false });
      await lease(store, placeOf(), { token });
    });
    expect(miss).toEqual({
      commands: ['hmget user:~m', 'get user:profile:1:json', `fcall ${functionName('getl')}`],
      writes: 2,
    });
    const filled = await sentBy(() => store.fill({ ...placeOf(), token, ...anEntry() }));
    expect(filled).toEqual({ commands: [`fcall ${functionName('fill')}`], writes: 1 });
  });

  it('32 misses of one turn are one lease call, and their fills one fill', async () => {
    const places = Array.from({ length: 32 }, (_, n) => placeOf(String(n)));
    const tokens = places.map(() => aToken());
    const leased = await sentBy(() =>
      Promise.all(places.map((place, n) => lease(store, place, { token: tokens[n]! }))),
    );
    expect(leased).toEqual({ commands: [`fcall ${functionName('getl')}`], writes: 1 });
    const filled = await sentBy(() =>
      Promise.all(places.map((place, n) => store.fill({ ...place, token: tokens[n]!, ...anEntry() }))),
    );
    expect(filled).toEqual({ commands: [`fcall ${functionName('fill')}`], writes: 1 });
  });

  it('an evict is one, for many keys of a bucket too; a mark is one; a fenced write is two', async () => {
    const { key } = placeOf();
    const tombstoneMs = 1_000;
    expect(await sentBy(() => store.evict({ keys: [key], tombstoneMs }))).toMatchObject({
      commands: [`FCALL ${functionName('evict')}`],
      writes: 1,
    });
    const keys = Array.from({ length: 50 }, (_, n) => placeOf(String(n)).key);
    expect(await sentBy(() => store.evict({ keys, tombstoneMs }))).toMatchObject({
      commands: [`FCALL ${functionName('evict')}`],
    });
    expect(await sentBy(() => store.stamp({ bucket: 0, marks: ['t:a'] }))).toEqual({
      commands: [`FCALL ${functionName('mark')}`],
      writes: 1,
    });
    const strict = await sentBy(async () => {
      await store.fence({ keys: [key], fence: 'f', fenceMs: 1_000, tombstoneMs });
      await store.unfence({ keys: [key], fence: 'f', tombstoneMs });
    });
    expect(strict).toEqual({
      commands: [`FCALL ${functionName('fence')}`, `FCALL ${functionName('unfence')}`],
      writes: 2,
    });
  });
});

/** What the server runs for one action, in functions too, by command. */
async function runBy(action: (n: number) => Promise<unknown>): Promise<Record<string, number>> {
  const TIMES = 20;
  await action(0);
  await admin.config('RESETSTAT');
  for (let n = 1; n <= TIMES; n++) await action(n);
  const stats = await admin.info('commandstats');
  const calls = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, count]): [string, number] => [
    name!,
    Number(count) / TIMES,
  ]);
  // the channel subscribes every 2 s
  return Object.fromEntries(calls.filter(([name]) => !/^(config|ping|info|subscribe)/.test(name)));
}

const missAndFill = (tags: readonly string[]) => async (n: number) => {
  const place = placeOf(String(n));
  await store.read({ ...place, binary: false });
  const token = aToken();
  await lease(store, place, { token });
  await store.fill({ ...place, token, ...anEntry({ tags }) });
};

describe('commands that the server runs', () => {
  it.each([
    ['without tags', []],
    ['with three tags', ['a', 'b', 'c']],
  ])('a miss and its fill are ten, %s: a plain read of two, and two functions of three', async (_, tags) => {
    // as an instance does all the time, so that the bucket was polled lately on a busy machine, too
    const poll = () => store.poll({ bucket: 0, marks: [] });
    const all = await runBy(async (n) => {
      await poll();
      await missAndFill(tags)(n);
    });
    const { hmget, fcall, time, ...others } = all;
    const ofPolls = await runBy(poll);
    expect({ hmget: hmget! - ofPolls['hmget']!, fcall: fcall! - ofPolls['fcall']!, time, ...others }).toEqual({
      ...{ hmget: 3, get: 1, fcall: 2, time: ofPolls['time'] },
      ...{ mget: 1, getdel: 1, set: 2 },
    });
  });

  it('are eight where the region finds next to nothing: the lease is asked for at once', async () => {
    const options = resolveOptions({ service: 'cold', redis: { url: server.url }, ttl: '1h' });
    const cache = createCache(options, { logger: silentLogger });
    await engineOf(cache).open();
    const region = cache.region<number>('made');
    const load = (id: number) => region.getOrLoad(id, async () => id);
    for (let n = 0; n < 100; n++) await load(1_000 + n);
    const { fcall, ...others } = await runBy(load);
    await engineOf(cache).close();
    // beside the polls that an instance sends all the time
    expect(others).toMatchObject({ mget: 1, getdel: 1, set: 2 });
    expect(others).not.toHaveProperty('get');
    expect(fcall).toBeLessThan(2.5);
    expect(others['hmget']).toBeLessThan(2.5);
  });

  it('of a bucket that was not polled lately each function also asks for the time', async () => {
    expect(await runBy(missAndFill([]))).toMatchObject({ time: 2 });
  });
});

describe('memory', () => {
  it.each([200, 4_000])('an entry of %i bytes takes at most 1.35 times a plain SET', async (size) => {
    const payload = JSON.stringify('x'.repeat(size - 2));
    const place = placeOf('9876');
    await cached(store, place, { payload, tags: ['org:5'], version: '1790000000000' });
    await admin.set('user:profile:9877:json', payload, 'EX', 300);
    const entry = (await admin.memory('USAGE', place.key.entry)) ?? 0;
    const plain = (await admin.memory('USAGE', 'user:profile:9877:json')) ?? 0;
    expect(entry).toBeGreaterThan(0);
    expect(entry / plain).toBeLessThanOrEqual(1.35);
    // the lease is gone with the fill, and its record with it
    expect(await admin.exists(`${place.key.entry}~`)).toBe(0);
  });

  it('abandoned fences and old stamps do not pile up in M', async () => {
    const many = await openRedisStore({ port: server.port }, { stampLifetimeMs: 1 });
    try {
      for (let n = 0; n < 200; n++) {
        await many.store.stamp({ bucket: 0, marks: [`t:${n}`] });
        await many.store.fence({ keys: [placeOf(String(n)).key], fence: 'f', fenceMs: 1, tombstoneMs: 1 });
      }
      const fields = await admin.hkeys('user:~m');
      expect(fields.length).toBeLessThan(40);
      // what was collected still voids what it voided: the clear stamp took over
      expect(Number(await admin.hget('user:~m', '*'))).toBeGreaterThan(150);
      expect(await admin.zcard('user:~g')).toBeLessThan(40);
    } finally {
      await many.close();
    }
  });
});
