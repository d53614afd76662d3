import { expect } from '@jest/globals';
import type { RemoteStoreTest } from '../remote-store.contract.js';
import { ask, cached, evict, expectNothing, fence, fill, lease, type Place, placeOf, poll } from './actions.js';

/** Entries from before a change of the server, as `onFailover` asks for them. */
export const failoverTests: RemoteStoreTest[] = [
  {
    name: `'stale': an entry from before a change of the server is servable as stale by all, and loaded by one`,
    async run(h) {
      await cached(h.stores[0], placeOf(h), { payload: 'before' });
      await h.restart();
      const stale = { payload: 'before' };
      expect(await ask(h.stores[0], placeOf(h), { onFailover: 'stale' })).toMatchObject({ kind: 'lease', stale });
      expect(await ask(h.stores[1], placeOf(h), { onFailover: 'stale' })).toMatchObject({ kind: 'held', stale });
    },
  },
  {
    name: `'stale': what was filled after the change is a hit`,
    async run(h) {
      await cached(h.stores[0], placeOf(h), { payload: 'before' });
      await h.restart();
      const token = await lease(h.stores[0], placeOf(h), { onFailover: 'stale' });
      await fill(h.stores[0], placeOf(h), token, { payload: 'after' });
      const answer = await ask(h.stores[1], placeOf(h), { onFailover: 'stale' });
      expect(answer).toMatchObject({ kind: 'hit', entry: { payload: 'after' } });
    },
  },
  {
    name: `'keep': an entry from before a change of the server is a hit`,
    async run(h) {
      await cached(h.stores[0], placeOf(h), { payload: 'before' });
      await h.restart();
      await h.restart();
      const answer = await ask(h.stores[1], placeOf(h), { onFailover: 'keep' });
      expect(answer).toMatchObject({ kind: 'hit', entry: { payload: 'before' } });
    },
  },
  ...(['stale', 'keep'] as const).flatMap((onFailover): RemoteStoreTest[] => [
    {
      name: `'${onFailover}': an eviction after the change of the server removes what is from before`,
      async run(h) {
        await cached(h.stores[0], placeOf(h));
        await h.restart();
        await evict(h.stores[1], placeOf(h));
        expect(await ask(h.stores[0], placeOf(h), { onFailover })).toMatchObject({ kind: 'lease', stale: null });
      },
    },
    {
      name: `'${onFailover}': marks set before and after the change of the server void what is from before`,
      async run(h) {
        const [one, two, three] = ['1', '2', '3'].map((identifier) => placeOf(h, identifier)) as [Place, Place, Place];
        await cached(h.stores[0], one, { tags: ['old'] });
        await h.stores[0].stamp({ bucket: one.key.bucket, marks: ['t:old'] });
        await cached(h.stores[0], two, { tags: ['new'] });
        await cached(h.stores[0], three, { tags: ['other'] });
        await h.restart();
        await h.stores[1].stamp({ bucket: two.key.bucket, marks: ['t:new'] });
        expect(await ask(h.stores[0], one, { onFailover })).toMatchObject({ kind: 'lease', stale: null });
        expect(await ask(h.stores[0], two, { onFailover })).toMatchObject({ kind: 'lease', stale: null });
        expect(await ask(h.stores[0], three, { onFailover })).not.toMatchObject({ stale: null });
      },
    },
    {
      name: `'${onFailover}': a fence keeps what is from before away`,
      async run(h) {
        await cached(h.stores[0], placeOf(h));
        await h.restart();
        await fence(h.stores[1], placeOf(h));
        expect(await ask(h.stores[0], placeOf(h), { onFailover })).toMatchObject({ kind: 'fenced' });
      },
    },
  ]),
  {
    name: 'a poll tells the incarnations before, back to the last loss of marks',
    async run(h) {
      const first = await poll(h.stores[0], placeOf(h));
      await h.restart();
      const second = await poll(h.stores[0], placeOf(h));
      await h.flush();
      const third = await poll(h.stores[0], placeOf(h));
      expect(first.earlierIncarnations).toEqual([]);
      expect(second.earlierIncarnations).toEqual([first.incarnation]);
      expect(third.earlierIncarnations).toEqual([]);
      expect(third.incarnation).toBeGreaterThan(second.incarnation);
    },
  },
  {
    name: 'a poll tells 16 incarnations at most, the newest first',
    async run(h) {
      const seen: number[] = [];
      for (let n = 0; n < 19; n++) {
        seen.unshift((await poll(h.stores[0], placeOf(h))).incarnation);
        await h.restart();
      }
      expect((await poll(h.stores[0], placeOf(h))).earlierIncarnations).toEqual(seen.slice(0, 16));
    },
  },
  {
    name: 'nothing said, an entry from before a change of the server is void',
    async run(h) {
      await cached(h.stores[0], placeOf(h));
      await h.restart();
      await expectNothing(h.stores[1], placeOf(h));
    },
  },
];
