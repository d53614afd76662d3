import { expect } from '@jest/globals';
import { isCacheError } from '../../../lib/shared/errors.js';
import type { RemoteStoreTest } from '../remote-store.contract.js';
import { anEntry, ask, aToken, cached, evict, expectHit, LONG_MS, placeOf, poll, standing } from './actions.js';

export const lifecycleTests: RemoteStoreTest[] = [
  {
    name: 'the number of buckets is fixed and covers all keys',
    async run(h) {
      for (const store of h.stores) {
        expect(store.bucketCount).toBe(h.keyspace.bucketCount);
        expect(store.bucketCount).toBeGreaterThanOrEqual(1);
      }
    },
  },
  {
    name: 'close may be called twice, and does not touch another store',
    async run(h) {
      const [one, two] = h.stores;
      await cached(two, placeOf(h));
      await one.close();
      await one.close();
      await expectHit(two, placeOf(h));
      await evict(two, placeOf(h));
    },
  },
  {
    name: 'every call after close rejects with a code',
    async run(h) {
      const [store] = h.stores;
      const { key, region } = placeOf(h);
      await store.close();
      const token = aToken();
      const calls: Record<string, () => Promise<unknown>> = {
        read: () => standing(store, placeOf(h)),
        readOrLease: () => ask(store, placeOf(h)),
        fill: () => store.fill({ key, region, token, ...anEntry() }),
        release: () => store.release({ key, token }),
        renew: () => store.renew({ key, token, leaseMs: LONG_MS, keepMs: LONG_MS }),
        evict: () => evict(store, placeOf(h)),
        softEvict: () => store.softEvict({ keys: [key], tombstoneMs: 5 }),
        fence: () => store.fence({ keys: [key], fence: token, fenceMs: 5, tombstoneMs: 5 }),
        unfence: () => store.unfence({ keys: [key], fence: token, tombstoneMs: 5 }),
        put: () => store.put({ key, region, fence: '', tombstoneMs: 5, ...anEntry() }),
        stamp: () => store.stamp({ bucket: key.bucket, marks: ['*'] }),
        poll: () => poll(store, placeOf(h)),
      };
      const codes: Record<string, string> = {};
      for (const [name, call] of Object.entries(calls)) {
        codes[name] = await call().then(
          () => 'resolved',
          (error: unknown) => (isCacheError(error) ? error.code : String(error)),
        );
      }
      for (const [name, code] of Object.entries(codes)) {
        expect({ [name]: code }).toEqual({ [name]: expect.stringMatching(/^RC_(STORE_UNAVAILABLE|CLOSED)$/) });
      }
    },
  },
];
