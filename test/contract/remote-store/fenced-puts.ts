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
  hit,
  LONG_MS,
  messagesOf,
  type Place,
  placeOf,
  poll,
  put,
  softEvict,
  standing,
  unfence,
} from './actions.js';

/** Whatever happens to the key between a writer's fence and its put makes the put unprovable. */
const BETWEEN: Record<string, (store: RemoteStore, place: Place, h: RemoteStoreHarness) => Promise<unknown>> = {
  'an eviction': (store, place) => evict(store, place),
  'an eviction of a version': (store, place) => evict(store, place, '1'),
  'a soft eviction': softEvict,
  'the fence of another writer': (store, place) => fence(store, place),
  'the fence and the put of another writer': async (store, place) =>
    put(store, place, { fence: await fence(store, place) }),
  'the fence of another writer, and its end': async (store, place) => unfence(store, place, await fence(store, place)),
  'a fence of another writer whose time is over': async (store, place, h) => {
    await fence(store, place, 5);
    await h.passTime(8);
  },
  'the end of a fence whose time was over': (store, place) => unfence(store, place, aToken()),
  'the put of a writer whose fence was over': (store, place) => put(store, place, { fence: aToken() }),
  'a versioned put': (store, place) => put(store, place, { version: '1' }),
  'a put with neither fence nor version': (store, place) => put(store, place),
  'a clear of its region': (store, { key }) => store.stamp({ bucket: key.bucket, marks: ['r:users'] }),
  'a clear of everything': (store, { key }) => store.stamp({ bucket: key.bucket, marks: ['*'] }),
  'a stamp of one of its tags': (store, { key }) => store.stamp({ bucket: key.bucket, marks: ['t:b'] }),
  'a change of the server': (_store, _place, h) => h.restart(),
};

