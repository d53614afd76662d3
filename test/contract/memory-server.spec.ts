import { describe, expect, it } from '@jest/globals';
import { Keyspace } from '../../lib/keys/keyspace.js';
import { Bucket } from '../../lib/stores/memory/bucket.js';
import { MemoryChannel } from '../../lib/stores/memory/memory-channel.js';
import { MemoryRemoteStore } from '../../lib/stores/memory/memory-remote-store.js';
import { MemoryServer, type MemoryServerOptions } from '../../lib/stores/memory/memory-server.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import {
  ask,
  cached,
  evict,
  expectHit,
  expectNothing,
  fence,
  fill,
  lease,
  placeOf,
  poll,
  put,
  SETTLED_MS,
  standing,
  TOMBSTONE_MS,
} from './remote-store/actions.js';

async function aServer(options: MemoryServerOptions = {}) {
  const clock = new FakeClock();
  const server = new MemoryServer({ nowMicros: clock.nowMicros, ...options });
  const store = new MemoryRemoteStore(server);
  await store.open();
  const keyspace = new Keyspace({ service: 's', bucketCount: server.bucketCount, maxKeyLength: 200 });
  return {
    clock,
    server,
    store,
    keyspace,
    at: (identifier: string | number) => placeOf({ keyspace }, `${identifier}`),
  };
}

