import { expect } from '@jest/globals';
import type { Mark } from '../../../lib/stores/channel.js';
import type { RemoteStore } from '../../../lib/stores/remote-store.js';
import type { RemoteStoreTest } from '../remote-store.contract.js';
import {
  ask,
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
  placesOf,
  poll,
  put,
  SETTLED_MS,
  standing,
  TOMBSTONE_MS,
  unfence,
} from './actions.js';

const hold = (store: RemoteStore, { key }: Place, marks: Mark[], owner = 'owner', holdMs = LONG_MS) =>
  store.stamp({ bucket: key.bucket, marks, hold: owner, holdMs });

const lift = (store: RemoteStore, { key }: Place, marks: Mark[], owner = 'owner') =>
  store.stamp({ bucket: key.bucket, marks, hold: owner });

/** Groups of evictions: several keys, several marks in one call, and marks that are held between two rounds. */
export const holdTests: RemoteStoreTest[] = [
  ...(['t:a', 'r:users', '*'] as const).flatMap((mark): RemoteStoreTest[] => [
    {
      name: `a hold of the mark ${mark} voids as a stamp does, and refuses fills until its owner lifts it`,
      async run(h) {
        const place = placeOf(h);
        await cached(h.stores[0], place, { tags: ['a'] });
        const before = await lease(h.stores[1], placeOf(h, '2'));
        await hold(h.stores[0], place, [mark]);
        expect(await fill(h.stores[1], placeOf(h, '2'), before, { tags: ['a'] })).toMatchObject({ reason: 'mark' });
        const meanwhile = await ask(h.stores[1], place, { token: 'meanwhile' });
        expect(meanwhile).toMatchObject(mark === 't:a' ? { kind: 'lease', stale: null } : { kind: 'fenced' });
        if (meanwhile.kind === 'lease')
          expect(await fill(h.stores[1], place, 'meanwhile', { tags: ['a'] })).toMatchObject({ reason: 'mark' });
        await lift(h.stores[0], place, [mark]);
        await cached(h.stores[1], place, { tags: ['a'], payload: 'new' });
        await expectHit(h.stores[0], place, 'new');
      },
    },
    {
      name: `what was leased while the mark ${mark} was held is void when it is lifted`,
      async run(h) {
        const place = placeOf(h);
        await hold(h.stores[0], placeOf(h), ['t:a']);
        const token = await lease(h.stores[1], place);
        await lift(h.stores[0], place, ['t:a']);
        expect(await fill(h.stores[1], place, token, { tags: ['a'] })).toMatchObject({ reason: 'mark' });
        await hold(h.stores[0], placeOf(h), [mark]);
        await lift(h.stores[0], place, [mark]);
        expect(await ask(h.stores[0], place)).toMatchObject({ kind: 'lease' });
      },
    },
    {
      name: `a hold of the mark ${mark} refuses fenced puts, and nothing stands`,
      async run(h) {
        const place = placeOf(h);
        await hold(h.stores[0], place, [mark]);
        const token = await fence(h.stores[1], place);
        expect(await put(h.stores[1], place, { fence: token, tags: ['a'] })).toMatchObject({ kind: 'refused' });
        expect(await standing(h.stores[0], place)).toBeNull();
      },
    },
  ]),
  {
    name: 'a hold of the region refuses versioned puts, also when its clear is older than their tombstone',
    async run(h) {
      await hold(h.stores[0], placeOf(h), ['r:users']);
      await h.passTime(SETTLED_MS);
      expect(await put(h.stores[1], placeOf(h), { version: '5' })).toMatchObject({ kind: 'refused' });
    },
  },
  {
    name: 'a hold leaves what does not carry its mark',
    async run(h) {
      const place = placeOf(h);
      await hold(h.stores[0], place, ['t:b', 't:', 't:a,b', 't:ab', 'r:user', 'r:usersx', 't:*', 't:users']);
      await cached(h.stores[1], place, { tags: ['a', 'c'] });
      await expectHit(h.stores[0], place);
    },
  },
  {
    name: 'a hold ends with its time when its owner died',
    async run(h) {
      await hold(h.stores[0], placeOf(h), ['*', 't:a'], 'dead', 20);
      expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'fenced' });
      await h.passTime(22);
      await cached(h.stores[1], placeOf(h), { tags: ['a'] });
    },
  },
  {
    name: 'holds of two owners stand side by side: each is lifted by its own owner alone',
    async run(h) {
      const place = placeOf(h);
      await hold(h.stores[0], place, ['*'], 'one');
      await hold(h.stores[1], place, ['*'], 'two');
      await lift(h.stores[0], place, ['*'], 'one');
      expect(await ask(h.stores[0], place)).toMatchObject({ kind: 'fenced' });
      await lift(h.stores[0], place, ['*'], 'a stranger');
      await h.stores[0].stamp({ bucket: place.key.bucket, marks: ['*'] });
      expect(await ask(h.stores[0], place)).toMatchObject({ kind: 'fenced' });
      await lift(h.stores[1], place, ['*'], 'two');
      await cached(h.stores[1], place);
    },
  },
  {
    name: 'an owner lifts the marks that it names, and no other of its own',
    async run(h) {
      const place = placeOf(h);
      await hold(h.stores[0], place, ['t:x', '*']);
      await lift(h.stores[0], place, ['t:x']);
      expect(await ask(h.stores[1], place)).toMatchObject({ kind: 'fenced' });
    },
  },
  {
    name: 'the end of a hold, and of a fence, says whether it stood for all until then',
    async run(h) {
      const places = placesOf(h, 2);
      const keys = places.map(({ key }) => key);
      const end = () => h.stores[0].unfence({ keys, fence: 'f', tombstoneMs: TOMBSTONE_MS });
      const begin = (fenceMs: number, some = keys) =>
        h.stores[0].fence({ keys: some, fence: 'f', fenceMs, tombstoneMs: TOMBSTONE_MS });
      await begin(LONG_MS);
      expect([(await end()).stood, (await end()).stood]).toEqual([true, false]);
      await begin(LONG_MS, [keys[0]!]);
      expect((await end()).stood).toBe(false);
      const marks: Mark[] = ['t:a', '*'];
      await hold(h.stores[0], places[0]!, marks);
      expect((await lift(h.stores[1], places[0]!, marks)).stood).toBe(true);
      expect((await lift(h.stores[1], places[0]!, marks)).stood).toBe(false);
      await hold(h.stores[0], places[0]!, ['*']);
      expect((await lift(h.stores[1], places[0]!, marks)).stood).toBe(false);
      await begin(20);
      await hold(h.stores[0], places[0]!, marks, 'owner', 20);
      await h.passTime(22);
      expect([(await end()).stood, (await lift(h.stores[1], places[0]!, marks)).stood]).toEqual([false, false]);
      await begin(LONG_MS);
      await hold(h.stores[0], places[0]!, marks);
      await h.flush();
      expect([(await end()).stood, (await lift(h.stores[1], places[0]!, marks)).stood]).toEqual([false, false]);
    },
  },
  {
    name: 'a hold that is set again stands for its last time',
    async run(h) {
      const place = placeOf(h);
      await hold(h.stores[0], place, ['*'], 'one', 20);
      await hold(h.stores[0], place, ['*'], 'one', LONG_MS);
      await h.passTime(22);
      expect(await ask(h.stores[1], place)).toMatchObject({ kind: 'fenced' });
      await lift(h.stores[0], place, ['*'], 'one');
      await cached(h.stores[1], place);
    },
  },
  {
    name: 'more holds than are worth looking at are one hold of everything, until its owner lifts it',
    async run(h) {
      const place = placeOf(h);
      const tags = (from: number, count: number) => Array.from({ length: count }, (_, n): Mark => `t:many${from + n}`);
      await hold(h.stores[0], place, tags(0, 400), 'few');
      await cached(h.stores[1], place, { tags: ['free'] });
      await evict(h.stores[1], place);
      await hold(h.stores[0], place, tags(1_000, 400), 'many');
      // a hold that is set again stands for its owner's marks and no others
      await hold(h.stores[0], place, tags(1_000, 400), 'many');
      expect(await ask(h.stores[1], place)).toMatchObject({ kind: 'fenced' });
      expect((await lift(h.stores[0], place, tags(1_000, 400), 'many')).stood).toBe(true);
      expect((await lift(h.stores[0], place, tags(1_000, 400), 'many')).stood).toBe(false);
      await cached(h.stores[1], place, { tags: ['free'] });
      expect((await lift(h.stores[0], place, tags(0, 400), 'few')).stood).toBe(true);
    },
  },
  {
    name: 'many marks of one call get one stamp, and each is counted and told by itself',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      const marks: Mark[] = ['t:a', 'r:other', '*'];
      const before = await poll(h.stores[0], place);
      let stamp = 0;
      const messages = await messagesOf(h, async () => {
        const reply = await h.stores[0].stamp({ bucket, marks });
        stamp = reply.stamp;
        expect(reply.sequence).toBe(before.sequence + 3);
      });
      expect(messages).toMatchObject(
        marks.map((mark, n) => ({ kind: 'mark', mark, stamp, sequence: before.sequence + 1 + n })),
      );
      expect(await h.stores[1].poll({ bucket, marks })).toMatchObject({
        markSequence: before.markSequence + 3,
        stampClock: stamp,
        stamps: [stamp, stamp, stamp],
      });
    },
  },
  {
    name: 'an eviction stamps its marks in the same moment',
    async run(h) {
      const [one, two] = placesOf(h, 2);
      await cached(h.stores[0], one!);
      await cached(h.stores[0], two!, { tags: ['a'] });
      const { bucket } = one!.key;
      const reply = await h.stores[1].evict({ keys: [one!.key], marks: ['t:a'], tombstoneMs: TOMBSTONE_MS });
      expect(await h.stores[1].poll({ bucket, marks: ['t:a'] })).toMatchObject({
        sequence: reply.sequence,
        stamps: [reply.stamp],
      });
      await expectNothing(h.stores[0], one!);
      await expectNothing(h.stores[0], two!);
    },
  },
  {
    name: 'each key of an eviction has a version of its own',
    async run(h) {
      const [one, two, three] = placesOf(h, 3);
      for (const place of [one!, two!, three!]) await cached(h.stores[0], place, { version: '5' });
      const keys = [one!.key, two!.key, three!.key];
      await h.stores[1].evict({ keys, versions: ['5', '6', ''], tombstoneMs: TOMBSTONE_MS });
      await expectHit(h.stores[0], one!);
      await expectNothing(h.stores[0], two!);
      await expectNothing(h.stores[0], three!);
    },
  },
  {
    name: 'a fence of several keys, and its end, are about each of them',
    async run(h) {
      const places = placesOf(h, 3);
      for (const place of places) await cached(h.stores[0], place);
      const keys = places.map(({ key }) => key);
      await h.stores[0].fence({ keys, fence: 'f', fenceMs: LONG_MS, tombstoneMs: TOMBSTONE_MS });
      for (const place of places) expect(await ask(h.stores[1], place)).toMatchObject({ kind: 'fenced' });
      await unfence(h.stores[0], places[0]!, 'f');
      expect(await ask(h.stores[1], places[1]!)).toMatchObject({ kind: 'fenced' });
      await h.stores[0].unfence({ keys, fence: 'f', tombstoneMs: TOMBSTONE_MS });
      for (const place of places) await expectNothing(h.stores[1], place);
      await evict(h.stores[0], places[0]!);
    },
  },
];
