import { expect } from '@jest/globals';
import type { RemoteStoreTest } from '../remote-store.contract.js';
import {
  anEntry,
  cached,
  evict,
  expectNothing,
  fill,
  lease,
  placeOf,
  placesOf,
  poll,
  softEvict,
  standing,
} from './actions.js';

/** Plain reads: facts, no judgement. */
export const readTests: RemoteStoreTest[] = [
  {
    name: 'a plain read after open is identified',
    async run(h) {
      const read = await h.stores[0].read({ ...placeOf(h), binary: false });
      expect(read).toMatchObject({ identified: true, entry: null, foreign: false });
    },
  },
  {
    name: 'a plain read tells where the bucket stands',
    async run(h) {
      const place = placeOf(h);
      await evict(h.stores[0], place);
      await h.stores[0].stamp({ bucket: place.key.bucket, marks: ['t:x'] });
      const { incarnation, sequence, markSequence } = await poll(h.stores[0], place);
      for (const store of h.stores) {
        const { position } = await store.read({ ...place, binary: false });
        expect(position).toEqual({ incarnation, sequence, markSequence });
      }
    },
  },
  {
    name: 'a plain read gives no position where the server lost everything',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      await h.flush();
      const read = await h.stores[0].read({ ...placeOf(h), binary: false });
      expect(read).toMatchObject({ position: null, entry: null, foreign: false });
    },
  },
  {
    name: 'a plain read gives the entry with all that was filled',
    async run(h) {
      const place = placeOf(h);
      const token = await lease(h.stores[0], place);
      const entry = anEntry({ version: '17', tags: ['org:5', 'admin'], loadMicros: 123_456, ttlMs: 5_000 });
      const filled = await fill(h.stores[0], place, token, entry);
      if (filled.kind !== 'filled') throw new Error(filled.reason);
      const read = await h.stores[1].read({ ...place, binary: false });
      expect(read.foreign).toBe(false);
      expect(read.entry).toEqual({
        payload: entry.payload,
        format: 'json',
        stamp: filled.stamp,
        incarnation: filled.incarnation,
        freshUntilMicros: filled.nowMicros + 5_000_000,
        loadMicros: 123_456,
        version: '17',
        tags: ['org:5', 'admin'],
      });
    },
  },
  {
    name: 'a plain read does not judge: entries past their ttl, voided by a mark, or of another incarnation are given as they are',
    async run(h) {
      const [store] = h.stores;
      const places = placesOf(h, 3);
      await cached(store, places[0]!, { ttlMs: 5 });
      await cached(store, places[1]!, { tags: ['x'] });
      await cached(store, places[2]!);
      await h.passTime(8);
      await store.stamp({ bucket: places[1]!.key.bucket, marks: ['t:x'] });
      await h.restart();
      await poll(store, places[0]!);
      for (const place of places) expect(await standing(store, place)).toMatchObject({ payload: '{"name":"Ada"}' });
    },
  },
  {
    name: 'a plain read shows a soft-evicted entry as fresh until 0',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      await softEvict(h.stores[0], placeOf(h));
      expect(await standing(h.stores[1], placeOf(h))).toMatchObject({ freshUntilMicros: 0, payload: '{"name":"Ada"}' });
    },
  },
  {
    name: 'a plain read finds nothing after the stale window ended',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { ttlMs: 5, staleMs: 5 });
      await h.passTime(13);
      expect(await standing(h.stores[0], placeOf(h))).toBeNull();
    },
  },
  {
    name: 'a plain read that begins after an eviction was acknowledged sees it, and its sequence',
    async run(h) {
      const place = placeOf(h);
      await cached(h.stores[0], place);
      const { sequence } = await evict(h.stores[0], place);
      const read = await h.stores[1].read({ ...place, binary: false });
      expect(read.entry).toBeNull();
      expect(read.position?.sequence).toBe(sequence);
    },
  },
  {
    name: 'plain reads of one turn each get their own entry',
    async run(h) {
      const places = Array.from({ length: 60 }, (_, n) => placeOf(h, `turn${n}`));
      await Promise.all(
        places.map((place, n) => (n % 3 === 2 ? null : cached(h.stores[0], place, { payload: `${n}` }))),
      );
      const reads = await Promise.all(places.map((place) => h.stores[0].read({ ...place, binary: false })));
      expect(reads.map((read) => read.entry?.payload ?? null)).toEqual(
        places.map((_, n) => (n % 3 === 2 ? null : `${n}`)),
      );
    },
  },
  {
    name: 'a plain read does not take the lease',
    async run(h) {
      await h.stores[0].read({ ...placeOf(h), binary: false });
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  ...[
    ['bytes of another program', Buffer.from('hello')],
    ['bytes that are not text', Buffer.from([0x80, 0xff, 0x00, 0x0a, 0xfe])],
    ['no bytes', Buffer.alloc(0)],
    ['a line and a text', Buffer.from('1 2 3\n{"name":"Eve"}')],
    ['JSON', Buffer.from('{"__proto__":{"payload":"x"}}')],
  ].map(([what, bytes]): RemoteStoreTest => ({
    name: `${what as string} at a key are foreign: no entry, and a load replaces them`,
    async run(h) {
      const place = placeOf(h);
      await h.plant(place.key.entry, bytes as Buffer);
      for (const binary of [false, true]) {
        expect(await h.stores[0].read({ ...place, binary })).toMatchObject({ foreign: true, entry: null });
      }
      await cached(h.stores[0], place);
      expect(await h.stores[0].read({ ...place, binary: false })).toMatchObject({
        foreign: false,
        entry: { payload: '{"name":"Ada"}' },
      });
    },
  })),
  {
    name: 'a lease over foreign bytes has nothing stale, and an eviction removes them',
    async run(h) {
      const place = placeOf(h);
      await h.plant(place.key.entry, Buffer.from('hello'));
      await expectNothing(h.stores[0], place);
      await evict(h.stores[0], place, '5');
      expect(await h.stores[0].read({ ...place, binary: false })).toMatchObject({ foreign: false, entry: null });
    },
  },
];
