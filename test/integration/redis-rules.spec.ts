import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { labelBytes, MAX_LABEL_BYTES } from '../../lib/entries/stored-entry.js';
import { Keyspace } from '../../lib/keys/keyspace.js';
import type { RemoteStore } from '../../lib/stores/remote-store.js';
import {
  ask,
  cached,
  evict,
  expectNothing,
  fence,
  fill,
  hit,
  lease,
  LONG_MS,
  type Place,
  put,
  softEvict,
  standing,
  unfence,
} from '../contract/remote-store/actions.js';
import { openRedisStore, type OpenedStore } from '../support/redis-store.js';
import { systemClock } from '../../lib/shared/clock.js';
import { sleep } from '../support/servers/processes.js';
import { redisCli, sharedRedis, startRedis } from '../support/servers/redis.js';

/**
 * What the contract cannot ask for: keys that Redis evicts one by one, what is left in M, and waits of more than a
 * moment.
 */

let redis: Awaited<ReturnType<typeof sharedRedis>>;
let admin: Redis;
let one: OpenedStore;
let store: RemoteStore;
let place: Place;
let M: string;
let services = 0;

beforeAll(async () => {
  redis = await sharedRedis();
  admin = new Redis(redis.url);
});
afterAll(async () => {
  admin.disconnect();
  await redis.release();
});
beforeEach(() => open(LONG_MS));
afterEach(close);

async function open(stampLifetimeMs: number): Promise<void> {
  const service = `rules${process.pid}x${(services += 1)}`;
  one = await openRedisStore({ url: redis.url }, { service, stampLifetimeMs });
  store = one.store;
  place = { key: one.keyspace.key('profile', '1', 'json'), region: 'profile' };
  M = one.keyspace.bucketKey(0);
}
async function close(): Promise<void> {
  await one.close();
  const keys = await admin.keys(`${M.split(':')[0]}:*`);
  if (keys.length > 0) await admin.del(keys);
}
const fenceField = () => `f:${place.key.entry}`;
/** `tx`: when the last invalidation without a version counts, server µs. */
const invalidatedAt = async () => (await admin.getBuffer(Keyspace.sideKey(place.key.entry)))!.readDoubleLE(1 + 3 * 8);
const loseSide = () => admin.del(Keyspace.sideKey(place.key.entry));

describe('an entry whose tags and format are as long as they may be', () => {
  it('is read by both ways of reading, and voided by its last tag', async () => {
    const format = 'json {"\u2028":"D"}';
    const tags = Array.from({ length: 5_000 }, (_, n) => `a tag, ü, ${n}`);
    while (labelBytes(tags, format) > MAX_LABEL_BYTES) tags.length -= 10;
    expect(tags.length).toBeGreaterThan(1_000);
    await cached(store, place, { tags, format, version: '9'.repeat(40) });
    expect(await hit(store, place)).toMatchObject({ tags, format });
    expect(await standing(store, place)).toMatchObject({ tags, format });
    await store.stamp({ bucket: 0, marks: [`t:${tags.at(-1)!}`] });
    await expectNothing(store, place);
  });
});

describe('the side key, which each call reads and writes as a whole', () => {
  const S = () => Keyspace.sideKey(place.key.entry);

  it('grants one lease to two who ask for it in one call', async () => {
    const [first, second] = await Promise.all([ask(store, place), ask(store, place)]);
    expect([first!.kind, second!.kind]).toEqual(['lease', 'held']);
  });

  it('stays as it was, and as long, where a fill is refused that does not hold the lease', async () => {
    await evict(store, place, '7', LONG_MS);
    const token = await lease(store, place);
    const before = [await admin.getBuffer(S()), await admin.pexpiretime(S())];
    expect(await fill(store, place, 'another')).toMatchObject({ kind: 'refused', reason: 'lease' });
    expect([await admin.getBuffer(S()), await admin.pexpiretime(S())]).toEqual(before);
    expect(await fill(store, place, token, { version: '7' })).toMatchObject({ kind: 'filled' });
  });

  it('keeps a tombstone through lease, release and fill, as long as it was to stand', async () => {
    await evict(store, place, '7', 10 * LONG_MS);
    const ends = await admin.pexpiretime(S());
    await store.release({ key: place.key, token: await lease(store, place) });
    expect(await fill(store, place, await lease(store, place), { version: '7' })).toMatchObject({ kind: 'filled' });
    expect(await admin.pexpiretime(S())).toBe(ends);
    await admin.del(place.key.entry);
    const late = await fill(store, place, await lease(store, place), { version: '6' });
    expect(late).toMatchObject({ kind: 'refused', reason: 'version' });
  });
});