describe('the memory of a MemoryServer', () => {
  it('keeps maxEntries entries: the one that was not used for longest goes', async () => {
    const { server, store, at } = await aServer({ maxEntries: 3 });
    for (const id of ['a', 'b', 'c']) await cached(store, at(id));
    await expectHit(store, at('a'));
    await cached(store, at('d'));
    expect(server.values.size).toBe(3);
    expect(await standing(store, at('b'))).toBeNull();
    await expectHit(store, at('a'));
  });

  it('drops entries and leases that have ended, seen or not', async () => {
    const { clock, server, store, at } = await aServer();
    for (let n = 0; n < 3_000; n++) {
      const token = await lease(store, at(n), { leaseMs: 5, keepMs: 5 });
      if (n % 2) await fill(store, at(n), token, { ttlMs: 5, staleMs: 5 });
      if (n % 100 === 0) await clock.advance(4);
    }
    expect(server.values.size).toBeLessThan(1_200);
    expect(server.sides.size).toBeLessThan(1_200);
  });

  it('never drops fences and marks when entries are pushed out', async () => {
    const { store, at } = await aServer({ maxEntries: 2 });
    await fence(store, at('fenced'));
    await cached(store, at('tagged'), { tags: ['a'] });
    const { stamp } = await store.stamp({ bucket: 0, marks: ['t:a'] });
    for (let n = 0; n < 20; n++) await cached(store, at(n));
    expect(await ask(store, at('fenced'))).toMatchObject({ kind: 'fenced' });
    expect((await store.poll({ bucket: 0, marks: ['t:a'] })).stamps).toEqual([stamp]);
  });

  it('refuses versioned puts for a while when a tombstone was pushed out', async () => {
    const { clock, store, at } = await aServer({ maxEntries: 2 });
    await clock.advance(SETTLED_MS);
    await evict(store, at('buried'));
    for (let n = 0; n < 3; n++) await evict(store, at(n), '1');
    expect(await put(store, at('buried'), { version: '5' })).toMatchObject({ kind: 'refused' });
    await clock.advance(SETTLED_MS);
    expect(await put(store, at('buried'), { version: '5' })).toMatchObject({ kind: 'stored' });
  });

  it('does not mind a pushed-out lease: its fill is refused', async () => {
    const { clock, store, at } = await aServer({ maxEntries: 2 });
    await clock.advance(SETTLED_MS);
    const token = await lease(store, at('leased'));
    for (let n = 0; n < 3; n++) await lease(store, at(n));
    expect(await fill(store, at('leased'), token)).toMatchObject({ reason: 'lease' });
    expect(await put(store, at('other'), { version: '5' })).toMatchObject({ kind: 'stored' });
  });

  it('collects the stamps of old tags into the clear stamp, a few at a time', async () => {
    const { clock, server, store, at } = await aServer();
    await lease(store, at(1), { leaseMs: 100, keepMs: 900 });
    await cached(store, at(2), { ttlMs: 500, staleMs: 500 });
    for (let n = 0; n < 100; n++) await store.stamp({ bucket: 0, marks: [`t:${n}`] });
    expect(server.bucket(0).marks.tagCount).toBe(100);
    // everything that was leased or kept by then has ended by now, a minute being the longest
    await clock.advance(121_000);
    const { stamp } = await store.stamp({ bucket: 0, marks: ['t:new'] });
    expect(server.bucket(0).marks.tagCount).toBe(101 - 16);
    const { stamps } = await store.poll({ bucket: 0, marks: ['t:0', 't:15', 't:16', '*'] });
    expect(stamps).toEqual([0, 0, 17, 16]);
    expect(stamp).toBe(101);
    for (let n = 0; n < 20; n++) await store.stamp({ bucket: 0, marks: ['t:new'] });
    expect(server.bucket(0).marks.tagCount).toBe(1);
  });

  it('keeps the stamp of a tag as long as anything older may be used', async () => {
    const { clock, store, at } = await aServer();
    const [one, two] = [1, 2].map((id) => lease(store, at(id), { leaseMs: 1_000, keepMs: 3_600_000 }));
    await store.stamp({ bucket: 0, marks: ['t:a'] });
    await clock.advance(3_500_000);
    for (let n = 0; n < 50; n++) await store.stamp({ bucket: 0, marks: [`t:other${n}`] });
    expect(await fill(store, at(1), await one!, { tags: ['a'] })).toMatchObject({ reason: 'mark' });
    expect(await fill(store, at(2), await two!, { tags: ['b'] })).toMatchObject({ kind: 'filled' });
  });

  it('keeps the stamp of a tag as long as an entry stands, or a fence', async () => {
    const { clock, store, at } = await aServer();
    const short = { leaseMs: 5, keepMs: 5 };
    await fill(store, at('entry'), await lease(store, at('entry'), short), { ttlMs: 3_600_000, tags: ['b'] });
    await store.stamp({ bucket: 0, marks: ['t:a'] });
    await clock.advance(3_500_000);
    for (let n = 0; n < 50; n++) await store.stamp({ bucket: 0, marks: [`t:other${n}`] });
    await expectHit(store, at('entry'));

    const fenced = await aServer();
    const token = await fence(fenced.store, at('fenced'), 3_600_000);
    await fenced.store.stamp({ bucket: 0, marks: ['t:a'] });
    await fenced.clock.advance(3_500_000);
    for (let n = 0; n < 50; n++) await fenced.store.stamp({ bucket: 0, marks: [`t:other${n}`] });
    expect(await put(fenced.store, at('fenced'), { fence: token, tags: ['b'] })).toMatchObject({ kind: 'stored' });
  });

  it('collects old tags also when older ones were set again', async () => {
    const { clock, server, store } = await aServer();
    await store.stamp({ bucket: 0, marks: ['t:again'] });
    await store.stamp({ bucket: 0, marks: ['t:old'] });
    await clock.advance(5);
    await store.stamp({ bucket: 0, marks: ['t:again'] });
    expect(server.bucket(0).marks.tagCount).toBe(1);
    expect((await store.poll({ bucket: 0, marks: ['t:again', 't:old', '*'] })).stamps).toEqual([3, 0, 2]);
  });

  it('drops what has ended when it is looked up', async () => {
    const { clock, server, store, at } = await aServer();
    await cached(store, at(1), { ttlMs: 5, staleMs: 0 });
    await clock.advance(5);
    await standing(store, at(1));
    expect(server.values.size).toBe(0);
  });

  it('does not mind a pushed-out tombstone that had ended', async () => {
    const { clock, store, at } = await aServer({ maxEntries: 2 });
    for (const id of ['a', 'b']) await evict(store, at(id), undefined, 5);
    await clock.advance(SETTLED_MS);
    for (const id of ['c', 'd']) await lease(store, at(id));
    expect(await put(store, at('e'), { version: '5' })).toMatchObject({ kind: 'stored' });
  });

  it('forgets ended fences behind others that stand', async () => {
    const { clock, server, store, at } = await aServer();
    for (let n = 0; n < 20; n++) await fence(store, at(`standing${n}`), 60_000);
    for (let n = 0; n < 20; n++) await fence(store, at(n), 10);
    await clock.advance(20);
    for (let n = 0; n < 10; n++) await fence(store, at('busy'), 60_000);
    expect(server.bucket(0).fences.keyCount).toBe(21);
  });

  it('forgets fences of writers that died, also on keys that nobody asks for', async () => {
    const { clock, server, store, at } = await aServer();
    for (let n = 0; n < 100; n++) await fence(store, at(n), 10);
    await fence(store, at('standing'), 60_000);
    await clock.advance(20);
    for (let n = 0; n < 20; n++) await fence(store, at('busy'), 60_000);
    expect(server.bucket(0).fences.keyCount).toBe(2);
    expect(await ask(store, at('standing'))).toMatchObject({ kind: 'fenced' });
  });
});

