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
  lease,
  LONG_MS,
  messagesOf,
  type Place,
  placeOf,
  poll,
  put,
  SETTLED_MS,
  softEvict,
  standing,
  TOMBSTONE_MS,
  unfence,
} from './actions.js';

/** Everything that voids the lease of a load under way. */
const VOIDING: Record<string, (store: RemoteStore, place: Place, h: RemoteStoreHarness) => Promise<unknown>> = {
  'an eviction': (store, place) => evict(store, place),
  'an eviction of a version': (store, place) => evict(store, place, '5'),
  'a soft eviction': softEvict,
  'a fence': (store, place) => fence(store, place),
  'the end of a fenced eviction': (store, place) => unfence(store, place, 'fence-whose-time-is-over'),
  'a fence and its end': async (store, place) => unfence(store, place, await fence(store, place)),
  'a fenced put': async (store, place) => put(store, place, { fence: await fence(store, place), payload: 'written' }),
  'a fenced put whose time is over': (store, place) => put(store, place, { fence: 'fence-whose-time-is-over' }),
  'a put with neither fence nor version': (store, place) => put(store, place),
  'a versioned put that is refused': (store, place) => put(store, place, { version: '9', tombstoneMs: LONG_MS }),
  'a versioned put that is stored': async (store, place, h) => {
    await h.passTime(SETTLED_MS);
    expect(await put(store, place, { version: '9' })).toMatchObject({ kind: 'stored' });
  },
};

