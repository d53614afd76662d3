import { expect } from '@jest/globals';
import type { RemoteStore } from '../../../lib/stores/remote-store.js';
import type { RemoteStoreHarness, RemoteStoreTest } from '../remote-store.contract.js';
import {
  ask,
  aToken,
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
  type Place,
  placeOf,
  poll,
  put,
  siblingOf,
  SETTLED_MS,
  softEvict,
  standing,
  TOMBSTONE_MS,
  unfence,
} from './actions.js';

/** Invalidations without a version: for tombstoneMs nobody knows which version they stand for. */
const UNVERSIONED: Record<string, (store: RemoteStore, place: Place, h: RemoteStoreHarness) => Promise<unknown>> = {
  'an eviction': (store, place) => evict(store, place),
  'a soft eviction': (store, place) => softEvict(store, place),
  'a fence and its end': async (store, place) => unfence(store, place, await fence(store, place, 5)),
  'the end of a fence whose time was over': (store, place) => unfence(store, place, aToken()),
  'a fenced put without a version': async (store, place) => put(store, place, { fence: await fence(store, place, 5) }),
  'a refused put without a version': (store, place) => put(store, place, { fence: aToken() }),
  'a put with neither fence nor version': (store, place) => put(store, place),
  'a clear of its region': (store, { key, region }) => store.stamp({ bucket: key.bucket, marks: [`r:${region}`] }),
  'a clear of everything': (store, { key }) => store.stamp({ bucket: key.bucket, marks: ['*'] }),
  'a change of the server': async (store, place, h) => {
    await h.restart();
    await poll(store, place);
  },
};

