import { expect } from '@jest/globals';
import type { RemoteStoreHarness, RemoteStoreTest } from '../remote-store.contract.js';
import { aToken, ask, cached, fill, hit, lease, type Place, placeOf, placesOf, siblingOf } from './actions.js';

/** Places of one bucket, in the regions users, orders, users and sales. */
function placesIn(h: RemoteStoreHarness): Place[] {
  const first = placeOf(h, '1', 'users');
  return [first, ...['orders', 'users', 'sales'].map((region) => siblingOf(h, { ...first, region }))];
}

/** What is asked and filled at once: drivers may say once what several have in common. */
export const atOnceTests: RemoteStoreTest[] = [
  {
    name: 'what is asked at once in several regions is judged by the marks of its own',
    async run(h) {
      const [store] = h.stores;
      const places = placesIn(h);
      for (const place of places) await cached(store, place);
      await store.stamp({ bucket: places[0]!.key.bucket, marks: ['r:orders'] });
      const answers = await Promise.all(places.map((place) => ask(store, place)));
      expect(answers.map(({ kind }) => kind)).toEqual(['hit', 'lease', 'hit', 'hit']);
    },
  },
  {
    name: 'what is filled at once is judged by the marks of its own region and tags',
    async run(h) {
      const [store] = h.stores;
      const places = placesIn(h);
      const tokens = await Promise.all(places.map((place) => lease(store, place)));
      const { bucket } = places[0]!.key;
      for (const mark of ['r:orders', 't:a'] as const) await store.stamp({ bucket, marks: [mark] });
      const tags = [['b'], [], ['a', 'b'], ['b']];
      const outcomes = await Promise.all(places.map((place, n) => fill(store, place, tokens[n]!, { tags: tags[n]! })));
      const refused = { kind: 'refused', reason: 'mark' };
      expect(outcomes).toMatchObject([{ kind: 'filled' }, refused, refused, { kind: 'filled' }]);
    },
  },
  {
    name: 'of what is asked at once in one region, force takes the lease of its own key only',
    async run(h) {
      const [store] = h.stores;
      const places = placesOf(h, 4);
      for (const place of places) await cached(store, place);
      const answers = await Promise.all(places.map((place, n) => ask(store, place, { force: n === 1 || n === 2 })));
      expect(answers.map(({ kind }) => kind)).toEqual(['hit', 'lease', 'lease', 'hit']);
    },
  },
  {
    name: 'what is filled at once has the stamp of its own lease',
    async run(h) {
      const [store, other] = h.stores;
      const [first, second, third] = placesOf(h, 3) as [Place, Place, Place];
      const tokens = [aToken(), aToken(), aToken()] as const;
      await Promise.all([lease(store, first, { token: tokens[0] }), lease(store, second, { token: tokens[1] })]);
      await store.stamp({ bucket: first.key.bucket, marks: ['t:a'] });
      await lease(store, third, { token: tokens[2] });
      const places = [first, second, third];
      const outcomes = await Promise.all(places.map((place, n) => fill(store, place, tokens[n]!)));
      const told = outcomes.map((outcome) => (outcome.kind === 'filled' ? outcome.stamp : null));
      expect(told[1]).toBe(told[0]);
      expect(told[2]).toBeGreaterThan(told[1]!);
      for (const [n, place] of places.entries()) expect((await hit(other, place)).stamp).toBe(told[n]);
    },
  },
];