export const fillTests: RemoteStoreTest[] = [
  {
    name: 'a fill without a lease is refused and writes nothing',
    async run(h) {
      const outcome = await fill(h.stores[0], placeOf(h), aToken());
      expect(outcome).toMatchObject({ kind: 'refused', reason: 'lease' });
      expect(await standing(h.stores[0], placeOf(h))).toBeNull();
    },
  },
  {
    name: 'a fill with a foreign token is refused, and the holder can still fill',
    async run(h) {
      const token = await lease(h.stores[0], placeOf(h));
      expect(await fill(h.stores[1], placeOf(h), aToken(), { payload: 'foreign' })).toMatchObject({
        kind: 'refused',
        reason: 'lease',
      });
      expect(await standing(h.stores[1], placeOf(h))).toBeNull();
      expect(await fill(h.stores[0], placeOf(h), token)).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'the lease of one key does not fill another',
    async run(h) {
      const token = await lease(h.stores[0], placeOf(h, '1'));
      await lease(h.stores[0], placeOf(h, '2'));
      expect(await fill(h.stores[0], placeOf(h, '2'), token)).toMatchObject({ kind: 'refused', reason: 'lease' });
    },
  },
  {
    name: 'a token fills once',
    async run(h) {
      const token = await lease(h.stores[0], placeOf(h));
      await fill(h.stores[0], placeOf(h), token, { payload: 'first' });
      expect(await fill(h.stores[0], placeOf(h), token, { payload: 'second' })).toMatchObject({
        kind: 'refused',
        reason: 'lease',
      });
      await expectHit(h.stores[0], placeOf(h), 'first');
    },
  },
  {
    name: 'a fill wakes those who wait and does not raise the sequence',
    async run(h) {
      const place = placeOf(h);
      const token = await lease(h.stores[0], place);
      expect(await ask(h.stores[1], place)).toMatchObject({ kind: 'held' });
      const { sequence } = await poll(h.stores[0], place);
      const messages = await messagesOf(h, async () => {
        expect(await fill(h.stores[0], place, token)).toMatchObject({ kind: 'filled', sequence });
      });
      expect(messages).toEqual([{ kind: 'wake', bucket: place.key.bucket, entry: place.key.entry }]);
    },
  },
  ...Object.entries(VOIDING).map(([what, act]): RemoteStoreTest => ({
    name: `${what} during a load refuses its fill`,
    async run(h) {
      const place = placeOf(h);
      const token = await lease(h.stores[0], place);
      await act(h.stores[1], place, h);
      expect(await fill(h.stores[0], place, token, { payload: 'old', version: '99' })).toMatchObject({
        kind: 'refused',
        reason: 'lease',
      });
      expect((await standing(h.stores[0], place))?.payload).not.toBe('old');
    },
  })),
  {
    name: 'a superseded put during a refresh refuses its fill',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { version: '9', payload: 'newest' });
      const token = await lease(h.stores[0], placeOf(h), { force: true });
      expect(await put(h.stores[1], placeOf(h), { version: '8' })).toMatchObject({ kind: 'superseded' });
      expect(await fill(h.stores[0], placeOf(h), token, { payload: 'old' })).toMatchObject({
        kind: 'refused',
        reason: 'lease',
      });
      await expectHit(h.stores[0], placeOf(h), 'newest');
    },
  },
  {
    name: 'an eviction of another key does not refuse a fill',
    async run(h) {
      const token = await lease(h.stores[0], placeOf(h, '1'));
      await evict(h.stores[1], placeOf(h, '11'));
      await evict(h.stores[1], placeOf(h, '1', 'other'));
      expect(await fill(h.stores[0], placeOf(h, '1'), token)).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'a load that began before the server changed is refused, once and for all',
    async run(h) {
      const place = placeOf(h);
      const token = await lease(h.stores[0], place);
      await h.restart();
      expect(await fill(h.stores[0], place, token)).toMatchObject({ kind: 'refused', reason: 'incarnation' });
      expect(await fill(h.stores[0], place, token)).toMatchObject({ kind: 'refused', reason: 'lease' });
      expect(await standing(h.stores[0], place)).toBeNull();
      await expectNothing(h.stores[1], place);
    },
  },
  ...(['t:org:5', 'r:users', '*'] as const).flatMap((mark): RemoteStoreTest[] => [
    {
      name: `the mark ${mark} set during a load refuses its fill, and the lease is free`,
      async run(h) {
        const place = placeOf(h);
        const token = await lease(h.stores[0], place);
        expect(await ask(h.stores[1], place)).toMatchObject({ kind: 'held' });
        await h.stores[1].stamp({ bucket: place.key.bucket, marks: [mark] });
        const messages = await messagesOf(h, async () => {
          expect(await fill(h.stores[0], place, token, { tags: ['a', 'org:5', 'b'] })).toMatchObject({
            kind: 'refused',
            reason: 'mark',
          });
        });
        expect(messages).toEqual([{ kind: 'wake', bucket: place.key.bucket, entry: place.key.entry }]);
        await expectNothing(h.stores[1], place);
      },
    },
    {
      name: `the mark ${mark} set before the lease does not refuse the fill`,
      async run(h) {
        const place = placeOf(h);
        await h.stores[1].stamp({ bucket: place.key.bucket, marks: [mark] });
        const token = await lease(h.stores[0], place);
        expect(await fill(h.stores[0], place, token, { tags: ['org:5'] })).toMatchObject({ kind: 'filled' });
        await expectHit(h.stores[1], place);
      },
    },
    {
      name: `the mark ${mark} set during a load refuses its fill also when the holder asked for the lease again`,
      async run(h) {
        const place = placeOf(h);
        const token = await lease(h.stores[0], place);
        await h.stores[1].stamp({ bucket: place.key.bucket, marks: [mark] });
        await lease(h.stores[0], place, { token });
        expect(await fill(h.stores[0], place, token, { tags: ['org:5'] })).toMatchObject({ reason: 'mark' });
      },
    },
  ]),
  {
    name: 'marks that the value does not carry do not refuse a fill',
    async run(h) {
      const place = placeOf(h);
      const token = await lease(h.stores[0], place);
      for (const mark of ['t:org:6', 't:org', 't:users', 'r:user', 'r:org:5', 't:*'] as const) {
        await h.stores[1].stamp({ bucket: place.key.bucket, marks: [mark] });
      }
      expect(await fill(h.stores[0], place, token, { tags: ['org:5'] })).toMatchObject({ kind: 'filled' });
      await expectHit(h.stores[1], place);
    },
  },
  {
    name: 'a fill of an older version than one that was evicted is refused, and the lease is free',
    async run(h) {
      const place = placeOf(h);
      await evict(h.stores[0], place, '10', LONG_MS);
      const token = await lease(h.stores[0], place);
      expect(await fill(h.stores[0], place, token, { version: '9' })).toMatchObject({
        kind: 'refused',
        reason: 'version',
      });
      expect(await standing(h.stores[0], place)).toBeNull();
      const next = await lease(h.stores[1], place);
      expect(await fill(h.stores[1], place, next, { version: '10' })).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'a fill without a version is not measured against evicted versions',
    async run(h) {
      const place = placeOf(h);
      await evict(h.stores[0], place, '10', LONG_MS);
      const token = await lease(h.stores[0], place);
      expect(await fill(h.stores[0], place, token)).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'versions are compared as numbers of any length',
    async run(h) {
      const place = placeOf(h);
      await evict(h.stores[0], place, '90071992547409930000', LONG_MS);
      const attempt = async (version: string) =>
        fill(h.stores[0], place, await lease(h.stores[0], place, { force: true }), { version });
      expect(await attempt('90071992547409929999')).toMatchObject({ reason: 'version' });
      expect(await attempt('9007199254740993001')).toMatchObject({ reason: 'version' });
      expect(await attempt('100000000000000000000')).toMatchObject({ kind: 'filled' });
      expect(await attempt('90071992547409930000')).toMatchObject({ kind: 'filled' });
      expect(await attempt('9')).toMatchObject({ reason: 'version' });
    },
  },
  {
    name: 'an evicted version is forgotten after tombstoneMs',
    async run(h) {
      const place = placeOf(h);
      await evict(h.stores[0], place, '10', 10);
      await h.passTime(13);
      const token = await lease(h.stores[0], place);
      expect(await fill(h.stores[0], place, token, { version: '9' })).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'a short lease does not shorten a tombstone',
    async run(h) {
      const place = placeOf(h);
      await evict(h.stores[0], place, '10', LONG_MS);
      await lease(h.stores[0], place, { leaseMs: 5, keepMs: 5 });
      await h.passTime(15);
      const token = await lease(h.stores[0], place);
      expect(await fill(h.stores[0], place, token, { version: '9' })).toMatchObject({ reason: 'version' });
    },
  },
  {
    name: 'a short tombstone does not shorten a lease',
    async run(h) {
      const place = placeOf(h);
      await cached(h.stores[0], place, { version: '7' });
      const token = await lease(h.stores[0], place, { force: true });
      await evict(h.stores[0], place, '5', 5);
      await h.passTime(8);
      expect(await fill(h.stores[0], place, token, { version: '8' })).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'a refused fill leaves the entry that stood',
    async run(h) {
      const place = placeOf(h);
      await evict(h.stores[0], place, '5', LONG_MS);
      await cached(h.stores[0], place, { payload: 'first', version: '6' });
      const token = await lease(h.stores[0], place, { force: true });
      expect(await fill(h.stores[0], place, token, { payload: 'second', version: '4' })).toMatchObject({
        reason: 'version',
      });
      await expectHit(h.stores[1], place, 'first');
    },
  },
  {
    name: 'a fill counts its ttl from the moment it is written',
    async run(h) {
      const place = placeOf(h);
      const token = await lease(h.stores[0], place, { leaseMs: 5 });
      await h.passTime(20);
      const filled = await fill(h.stores[0], place, token, { ttlMs: LONG_MS });
      if (filled.kind !== 'filled') throw new Error(filled.reason);
      expect(await ask(h.stores[0], place)).toMatchObject({
        kind: 'hit',
        entry: { freshUntilMicros: filled.nowMicros + LONG_MS * 1_000 },
      });
    },
  },
  {
    name: 'a fill raises no tombstone of its own version',
    async run(h) {
      const place = placeOf(h);
      await cached(h.stores[0], place, { version: '10', ttlMs: 5, staleMs: 0 });
      await h.passTime(SETTLED_MS);
      expect(await put(h.stores[0], place, { version: '9', tombstoneMs: TOMBSTONE_MS })).toMatchObject({
        kind: 'stored',
      });
    },
  },
];