/** Puts without a fence. The last version wins; where that cannot be proven the key is left absent. */
export const versionedPutTests: RemoteStoreTest[] = [
  {
    name: 'a versioned put is stored where nothing stood: everybody hits it',
    async run(h) {
      await h.passTime(SETTLED_MS);
      const put5 = { version: '5', payload: 'five', loadMicros: 8, format: 'json meta', ttlMs: 5_000 };
      expect(await put(h.stores[0], placeOf(h), put5)).toMatchObject({ kind: 'stored' });
      const { nowMicros } = await poll(h.stores[0], placeOf(h));
      for (const store of h.stores) {
        const found = await hit(store, placeOf(h));
        expect(found).toMatchObject({ payload: 'five', version: '5', loadMicros: 8, format: 'json meta', tags: [] });
        expect(found.freshUntilMicros).toBeLessThanOrEqual(nowMicros + 5_000_000);
        expect(found.freshUntilMicros).toBeGreaterThan(nowMicros + 4_000_000);
      }
    },
  },
  {
    name: 'any order of versioned puts, with duplicates, ends in the highest version',
    async run(h) {
      await h.passTime(SETTLED_MS);
      const kinds: string[] = [];
      for (const version of ['9', '8', '10', '9', '10', '100', '11', '8']) {
        kinds.push((await put(h.stores[kinds.length % 2]!, placeOf(h), { version, payload: version })).kind);
      }
      expect(kinds).toEqual([
        'stored',
        'superseded',
        'stored',
        'superseded',
        'stored',
        'stored',
        'superseded',
        'superseded',
      ]);
      expect(await hit(h.stores[0], placeOf(h))).toMatchObject({ version: '100', payload: '100' });
    },
  },
  {
    name: 'a superseded put leaves the newer entry, whatever else would have refused it',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { version: '9', payload: 'newest' });
      expect(await put(h.stores[1], placeOf(h), { version: '8', tombstoneMs: LONG_MS })).toMatchObject({
        kind: 'superseded',
      });
      await expectHit(h.stores[0], placeOf(h), 'newest');
    },
  },
  {
    name: 'a put of a newer version replaces what a load filled, with or without a version',
    async run(h) {
      await cached(h.stores[0], placeOf(h, '1'), { version: '4', payload: 'loaded' });
      await cached(h.stores[0], placeOf(h, '2'), { payload: 'loaded' });
      await h.passTime(SETTLED_MS);
      for (const identifier of ['1', '2']) {
        expect(await put(h.stores[1], placeOf(h, identifier), { version: '5', payload: 'put' })).toMatchObject({
          kind: 'stored',
        });
        await expectHit(h.stores[0], placeOf(h, identifier), 'put');
      }
    },
  },
  ...Object.entries(UNVERSIONED).map(([what, act]): RemoteStoreTest => ({
    name: `${what} refuses versioned puts for tombstoneMs, and nothing stands`,
    async run(h) {
      const place = placeOf(h);
      await h.passTime(SETTLED_MS);
      await act(h.stores[1], place, h);
      expect(await put(h.stores[0], place, { version: '5' })).toMatchObject({ kind: 'refused' });
      expect(await standing(h.stores[0], place)).toBeNull();
    },
  })),
  ...(['t:any', 'r:other'] as const).map((mark): RemoteStoreTest => ({
    name: `the mark ${mark} refuses no versioned put of what cannot carry it`,
    async run(h) {
      const place = placeOf(h);
      await h.passTime(SETTLED_MS);
      await h.stores[1].stamp({ bucket: place.key.bucket, marks: [mark] });
      expect(await put(h.stores[0], place, { version: '5' })).toMatchObject({ kind: 'stored' });
    },
  })),
  {
    name: 'an invalidation without a version is forgotten after tombstoneMs',
    async run(h) {
      await evict(h.stores[0], placeOf(h));
      await h.stores[0].stamp({ bucket: placeOf(h).key.bucket, marks: ['r:users', '*'] });
      await h.passTime(SETTLED_MS);
      expect(await put(h.stores[0], placeOf(h), { version: '5' })).toMatchObject({ kind: 'stored' });
    },
  },
  {
    name: 'a fence that ended by its time refuses versioned puts for tombstoneMs from its end',
    async run(h) {
      await fence(h.stores[0], placeOf(h), TOMBSTONE_MS);
      await h.passTime(SETTLED_MS);
      expect(await put(h.stores[1], placeOf(h), { version: '5' })).toMatchObject({ kind: 'refused' });
    },
  },
  {
    name: 'an eviction under a fence does not shorten the time for which the fence refuses versioned puts',
    async run(h) {
      await fence(h.stores[0], placeOf(h), TOMBSTONE_MS);
      await evict(h.stores[0], placeOf(h));
      await h.passTime(SETTLED_MS);
      expect(await put(h.stores[1], placeOf(h), { version: '5' })).toMatchObject({ kind: 'refused' });
    },
  },
  {
    name: 'a put for which the server is too young is refused',
    async run(h) {
      expect(await put(h.stores[0], placeOf(h), { version: '5', tombstoneMs: LONG_MS })).toMatchObject({
        kind: 'refused',
      });
      expect(await standing(h.stores[0], placeOf(h))).toBeNull();
    },
  },
  {
    name: 'a refused put removes the entry that stood',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { version: '4' });
      expect(await put(h.stores[1], placeOf(h), { version: '5', tombstoneMs: LONG_MS })).toMatchObject({
        kind: 'refused',
      });
      await expectNothing(h.stores[0], placeOf(h));
    },
  },
  {
    name: 'a put of an older version than one that was evicted is refused; of the same or a newer one it is stored',
    async run(h) {
      await h.passTime(SETTLED_MS);
      await evict(h.stores[0], placeOf(h), '10', LONG_MS);
      expect(await put(h.stores[1], placeOf(h), { version: '9' })).toMatchObject({ kind: 'refused' });
      expect(await put(h.stores[1], placeOf(h), { version: '10' })).toMatchObject({ kind: 'stored' });
      await evict(h.stores[0], placeOf(h), '11', LONG_MS);
      expect(await put(h.stores[1], placeOf(h), { version: '12' })).toMatchObject({ kind: 'stored' });
    },
  },
  {
    name: 'a put remembers its version, stored or refused: older fills are refused when the entry is gone',
    async run(h) {
      const [, store] = h.stores;
      await h.passTime(SETTLED_MS);
      const older = async (identifier: string) =>
        fill(store, placeOf(h, identifier), await lease(store, placeOf(h, identifier)), { version: '4' });
      expect(await put(store, placeOf(h, '1'), { version: '5', tombstoneMs: LONG_MS })).toMatchObject({
        kind: 'refused',
      });
      expect(await older('1')).toMatchObject({ reason: 'version' });
      expect(await put(store, placeOf(h, '2'), { version: '5', ttlMs: 3, staleMs: 0 })).toMatchObject({
        kind: 'stored',
      });
      await h.passTime(6);
      expect(await older('2')).toMatchObject({ reason: 'version' });
    },
  },
  {
    name: 'a put remembers the version of the entry that it removes',
    async run(h) {
      const place = placeOf(h);
      await cached(h.stores[0], place, { version: '9' });
      await put(h.stores[0], place, { fence: aToken(), version: '5', tombstoneMs: LONG_MS });
      const token = await lease(h.stores[0], place);
      expect(await fill(h.stores[0], place, token, { version: '8' })).toMatchObject({ reason: 'version' });
    },
  },
  {
    name: 'a superseded put remembers the newer version',
    async run(h) {
      const place = placeOf(h);
      await cached(h.stores[0], place, { version: '9', ttlMs: 150, staleMs: 0 });
      expect(await put(h.stores[0], place, { version: '5', tombstoneMs: LONG_MS })).toMatchObject({
        kind: 'superseded',
      });
      await h.passTime(155);
      const token = await lease(h.stores[0], place);
      expect(await fill(h.stores[0], place, token, { version: '8' })).toMatchObject({ reason: 'version' });
    },
  },
  {
    name: 'a versioned put under the fence of a writer is refused, and the fence stands on',
    async run(h) {
      const place = placeOf(h);
      await fence(h.stores[0], place, 400);
      await h.passTime(SETTLED_MS);
      expect(await put(h.stores[1], place, { version: '5' })).toMatchObject({ kind: 'refused' });
      expect(await standing(h.stores[1], place)).toBeNull();
      expect(await ask(h.stores[1], place)).toMatchObject({ kind: 'fenced' });
    },
  },
  {
    name: 'a versioned put with tags is refused: only a fence can prove it against their marks',
    async run(h) {
      await h.passTime(SETTLED_MS);
      expect(await put(h.stores[0], placeOf(h), { version: '5', tags: ['a'] })).toMatchObject({ kind: 'refused' });
      expect(await standing(h.stores[0], placeOf(h))).toBeNull();
    },
  },
  {
    name: 'from the first entry with tags on, filled or put, versioned puts into its region are refused, whoever makes them',
    async run(h) {
      const place = (identifier: string, region: string) => placeOf(h, identifier, region);
      const [filled, byFence] = [place('1', 'filled'), place('2', 'put')];
      await cached(h.stores[0], filled, { tags: ['a'] });
      await put(h.stores[0], byFence, { fence: await fence(h.stores[0], byFence), tags: ['a'] });
      await h.passTime(SETTLED_MS);
      for (const tagged of [filled, byFence]) {
        const sibling = siblingOf(h, tagged);
        expect(await put(h.stores[1], sibling, { version: '5' })).toMatchObject({ kind: 'refused' });
        expect(await standing(h.stores[1], sibling)).toBeNull();
      }
      expect(await put(h.stores[1], place('1', 'other'), { version: '5' })).toMatchObject({ kind: 'stored' });
    },
  },
  {
    name: 'a put with neither fence nor version is never stored and removes the entry',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      await h.passTime(SETTLED_MS);
      expect(await put(h.stores[0], placeOf(h), { payload: 'unsafe' })).toMatchObject({ kind: 'refused' });
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'a versioned put that is stored is voided by later marks of its region, and not by earlier ones',
    async run(h) {
      const place = placeOf(h);
      await h.stores[0].stamp({ bucket: place.key.bucket, marks: ['r:users'] });
      await h.passTime(SETTLED_MS);
      expect(await put(h.stores[0], place, { version: '5' })).toMatchObject({ kind: 'stored' });
      await expectHit(h.stores[1], place);
      await h.stores[0].stamp({ bucket: place.key.bucket, marks: ['r:users'] });
      await expectNothing(h.stores[1], place);
    },
  },
  {
    name: 'a versioned put, stored, superseded or refused, raises the sequence by one and sends its message',
    async run(h) {
      const place = placeOf(h);
      const { bucket, entry } = place.key;
      await h.passTime(SETTLED_MS);
      const { incarnation, sequence } = await poll(h.stores[0], place);
      const kinds: string[] = [];
      const messages = await messagesOf(h, async () => {
        for (const [n, args] of [
          { version: '5' },
          { version: '4' },
          { version: '6', tombstoneMs: LONG_MS },
        ].entries()) {
          const outcome = await put(h.stores[0], place, args);
          kinds.push(outcome.kind);
          expect(outcome).toMatchObject({ incarnation, sequence: sequence + 1 + n });
        }
      });
      expect(kinds).toEqual(['stored', 'superseded', 'refused']);
      expect(messages).toEqual(
        [1, 2, 3].map((n) => ({ kind: 'entry', bucket, incarnation, sequence: sequence + n, entry })),
      );
    },
  },
  {
    name: 'a versioned put to one key leaves others',
    async run(h) {
      await cached(h.stores[0], placeOf(h, '11'), { payload: 'other' });
      await put(h.stores[0], placeOf(h, '1'), { version: '5', tombstoneMs: LONG_MS });
      await expectHit(h.stores[1], placeOf(h, '11'), 'other');
    },
  },
];
