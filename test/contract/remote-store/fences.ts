import { expect } from '@jest/globals';
import type { RemoteStoreTest } from '../remote-store.contract.js';
import {
  ask,
  aToken,
  cached,
  expectHit,
  expectNothing,
  fence,
  fill,
  lease,
  messagesOf,
  placeOf,
  placesOf,
  poll,
  put,
  standing,
  unfence,
} from './actions.js';

/** Fences by themselves; what they mean for a put is in fenced-puts.ts. */
export const fenceTests: RemoteStoreTest[] = [
  {
    name: 'a fence removes the entry and gives no lease to anybody',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      await fence(h.stores[0], placeOf(h));
      expect(await standing(h.stores[1], placeOf(h))).toBeNull();
      for (const store of h.stores) {
        expect(await ask(store, placeOf(h))).toMatchObject({ kind: 'fenced' });
        expect(await ask(store, placeOf(h), { force: true })).toMatchObject({ kind: 'fenced' });
      }
    },
  },
  {
    name: 'the holder of a lease that asks again under a fence does not get it',
    async run(h) {
      const token = await lease(h.stores[0], placeOf(h));
      await fence(h.stores[1], placeOf(h));
      expect(await ask(h.stores[0], placeOf(h), { token })).toMatchObject({ kind: 'fenced' });
    },
  },
  {
    name: 'a fence ends with its time',
    async run(h) {
      await fence(h.stores[0], placeOf(h), 8);
      await h.passTime(11);
      const token = await lease(h.stores[1], placeOf(h));
      expect(await fill(h.stores[1], placeOf(h), token)).toMatchObject({ kind: 'filled' });
    },
  },
  {
    name: 'the end of a fenced eviction removes the fence: the next load may fill',
    async run(h) {
      const token = await fence(h.stores[0], placeOf(h));
      await unfence(h.stores[0], placeOf(h), token);
      const next = await lease(h.stores[1], placeOf(h));
      expect(await fill(h.stores[1], placeOf(h), next, { payload: 'new' })).toMatchObject({ kind: 'filled' });
      await expectHit(h.stores[0], placeOf(h), 'new');
    },
  },
  {
    name: 'the end of a fenced eviction removes what was filled after the fence had ended',
    async run(h) {
      const token = await fence(h.stores[0], placeOf(h), 5);
      await h.passTime(8);
      await cached(h.stores[1], placeOf(h));
      await unfence(h.stores[0], placeOf(h), token);
      expect(await standing(h.stores[1], placeOf(h))).toBeNull();
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'fences of two writers stand side by side: each is removed by its own writer alone',
    async run(h) {
      for (const order of [
        [0, 1],
        [1, 0],
      ]) {
        const place = placeOf(h, `order${order.join('')}`);
        const tokens = [await fence(h.stores[0], place), await fence(h.stores[1], place)];
        await unfence(h.stores[0], place, tokens[order[0]!]!);
        expect(await ask(h.stores[0], place)).toMatchObject({ kind: 'fenced' });
        await unfence(h.stores[1], place, tokens[order[1]!]!);
        await expectNothing(h.stores[0], place);
      }
    },
  },
  {
    name: 'a later short fence does not shorten an earlier one',
    async run(h) {
      await fence(h.stores[0], placeOf(h));
      await fence(h.stores[1], placeOf(h), 5);
      await h.passTime(8);
      expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'fenced' });
    },
  },
  {
    name: 'an unknown fence that ends leaves the fence of another writer',
    async run(h) {
      await fence(h.stores[0], placeOf(h));
      await unfence(h.stores[1], placeOf(h), aToken());
      expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'fenced' });
    },
  },
  {
    name: 'the put of one writer leaves the fence of another',
    async run(h) {
      const one = await fence(h.stores[0], placeOf(h));
      await fence(h.stores[1], placeOf(h));
      await put(h.stores[0], placeOf(h), { fence: one });
      expect(await ask(h.stores[0], placeOf(h))).toMatchObject({ kind: 'fenced' });
    },
  },
  {
    name: 'a fence that is set twice is one fence, and stands until its later end',
    async run(h) {
      const token = await fence(h.stores[0], placeOf(h), 5);
      await fence(h.stores[0], placeOf(h), 5_000, token);
      await h.passTime(8);
      expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'fenced' });
      await unfence(h.stores[0], placeOf(h), token);
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
  {
    name: 'a fence stands for one key alone',
    async run(h) {
      const [one, two] = placesOf(h, 2);
      await cached(h.stores[0], two!);
      await fence(h.stores[0], one!);
      await expectHit(h.stores[0], two!);
      await expectNothing(h.stores[0], placeOf(h, 'many'));
    },
  },
  {
    name: 'a fence outlives a change of the server that kept the data',
    async run(h) {
      await fence(h.stores[0], placeOf(h));
      await h.restart();
      expect(await ask(h.stores[1], placeOf(h))).toMatchObject({ kind: 'fenced' });
    },
  },
  {
    name: 'a fence, and its end, raise the sequence by one each and send their messages',
    async run(h) {
      const place = placeOf(h);
      const { bucket, entry } = place.key;
      const { incarnation, sequence } = await poll(h.stores[0], place);
      const messages = await messagesOf(h, async () => {
        const token = aToken();
        const args = { keys: [place.key], fence: token, tombstoneMs: 5 };
        expect(await h.stores[0].fence({ ...args, fenceMs: 5_000 })).toEqual({ incarnation, sequence: sequence + 1 });
        expect(await h.stores[0].unfence(args)).toEqual({ incarnation, sequence: sequence + 2, stood: true });
      });
      expect(messages).toEqual([
        { kind: 'entry', bucket, incarnation, sequence: sequence + 1, entry },
        { kind: 'entry', bucket, incarnation, sequence: sequence + 2, entry },
      ]);
    },
  },
];