describe('the side key may be lost at any time', () => {
  it('a lost lease refuses its fill', async () => {
    const token = await lease(store, place);
    await loseSide();
    expect(await fill(store, place, token)).toMatchObject({ kind: 'refused', reason: 'lease' });
  });

  it('a fence refuses versioned puts also without it', async () => {
    await sleep(25);
    await fence(store, place);
    await loseSide();
    expect(await put(store, place, { version: '5', tombstoneMs: 20 })).toMatchObject({ kind: 'refused' });
    expect(await ask(store, place)).toMatchObject({ kind: 'fenced' });
  });
});

describe('a writer that dies behind its fence may commit as late as the end of the fence', () => {
  const between: Record<string, () => Promise<unknown>> = {
    'an eviction': () => evict(store, place),
    'a soft eviction': () => softEvict(store, place),
    'another fence and its end': async () => unfence(store, place, await fence(store, place, 5)),
    'a refused put of another fence': async () => put(store, place, { fence: await fence(store, place, 5) }),
    'a put with neither fence nor version': () => put(store, place),
  };
  it.each(Object.keys(between))(
    '%s in between does not set that moment back, nor how long it is kept',
    async (what) => {
      const S = Keyspace.sideKey(place.key.entry);
      await store.fence({ keys: [place.key], fence: 'dead', fenceMs: LONG_MS, tombstoneMs: LONG_MS });
      const noted = await invalidatedAt();
      const { nowMicros } = await store.poll({ bucket: 0, marks: [] });
      expect(noted).toBeGreaterThan(nowMicros + (LONG_MS - 10_000) * 1_000);
      await between[what]!();
      expect(await invalidatedAt()).toBe(noted);
      expect(await admin.pttl(S)).toBeGreaterThan(2 * LONG_MS - 20_000);
    },
  );

  it('its fence takes the moment of its end with it when the writer lifts it', async () => {
    const token = await fence(store, place);
    const { nowMicros } = await store.poll({ bucket: 0, marks: [] });
    await unfence(store, place, token);
    expect(await invalidatedAt()).toBeLessThan(nowMicros + 10_000_000);
  });
});

describe('the time of the server', () => {
  const AHEAD_MS = 1_500;
  /** A fill by a store whose clock has gained since its last poll. @returns by how much the entry's end shows it, ms */
  async function gained(between: (opened: OpenedStore) => Promise<unknown>): Promise<number> {
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    const opened = await openRedisStore({ url: redis.url }, { service: `${M.split(':')[0]}`, clock });
    try {
      await opened.store.poll({ bucket: 0, marks: [] });
      await between(opened);
      aheadMs = AHEAD_MS;
      const token = await lease(opened.store, place);
      expect(await fill(opened.store, place, token)).toMatchObject({ kind: 'filled' });
      const { nowMicros } = await store.poll({ bucket: 0, marks: [] });
      const { freshUntilMicros } = await hit(store, place);
      return (freshUntilMicros - nowMicros) / 1_000 - LONG_MS;
    } finally {
      await opened.close();
    }
  }

  it('is reckoned from the last poll, for a lease and a fill', async () => {
    expect(await gained(async () => {})).toBeGreaterThan(AHEAD_MS / 2);
  });

  it('is asked for where another incarnation has begun since', async () => {
    const restart = async () => {
      await admin.hset(M, 'b', 'another process');
      await ask(store, { ...place, key: one.keyspace.key('profile', 'other', 'json') });
    };
    expect(await gained(restart)).toBeLessThan(AHEAD_MS / 2);
  });
});