describe('the identity of a MemoryServer', () => {
  it('identifies a store anew after a restart: one plain read is not identified, the next one is', async () => {
    const { server, store, at } = await aServer();
    server.restart();
    expect(await store.read({ ...at(1), binary: false })).toMatchObject({ identified: false });
    await settle();
    expect(await store.read({ ...at(1), binary: false })).toMatchObject({ identified: true });
  });

  it('does not identify plain reads before open', async () => {
    const { server, at } = await aServer();
    const store = new MemoryRemoteStore(server);
    expect(await store.read({ ...at(1), binary: false })).toMatchObject({ identified: false });
  });

  it('serves nothing from before a rollback, although the evicted entry is back', async () => {
    const { server, store, at } = await aServer();
    await cached(store, at(1), { payload: 'old' });
    const replica = server.dump();
    const { incarnation } = await evict(store, at(1));
    server.rollBack(replica);
    server.restart();
    expect(await standing(store, at(1))).toMatchObject({ payload: 'old' });
    await expectNothing(store, at(1));
    expect((await poll(store, at(1))).incarnation).toBeGreaterThan(incarnation);
  });

  it('refuses a fill whose lease a rollback brought back', async () => {
    const { server, store, at } = await aServer();
    const token = await lease(store, at(1));
    const replica = server.dump();
    await evict(store, at(1));
    server.rollBack(replica);
    expect(await fill(store, at(1), token)).toMatchObject({ kind: 'refused', reason: 'incarnation' });
  });

  it('rolls fences, marks and entries back to what they were', async () => {
    const { clock, server, store, at } = await aServer();
    await fence(store, at('fenced'));
    await store.stamp({ bucket: 0, marks: ['t:a'] });
    await store.stamp({ bucket: 0, marks: ['r:b'] });
    await cached(store, at(1));
    const replica = server.dump();
    server.flush();
    await poll(store, at(1));
    server.rollBack(replica);
    expect(await ask(store, at('fenced'))).toMatchObject({ kind: 'fenced' });
    expect((await store.poll({ bucket: 0, marks: ['t:a', 'r:b'] })).stamps).toEqual([1, 2]);
    expect(await standing(store, at(1))).not.toBeNull();
    await clock.advance(61_000);
    expect(await ask(store, at('fenced'))).toMatchObject({ kind: 'lease' });
    expect(server.dump().buckets[0]!.fences.keyCount).toBe(0);
    expect(replica.buckets[0]!.fences.keyCount).toBe(1);
  });

  it('begins a greater incarnation after a flush, even for a store that knew none and a clock that stands still', async () => {
    const { server, store, at } = await aServer();
    const { incarnation } = await poll(store, at(1));
    server.flush();
    const stranger = new MemoryRemoteStore(server);
    expect((await poll(stranger, at(1))).incarnation).toBeGreaterThan(incarnation);
  });

  it('begins an incarnation after any that a caller has seen, and none for a caller who has seen less (T9)', async () => {
    const { server } = await aServer();
    const bucket = server.bucket(0);
    const { incarnation } = bucket;
    bucket.identify(incarnation - 5, server.nowMicros());
    expect(bucket.incarnation).toBe(incarnation);
    bucket.identify(incarnation + 1_000_000, server.nowMicros());
    expect(bucket.incarnation).toBe(incarnation + 1_000_001);
  });

  it.each(['a reply', 'a plain read'])('remembers an incarnation that it saw in %s alone', async (where) => {
    const { server, store, at } = await aServer();
    const replica = server.dump();
    const bucket = server.bucket(0);
    bucket.identify(bucket.incarnation + 1_000, server.nowMicros());
    const { incarnation } = bucket;
    if (where === 'a reply') await poll(store, at(1));
    else
      expect(await store.read({ ...at(1), binary: false })).toMatchObject({
        identified: true,
        position: { incarnation },
      });
    // a master from before is back, and nothing about itself tells that there was a later one
    server.rollBack(replica);
    server.process.sequences.set(0, bucket.sequence);
    const stranger = new MemoryRemoteStore(server);
    expect((await poll(stranger, at(1))).incarnation).toBeLessThan(incarnation);
    expect((await poll(store, at(1))).incarnation).toBeGreaterThan(incarnation);
  });
});