export const fencedPutTests: RemoteStoreTest[] = [
  {
    name: 'a fenced put is stored and ends the fence: everybody hits it',
    async run(h) {
      const place = placeOf(h);
      const token = await fence(h.stores[0], place);
      const entry = { payload: 'written', tags: ['a', 'b'], loadMicros: 12, ttlMs: 5_000, format: 'json meta' };
      expect(await put(h.stores[0], place, { fence: token, ...entry })).toMatchObject({ kind: 'stored' });
      const { nowMicros } = await poll(h.stores[0], place);
      for (const store of h.stores) {
        const found = await hit(store, place);
        expect(found).toMatchObject({
          payload: 'written',
          tags: ['a', 'b'],
          loadMicros: 12,
          format: 'json meta',
          version: '',
        });
        expect(found.freshUntilMicros).toBeLessThanOrEqual(nowMicros + 5_000_000);
        expect(found.freshUntilMicros).toBeGreaterThan(nowMicros + 4_000_000);
      }
      await evict(h.stores[0], place);
      await expectNothing(h.stores[1], place);
    },
  },
  ...Object.entries(BETWEEN).map(([what, act]): RemoteStoreTest => ({
    name: `${what} between fence and put refuses the put, and nothing stands`,
    async run(h) {
      const place = placeOf(h);
      const token = await fence(h.stores[0], place);
      await act(h.stores[1], place, h);
      expect(await put(h.stores[0], place, { fence: token, payload: 'r1', tags: ['a', 'b'] })).toMatchObject({
        kind: 'refused',
      });
      expect(await standing(h.stores[0], place)).toBeNull();
    },
  })),
  {
    name: 'a refused put ends its fence all the same',
    async run(h) {
      const token = await fence(h.stores[0], placeOf(h));
      await evict(h.stores[1], placeOf(h));
      expect(await put(h.stores[0], placeOf(h), { fence: token })).toMatchObject({ kind: 'refused' });
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'of two writers whose fences overlap neither put is stored, in whichever order they end',
    async run(h) {
      for (const order of [
        [0, 1],
        [1, 0],
      ]) {
        const place = placeOf(h, `order${order.join('')}`);
        const tokens = [await fence(h.stores[0], place), await fence(h.stores[1], place)];
        for (const n of order) {
          expect(await put(h.stores[n]!, place, { fence: tokens[n]!, payload: `${n}` })).toMatchObject({
            kind: 'refused',
          });
        }
        await expectNothing(h.stores[0], place);
      }
    },
  },
  {
    name: 'a fence set while another stood is not alone, even when the other ended before the put',
    async run(h) {
      const one = await fence(h.stores[0], placeOf(h));
      const two = await fence(h.stores[1], placeOf(h));
      await unfence(h.stores[0], placeOf(h), one);
      expect(await put(h.stores[1], placeOf(h), { fence: two })).toMatchObject({ kind: 'refused' });
    },
  },
  {
    name: 'a fence set while another stood is not alone, even when the time of the other is over at the put',
    async run(h) {
      await fence(h.stores[0], placeOf(h), 150);
      const two = await fence(h.stores[1], placeOf(h));
      await h.passTime(160);
      expect(await put(h.stores[1], placeOf(h), { fence: two })).toMatchObject({ kind: 'refused' });
      await expectNothing(h.stores[0], placeOf(h));
    },
  },
  {
    name: 'a fence set after the time of another was over is alone',
    async run(h) {
      await fence(h.stores[0], placeOf(h), 5);
      await h.passTime(8);
      const two = await fence(h.stores[1], placeOf(h));
      expect(await put(h.stores[1], placeOf(h), { fence: two, payload: 'written' })).toMatchObject({ kind: 'stored' });
      await expectHit(h.stores[0], placeOf(h), 'written');
    },
  },
  {
    name: 'a put whose fence is over is refused, and removes what was filled since',
    async run(h) {
      const token = await fence(h.stores[0], placeOf(h), 5);
      await h.passTime(8);
      await cached(h.stores[1], placeOf(h));
      expect(await put(h.stores[0], placeOf(h), { fence: token, payload: 'late' })).toMatchObject({ kind: 'refused' });
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'a late put of an ended fence refuses the put of the writer whose fence stands now',
    async run(h) {
      const late = await fence(h.stores[0], placeOf(h), 5);
      await h.passTime(8);
      const now = await fence(h.stores[1], placeOf(h));
      expect(await put(h.stores[0], placeOf(h), { fence: late, payload: 'late' })).toMatchObject({ kind: 'refused' });
      expect(await put(h.stores[1], placeOf(h), { fence: now, payload: 'now' })).toMatchObject({ kind: 'refused' });
      await expectNothing(h.stores[0], placeOf(h));
    },
  },
  {
    name: 'a put with a fence that was never set is refused and removes the entry',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      expect(await put(h.stores[0], placeOf(h), { fence: aToken(), version: '99' })).toMatchObject({ kind: 'refused' });
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'a put that is repeated is refused the second time, and nothing stands',
    async run(h) {
      const token = await fence(h.stores[0], placeOf(h));
      expect(await put(h.stores[0], placeOf(h), { fence: token })).toMatchObject({ kind: 'stored' });
      expect(await put(h.stores[0], placeOf(h), { fence: token })).toMatchObject({ kind: 'refused' });
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'a fence that was set twice before the write is still alone',
    async run(h) {
      const token = await fence(h.stores[0], placeOf(h));
      await fence(h.stores[0], placeOf(h), LONG_MS, token);
      expect(await put(h.stores[0], placeOf(h), { fence: token })).toMatchObject({ kind: 'stored' });
    },
  },
  {
    name: 'a late duplicate of a fence does not hide an eviction from its put',
    async run(h) {
      const token = await fence(h.stores[0], placeOf(h));
      await evict(h.stores[1], placeOf(h));
      await fence(h.stores[0], placeOf(h), LONG_MS, token);
      expect(await put(h.stores[0], placeOf(h), { fence: token })).toMatchObject({ kind: 'refused' });
    },
  },
  {
    name: 'a late duplicate of a fence does not hide a mark from its put',
    async run(h) {
      const place = placeOf(h);
      const token = await fence(h.stores[0], place);
      await h.stores[1].stamp({ bucket: place.key.bucket, marks: ['t:a'] });
      await fence(h.stores[0], place, LONG_MS, token);
      expect(await put(h.stores[0], place, { fence: token, tags: ['a'] })).toMatchObject({ kind: 'refused' });
    },
  },
  {
    name: 'marks that the value does not carry, and marks before the fence, do not refuse the put',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      for (const mark of ['t:a', 'r:users', '*'] as const) await h.stores[1].stamp({ bucket, marks: [mark] });
      const token = await fence(h.stores[0], place);
      for (const mark of ['t:b', 'r:other', 't:users'] as const) await h.stores[1].stamp({ bucket, marks: [mark] });
      expect(await put(h.stores[0], place, { fence: token, tags: ['a'] })).toMatchObject({ kind: 'stored' });
      await expectHit(h.stores[1], place);
    },
  },
  {
    name: 'writes of another key do not refuse the put',
    async run(h) {
      const token = await fence(h.stores[0], placeOf(h));
      await evict(h.stores[1], placeOf(h, '11'));
      await fence(h.stores[1], placeOf(h, '12'));
      await put(h.stores[1], placeOf(h, '13'), { version: '4' });
      expect(await put(h.stores[0], placeOf(h), { fence: token })).toMatchObject({ kind: 'stored' });
    },
  },
  {
    name: 'a mark set after the put voids what it stored',
    async run(h) {
      const place = placeOf(h);
      const token = await fence(h.stores[0], place);
      await put(h.stores[0], place, { fence: token, tags: ['a'] });
      await h.stores[1].stamp({ bucket: place.key.bucket, marks: ['t:a'] });
      await expectNothing(h.stores[0], place);
    },
  },
  {
    name: 'what a fenced put stored carries the stamp of the fence, not of the put',
    async run(h) {
      const place = placeOf(h);
      const token = await fence(h.stores[0], place);
      const between = await h.stores[1].stamp({ bucket: place.key.bucket, marks: ['t:other'] });
      await put(h.stores[0], place, { fence: token });
      expect((await hit(h.stores[1], place)).stamp).toBeLessThanOrEqual(between.stamp);
    },
  },
  {
    name: 'a fenced put of an older version than one that was evicted is refused; of the same one it is stored',
    async run(h) {
      await evict(h.stores[1], placeOf(h), '10', LONG_MS);
      const old = await fence(h.stores[0], placeOf(h));
      expect(await put(h.stores[0], placeOf(h), { fence: old, version: '9' })).toMatchObject({ kind: 'refused' });
      const same = await fence(h.stores[0], placeOf(h));
      expect(await put(h.stores[0], placeOf(h), { fence: same, version: '10' })).toMatchObject({ kind: 'stored' });
      expect(await hit(h.stores[1], placeOf(h))).toMatchObject({ version: '10' });
    },
  },
  {
    name: 'a fenced put remembers its version: an older one is refused when the entry is gone',
    async run(h) {
      const first = await fence(h.stores[0], placeOf(h));
      await put(h.stores[0], placeOf(h), { fence: first, version: '10', tombstoneMs: LONG_MS });
      await evict(h.stores[1], placeOf(h));
      const second = await fence(h.stores[0], placeOf(h));
      expect(await put(h.stores[0], placeOf(h), { fence: second, version: '9' })).toMatchObject({ kind: 'refused' });
    },
  },
  {
    name: 'a fenced put without a version is not measured against evicted versions',
    async run(h) {
      await evict(h.stores[1], placeOf(h), '10', LONG_MS);
      const token = await fence(h.stores[0], placeOf(h));
      expect(await put(h.stores[0], placeOf(h), { fence: token })).toMatchObject({ kind: 'stored' });
    },
  },
  {
    name: 'a fenced put, stored or refused, raises the sequence by one and sends its message',
    async run(h) {
      const place = placeOf(h);
      const { bucket, entry } = place.key;
      const token = await fence(h.stores[0], place);
      const { incarnation, sequence } = await poll(h.stores[0], place);
      const messages = await messagesOf(h, async () => {
        expect(await put(h.stores[0], place, { fence: token })).toEqual({
          kind: 'stored',
          incarnation,
          sequence: sequence + 1,
        });
        expect(await put(h.stores[0], place, { fence: token })).toEqual({
          kind: 'refused',
          incarnation,
          sequence: sequence + 2,
        });
      });
      expect(messages).toEqual([
        { kind: 'entry', bucket, incarnation, sequence: sequence + 1, entry },
        { kind: 'entry', bucket, incarnation, sequence: sequence + 2, entry },
      ]);
    },
  },
  {
    name: 'what a fenced put stored goes stale and ends by its own ttl and window',
    async run(h) {
      const token = await fence(h.stores[0], placeOf(h));
      await put(h.stores[0], placeOf(h), { fence: token, payload: 'written', ttlMs: 5, staleMs: 200 });
      await h.passTime(8);
      expect(await ask(h.stores[1], placeOf(h), { leaseMs: 5 })).toMatchObject({
        kind: 'lease',
        stale: { payload: 'written' },
      });
      await h.passTime(200);
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
];
