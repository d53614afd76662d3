import { expect } from '@jest/globals';
import type { RemoteStoreTest } from '../remote-store.contract.js';
import {
  ask,
  cached,
  evict,
  expectHit,
  expectNothing,
  fence,
  fill,
  hit,
  lease,
  LONG_MS,
  messagesOf,
  placeOf,
  placesOf,
  poll,
  softEvict,
  standing,
  TOMBSTONE_MS,
} from './actions.js';

export const evictionTests: RemoteStoreTest[] = [
  {
    name: 'an evicted entry is gone for everybody, with nothing stale',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      await evict(h.stores[1], placeOf(h));
      expect(await standing(h.stores[0], placeOf(h))).toBeNull();
      await expectNothing(h.stores[0], placeOf(h));
    },
  },
  {
    name: 'an eviction frees the lease: a load that begins after it may fill',
    async run(h) {
      await lease(h.stores[0], placeOf(h));
      await evict(h.stores[1], placeOf(h));
      const token = await lease(h.stores[1], placeOf(h));
      expect(await fill(h.stores[1], placeOf(h), token, { payload: 'new' })).toMatchObject({ kind: 'filled' });
      await expectHit(h.stores[0], placeOf(h), 'new');
    },
  },
  {
    name: 'an eviction raises the sequence by one per key and sends a message for each, also where nothing stood',
    async run(h) {
      const places = placesOf(h, 3);
      const { bucket } = places[0]!.key;
      await cached(h.stores[0], places[1]!);
      const before = await poll(h.stores[0], places[0]!);
      const messages = await messagesOf(h, async () => {
        const after = await h.stores[0].evict({ keys: places.map(({ key }) => key), tombstoneMs: TOMBSTONE_MS });
        expect(after.sequence).toBe(before.sequence + 3);
      });
      expect(messages).toEqual(
        places.map(({ key: { entry } }, n) => ({
          kind: 'entry',
          bucket,
          incarnation: before.incarnation,
          sequence: before.sequence + 1 + n,
          entry,
        })),
      );
      for (const place of places) expect(await standing(h.stores[0], place)).toBeNull();
    },
  },
  {
    name: 'an eviction may be repeated',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      const first = await evict(h.stores[0], placeOf(h));
      const second = await evict(h.stores[0], placeOf(h));
      expect(second).toEqual({ incarnation: first.incarnation, sequence: first.sequence + 1, stamp: 0 });
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'an eviction of a version removes older entries and those without a version',
    async run(h) {
      const places = placesOf(h, 2);
      await cached(h.stores[0], places[0]!, { version: '9' });
      await cached(h.stores[0], places[1]!);
      await h.stores[1].evict({
        keys: places.map(({ key }) => key),
        versions: ['10', '10'],
        tombstoneMs: TOMBSTONE_MS,
      });
      for (const place of places) await expectNothing(h.stores[0], place);
    },
  },
  {
    name: 'an eviction of a version leaves an entry of this version or a newer one',
    async run(h) {
      const places = placesOf(h, 2);
      await cached(h.stores[0], places[0]!, { version: '10', payload: 'same' });
      await cached(h.stores[0], places[1]!, { version: '11', payload: 'newer' });
      await h.stores[1].evict({
        keys: places.map(({ key }) => key),
        versions: ['10', '10'],
        tombstoneMs: TOMBSTONE_MS,
      });
      await expectHit(h.stores[0], places[0]!, 'same');
      await expectHit(h.stores[0], places[1]!, 'newer');
    },
  },
  {
    name: 'an eviction of a version that leaves the entry raises the sequence and sends its message all the same',
    async run(h) {
      const { key } = placeOf(h);
      await cached(h.stores[0], placeOf(h), { version: '11' });
      const { incarnation, sequence } = await poll(h.stores[0], placeOf(h));
      const messages = await messagesOf(h, () => evict(h.stores[0], placeOf(h), '10'));
      expect(messages).toEqual([
        { kind: 'entry', bucket: key.bucket, incarnation, sequence: sequence + 1, entry: key.entry },
      ]);
    },
  },
  {
    name: 'an eviction of a version that leaves the entry still refuses older fills when the entry is gone',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { version: '11', ttlMs: 5, staleMs: 0 });
      await evict(h.stores[0], placeOf(h), '10', LONG_MS);
      await h.passTime(8);
      const token = await lease(h.stores[0], placeOf(h));
      expect(await fill(h.stores[0], placeOf(h), token, { version: '9' })).toMatchObject({ reason: 'version' });
    },
  },
  {
    name: 'an eviction of an older version does not lower the tombstone',
    async run(h) {
      await evict(h.stores[0], placeOf(h), '9', LONG_MS);
      await evict(h.stores[0], placeOf(h), '5', LONG_MS);
      const token = await lease(h.stores[0], placeOf(h));
      expect(await fill(h.stores[0], placeOf(h), token, { version: '7' })).toMatchObject({ reason: 'version' });
    },
  },
  {
    name: 'an eviction without a version asks for no version afterwards',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { version: '10' });
      await evict(h.stores[0], placeOf(h));
      const token = await lease(h.stores[0], placeOf(h));
      expect(await fill(h.stores[0], placeOf(h), token, { version: '3' })).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'an eviction leaves other keys and their leases',
    async run(h) {
      const [one, two, three] = placesOf(h, 3);
      await cached(h.stores[0], two!);
      await lease(h.stores[0], three!);
      await evict(h.stores[0], one!);
      await softEvict(h.stores[0], one!);
      await expectHit(h.stores[1], two!);
      expect(await ask(h.stores[1], three!)).toMatchObject({ kind: 'held' });
    },
  },
  {
    name: 'a soft-evicted entry is stale for the holder of the lease and for those who wait, and a hit for nobody',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      await softEvict(h.stores[0], placeOf(h));
      for (const kind of ['lease', 'held', 'held']) {
        expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind, stale: { payload: '{"name":"Ada"}' } });
      }
    },
  },
  {
    name: 'a soft-evicted entry keeps all that was filled',
    async run(h) {
      await cached(h.stores[0], placeOf(h), {
        version: '4',
        tags: ['a', 'b'],
        loadMicros: 99,
        format: 'json {"x":[1]}',
      });
      const before = await hit(h.stores[0], placeOf(h));
      await softEvict(h.stores[0], placeOf(h));
      expect(await standing(h.stores[0], placeOf(h))).toEqual({ ...before, freshUntilMicros: 0 });
      await softEvict(h.stores[0], placeOf(h));
      expect(await standing(h.stores[0], placeOf(h))).toEqual({ ...before, freshUntilMicros: 0 });
    },
  },
  {
    name: 'a soft-evicted binary entry keeps every byte',
    async run(h) {
      const payload = Buffer.from(Array.from({ length: 600 }, (_, n) => n % 256));
      await cached(h.stores[0], placeOf(h), { payload });
      await softEvict(h.stores[0], placeOf(h));
      const entry = await standing(h.stores[1], placeOf(h), true);
      expect(payload.equals(entry!.payload as Buffer)).toBe(true);
    },
  },
  {
    name: 'a soft-evicted entry ends when it would have ended',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { ttlMs: 10, staleMs: 10 });
      await softEvict(h.stores[0], placeOf(h));
      await h.passTime(23);
      await expectNothing(h.stores[0], placeOf(h));
    },
  },
  {
    name: 'a soft-evicted entry whose tag is stamped is not even stale',
    async run(h) {
      const place = placeOf(h);
      await cached(h.stores[0], place, { tags: ['a'] });
      await softEvict(h.stores[0], place);
      await h.stores[0].stamp({ bucket: place.key.bucket, marks: ['t:a'] });
      await expectNothing(h.stores[1], place);
    },
  },
  {
    name: 'a soft eviction raises the sequence by one per key and sends a message for each, also where nothing stood',
    async run(h) {
      const places = placesOf(h, 2);
      await cached(h.stores[0], places[0]!);
      const before = await poll(h.stores[0], places[0]!);
      const messages = await messagesOf(h, async () => {
        const after = await h.stores[0].softEvict({ keys: places.map(({ key }) => key), tombstoneMs: TOMBSTONE_MS });
        expect(after).toEqual({ incarnation: before.incarnation, sequence: before.sequence + 2 });
      });
      expect(messages).toMatchObject(places.map(({ key: { entry } }) => ({ kind: 'entry', entry })));
      await expectNothing(h.stores[0], places[1]!);
    },
  },
  {
    name: 'a value filled after a soft eviction is a hit',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { payload: 'old' });
      await softEvict(h.stores[0], placeOf(h));
      const token = await lease(h.stores[1], placeOf(h));
      expect(await fill(h.stores[1], placeOf(h), token, { payload: 'new' })).toMatchObject({ kind: 'filled' });
      await expectHit(h.stores[0], placeOf(h), 'new');
    },
  },
  {
    name: 'an eviction removes what a soft eviction left',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      await softEvict(h.stores[0], placeOf(h));
      await evict(h.stores[0], placeOf(h));
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  ...Object.entries({ 'an eviction': undefined, 'an eviction of a version': '5' }).map(
    ([what, version]): RemoteStoreTest => ({
      name: `${what} leaves the fence of a writer`,
      async run(h) {
        await fence(h.stores[0], placeOf(h));
        await evict(h.stores[1], placeOf(h), version);
        expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'fenced' });
      },
    }),
  ),
  {
    name: 'a soft eviction leaves the fence of a writer',
    async run(h) {
      await fence(h.stores[0], placeOf(h));
      await softEvict(h.stores[1], placeOf(h));
      expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'fenced' });
    },
  },
];