describe('the moments of a MemoryServer', () => {
  it('serves an entry until, and not at, the end of its ttl', async () => {
    const { clock, store, at } = await aServer();
    await cached(store, at(1), { ttlMs: 10 });
    await clock.advance(9.999);
    await expectHit(store, at(1));
    await clock.advance(0.001);
    expect(await ask(store, at(1))).toMatchObject({ kind: 'lease' });
  });

  it('holds a lease until, and not at, its end', async () => {
    const { clock, store, at } = await aServer();
    await lease(store, at(1), { leaseMs: 10 });
    await clock.advance(9.999);
    expect(await ask(store, at(1))).toMatchObject({ kind: 'held', remainingMs: 1 });
    await clock.advance(0.001);
    expect(await ask(store, at(1))).toMatchObject({ kind: 'lease' });
  });

  it('fences until, and not at, the end of the fence', async () => {
    const { clock, store, at } = await aServer();
    const token = await fence(store, at(1), 10);
    await clock.advance(9.999);
    expect(await ask(store, at(1))).toMatchObject({ kind: 'fenced' });
    await clock.advance(0.001);
    expect(await put(store, at(1), { fence: token })).toMatchObject({ kind: 'refused' });
    expect(await ask(store, at(1))).toMatchObject({ kind: 'lease' });
  });

  it('refuses versioned puts until, and not at, the end of the tombstone', async () => {
    const { clock, store, at } = await aServer();
    await clock.advance(TOMBSTONE_MS);
    await evict(store, at(1));
    await clock.advance(TOMBSTONE_MS - 0.001);
    expect(await put(store, at(1), { version: '5' })).toMatchObject({ kind: 'refused' });
    await clock.advance(0.001);
    expect(await put(store, at(1), { version: '5' })).toMatchObject({ kind: 'stored' });
  });
});

describe('a MemoryServer', () => {
  it('is apart from any other', async () => {
    const [one, two] = [await aServer(), await aServer()];
    await cached(one.store, one.at(1));
    await expectNothing(two.store, two.at(1));
  });

  it('has the time of the process in whole µs by default', async () => {
    const { nowMicros } = new MemoryServer();
    expect(Math.abs(nowMicros() / 1_000 - Date.now())).toBeLessThan(60_000);
    expect(Number.isSafeInteger(nowMicros())).toBe(true);
    expect(nowMicros()).toBeLessThanOrEqual(nowMicros());
  });

  it('delivers nothing to a channel that was closed since the message was published', async () => {
    const { server, store, at } = await aServer();
    const channel = new MemoryChannel(server);
    const received: unknown[] = [];
    await channel.open((message) => received.push(message));
    await Promise.all([evict(store, at(1)), channel.close()]);
    await settle();
    expect(received).toEqual([]);
  });

  it('rejects evictions of no keys, of several buckets, and of a bucket that it does not have', async () => {
    const { store, keyspace } = await aServer({ bucketCount: 4 });
    const keys = Array.from({ length: 20 }, (_, n) => keyspace.key('r', `${n}`, 'json'));
    await expect(store.evict({ keys: [], tombstoneMs: TOMBSTONE_MS })).rejects.toThrow(RangeError);
    await expect(store.softEvict({ keys, tombstoneMs: TOMBSTONE_MS })).rejects.toThrow(RangeError);
    await expect(store.poll({ bucket: 4, marks: [] })).rejects.toThrow(RangeError);
  });

  it('keeps buckets apart: marks, sequences, incarnations', async () => {
    const { server, store, keyspace } = await aServer({ bucketCount: 4 });
    const keys = [0, 1].map((bucket) =>
      Array.from({ length: 60 }, (_, n) => keyspace.key('users', `${n}`, 'json')).find((key) => key.bucket === bucket)!,
    );
    const [one, two] = keys.map((key) => ({ key, region: 'users' }));
    for (const place of [one!, two!]) await cached(store, place, { tags: ['a'] });
    const before = await poll(store, two!);
    await store.stamp({ bucket: 0, marks: ['*'] });
    await expectNothing(store, one!);
    await expectHit(store, two!);
    expect(await poll(store, two!)).toEqual(before);
    expect(server.bucket(1)).toBeInstanceOf(Bucket);
  });
});
