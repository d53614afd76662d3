import { expect } from '@jest/globals';
import type { BucketPosition } from '../../../lib/stores/remote-store.js';
import type { RemoteStoreTest } from '../remote-store.contract.js';
import {
  ask,
  aToken,
  cached,
  evict,
  expectNothing,
  fence,
  fill,
  lease,
  LONG_MS,
  messagesOf,
  placeOf,
  poll,
  put,
  softEvict,
  standing,
  unfence,
} from './actions.js';

/** Position in every reply, the sequence, and the server's identity. */
export const positionTests: RemoteStoreTest[] = [
  {
    name: 'every reply tells where the bucket stands after the operation',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      const [store, other] = h.stores;
      const positionOf = ({ incarnation, sequence }: BucketPosition) => ({ incarnation, sequence });
      const operations: (() => Promise<BucketPosition>)[] = [
        () => ask(store, place, { token: 'a' }),
        () => ask(store, place),
        () => fill(store, place, 'a'),
        () => ask(store, place),
        () => fill(store, place, 'a'),
        () => evict(store, place),
        () => evict(store, place, '7'),
        () => softEvict(store, place),
        () => store.fence({ keys: [place.key], fence: 'f', fenceMs: LONG_MS, tombstoneMs: 5 }),
        () => ask(store, place),
        () => put(store, place, { fence: 'f' }),
        () => put(store, place, { fence: 'f' }),
        () => put(store, place, { version: '5' }),
        () => unfence(store, place, 'f'),
        () => store.stamp({ bucket, marks: ['t:a'] }),
        () => store.poll({ bucket, marks: ['*'] }),
      ];
      for (const operation of operations) {
        const reply = await operation();
        expect(positionOf(reply)).toEqual(positionOf(await other.poll({ bucket, marks: [] })));
      }
    },
  },
  {
    name: 'the sequence has no gap: as many messages as it was raised, in order, each with its incarnation',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      const [one, two] = h.stores;
      const before = await poll(one, place);
      const messages = await messagesOf(h, async () => {
        await cached(one, place, { version: '3' });
        await Promise.all(
          Array.from({ length: 20 }, (_, n) =>
            n % 4 === 3
              ? two.stamp({ bucket, marks: [`t:${n}`] })
              : n % 2 === 0
                ? evict(one, place)
                : put(two, place, { version: `${n}` }),
          ),
        );
        await unfence(one, place, await fence(two, place));
        await softEvict(two, place);
      });
      const after = await poll(two, place);
      const invalidations = messages.flatMap((message) => (message.kind === 'wake' ? [] : [message]));
      expect(after.sequence).toBe(before.sequence + 23);
      expect(invalidations.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 23 }, (_, n) => before.sequence + 1 + n),
      );
      expect(new Set(invalidations.map(({ incarnation }) => incarnation))).toEqual(new Set([after.incarnation]));
      expect(after.markSequence - before.markSequence).toBe(invalidations.filter(({ kind }) => kind === 'mark').length);
    },
  },
  {
    name: 'poll and plain reads raise nothing and send nothing',
    async run(h) {
      const place = placeOf(h);
      const before = await poll(h.stores[0], place);
      const messages = await messagesOf(h, async () => {
        await standing(h.stores[0], place);
        await poll(h.stores[1], place);
        await h.stores[0].poll({ bucket: place.key.bucket, marks: ['*', 't:a'] });
      });
      expect(messages).toEqual([]);
      const { nowMicros, ...after } = await poll(h.stores[0], place);
      expect({ ...after, nowMicros: before.nowMicros }).toEqual(before);
      expect(nowMicros).toBeGreaterThanOrEqual(before.nowMicros);
    },
  },
  {
    name: 'server time goes on with time, in µs',
    async run(h) {
      const before = await poll(h.stores[0], placeOf(h));
      await h.passTime(10);
      const after = await poll(h.stores[1], placeOf(h));
      expect(after.nowMicros - before.nowMicros).toBeGreaterThanOrEqual(10_000);
      expect(after.nowMicros - before.nowMicros).toBeLessThan(10_000_000);
    },
  },
  ...(['restart', 'rollBack', 'flush'] as const).map((event): RemoteStoreTest => ({
    name: `${{ restart: 'another server process', rollBack: 'a loss of the newest invalidation', flush: 'a loss of everything' }[event]} is noticed by the next call: a greater incarnation, in which nothing from before is fresh or stale`,
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      await evict(h.stores[0], placeOf(h, '1'));
      await cached(h.stores[0], place);
      await h.stores[0].stamp({ bucket, marks: ['t:none'] });
      const before = await poll(h.stores[0], place);
      await h[event](bucket);
      await expectNothing(h.stores[1], place);
      const after = await poll(h.stores[0], place);
      expect(after.incarnation).toBeGreaterThan(before.incarnation);
      expect(await ask(h.stores[0], place)).toMatchObject({
        kind: 'held',
        stale: null,
        incarnation: after.incarnation,
      });
    },
  })),
  {
    name: 'a change of the server raises both sequences by one and sends a flush of the new incarnation',
    async run(h) {
      const place = placeOf(h);
      const before = await poll(h.stores[0], place);
      let after = before;
      const messages = await messagesOf(h, async () => {
        await h.restart();
        after = await poll(h.stores[0], place);
      });
      expect(after).toMatchObject({ sequence: before.sequence + 1, markSequence: before.markSequence + 1 });
      expect(messages).toEqual([
        { kind: 'flush', bucket: place.key.bucket, incarnation: after.incarnation, sequence: after.sequence },
      ]);
      expect(after.incarnation).toBeGreaterThan(before.incarnation);
    },
  },
  {
    name: 'a change of the server keeps the stamps of marks',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      const { stamp } = await h.stores[0].stamp({ bucket, marks: ['t:a'] });
      await h.restart();
      expect(await h.stores[0].poll({ bucket, marks: ['t:a'] })).toMatchObject({ stamps: [stamp], stampClock: stamp });
    },
  },
  {
    name: 'after a change of the server loads fill again',
    async run(h) {
      await cached(h.stores[0], placeOf(h), { payload: 'before' });
      await h.restart();
      const token = await lease(h.stores[1], placeOf(h));
      const filled = await fill(h.stores[1], placeOf(h), token, { payload: 'after' });
      expect(filled).toMatchObject({ kind: 'filled' });
      expect(await ask(h.stores[0], placeOf(h))).toMatchObject({
        kind: 'hit',
        entry: { payload: 'after', incarnation: filled.incarnation },
      });
    },
  },
  {
    name: 'whichever operation comes first after a change of the server notices it',
    async run(h) {
      const place = placeOf(h);
      const { bucket } = place.key;
      const [store] = h.stores;
      let { incarnation } = await poll(store, place);
      for (const operation of [
        () => ask(store, place),
        () => fill(store, place, aToken()),
        () => evict(store, place),
        () => softEvict(store, place),
        () => store.fence({ keys: [place.key], fence: 'f', fenceMs: LONG_MS, tombstoneMs: 5 }),
        () => put(store, place, { fence: 'f' }),
        () => unfence(store, place, 'f'),
        () => store.stamp({ bucket, marks: ['*'] }),
        () => poll(store, place),
      ]) {
        await h.restart();
        const reply = await operation();
        expect(reply.incarnation).toBeGreaterThan(incarnation);
        incarnation = reply.incarnation;
      }
    },
  },
];