describe('what stands in M', () => {
  it('a fence whose time is over is dropped when its key is next looked at', async () => {
    for (const look of [
      () => ask(store, place),
      () => evict(store, place),
      () => put(store, place, { version: '1' }),
    ]) {
      await fence(store, place, 1);
      expect(await admin.hexists(M, fenceField())).toBe(1);
      await sleep(3);
      await look();
      expect(await admin.hexists(M, fenceField())).toBe(0);
    }
  });

  it('abandoned fences are collected by later fences, several at a time', async () => {
    const keys = Array.from({ length: 40 }, (_, n) => one.keyspace.key('profile', `f${n}`, 'json'));
    await Promise.all(keys.map((key) => store.fence({ keys: [key], fence: 'f', fenceMs: 400, tombstoneMs: 1 })));
    const left = async () => (await admin.hkeys(M)).filter((field) => field.startsWith('f:')).length;
    expect(await left()).toBe(40);
    await sleep(450);
    const counts: number[] = [];
    for (let n = 0; n < 3; n++) {
      await fence(store, place);
      counts.push((await left()) - 1);
    }
    expect(counts).toEqual([24, 8, 0]);
  });

  it('old stamps are collected by later marks; what they voided stays void, what came after lives', async () => {
    await close();
    await open(400);
    const old: Place = { ...place, key: one.keyspace.key('profile', 'old', 'json') };
    await cached(store, old, { tags: ['a'] });
    const pending = await lease(store, { ...place, key: one.keyspace.key('profile', 'pending', 'json') });
    for (let n = 0; n < 20; n++) await store.stamp({ bucket: 0, marks: [n === 0 ? 't:a' : `t:${n}`] });
    await cached(store, place, { tags: ['a'] });
    await sleep(450);
    await store.stamp({ bucket: 0, marks: ['t:new'] });
    await store.stamp({ bucket: 0, marks: ['r:other'] });
    const marks = (await admin.hkeys(M)).filter((field) => /^[tr]:/.test(field));
    expect(marks.sort()).toEqual(['r:other', 't:new']);
    expect(await store.poll({ bucket: 0, marks: ['t:a', '*'] })).toMatchObject({ stamps: [0, 20] });
    expect(await ask(store, old)).toMatchObject({ kind: 'lease', stale: null });
    expect(await ask(store, place)).toMatchObject({ kind: 'hit' });
    const late = { ...place, key: one.keyspace.key('profile', 'pending', 'json') };
    expect(await fill(store, late, pending, { tags: ['a'] })).toMatchObject({ kind: 'refused', reason: 'mark' });
  });

  it('a stamp given again is as young as its last time', async () => {
    await close();
    await open(600);
    await store.stamp({ bucket: 0, marks: ['t:a'] });
    await sleep(400);
    const { stamp } = await store.stamp({ bucket: 0, marks: ['t:a'] });
    await sleep(400);
    await store.stamp({ bucket: 0, marks: ['t:b'] });
    expect(await store.poll({ bucket: 0, marks: ['t:a'] })).toMatchObject({ stamps: [stamp] });
  });
});

describe('stamps', () => {
  it('an entry carries the stamp of its lease, not of its fill', async () => {
    const token = await lease(store, place);
    const { stamp } = await store.stamp({ bucket: 0, marks: ['t:meanwhile'] });
    const filled = await fill(store, place, token);
    expect(filled).toMatchObject({ kind: 'filled', stamp });
    expect(await ask(store, place)).toMatchObject({ kind: 'hit', entry: { stamp } });
    await store.stamp({ bucket: 0, marks: ['t:later'] });
    expect(await ask(store, place)).toMatchObject({ kind: 'hit', entry: { stamp } });
  });
});

describe('a server without memory', () => {
  it('still evicts, marks and fences; what would need memory is refused', async () => {
    const server = await startRedis();
    const full = await openRedisStore({ url: server.url });
    const other: Place = { ...place, key: full.keyspace.key('profile', '2', 'json') };
    const here: Place = { ...place, key: full.keyspace.key('profile', '1', 'json') };
    try {
      const token = await lease(full.store, here);
      await cached(full.store, other);
      redisCli(server.port, ['CONFIG', 'SET', 'maxmemory', 1]);
      for (const call of [
        () => ask(full.store, here),
        () => fill(full.store, here, token),
        () => put(full.store, here, { version: '5' }),
      ]) {
        await expect(call()).rejects.toMatchObject({
          code: 'RC_STORE_UNAVAILABLE',
          message: expect.stringContaining('OOM'),
        });
      }
      expect(await full.store.read({ ...other, binary: false })).toMatchObject({
        identified: true,
        entry: { format: 'json' },
      });
      await evict(full.store, here);
      await softEvict(full.store, here);
      await full.store.stamp({ bucket: 0, marks: ['*'] });
      await unfence(full.store, here, await fence(full.store, here));
      await full.store.release({ key: here.key, token });
      await full.store.renew({ key: here.key, token, leaseMs: 5, keepMs: 5 });
      await full.store.poll({ bucket: 0, marks: [] });
    } finally {
      await full.close();
      await server.remove();
    }
  });
});
