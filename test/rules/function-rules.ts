import { expect } from '@jest/globals';
import type { Redis } from 'ioredis';
import { Keyspace } from '../../lib/keys/keyspace.js';
import type { RemoteStoreHarness } from '../contract/remote-store.contract.js';
import {
  ask,
  cached,
  evict,
  expectHit,
  expectNothing,
  fence,
  messagesOf,
  placeOf,
  poll,
  put,
  SETTLED_MS,
} from '../contract/remote-store/actions.js';

/** A schedule that reaches behind the store, as a server does that forgets. Fails where a promise is broken. */
export interface FunctionSchedule {
  readonly name: string;
  run(harness: RemoteStoreHarness, admin: Redis): Promise<void>;
}

const fields = (admin: Redis, { keyspace }: RemoteStoreHarness) => admin.hgetall(keyspace.bucketKey(0));

/** What the contract suite cannot ask for, since no driver can be asked to forget so. */
export const functionSchedules: readonly FunctionSchedule[] = [
  {
    name: 'a versioned put under a fence is refused, also where the side key was pushed out of memory',
    async run(h, admin) {
      const place = placeOf(h);
      await h.passTime(SETTLED_MS);
      await fence(h.stores[0], place);
      await admin.del(Keyspace.sideKey(place.key.entry));
      expect(await put(h.stores[1], place, { version: '5' })).toMatchObject({ kind: 'refused' });
    },
  },
  {
    name: 'a server that is again exactly what it was before its successor is not believed by those who saw that one',
    async run(h, admin) {
      const [store] = h.stores;
      await poll(store, placeOf(h));
      const before = await fields(admin, h);
      await h.restart();
      await evict(store, placeOf(h));
      const { incarnation } = await poll(store, placeOf(h));
      await admin.del(h.keyspace.bucketKey(0));
      await admin.hset(h.keyspace.bucketKey(0), before);
      expect((await ask(store, placeOf(h))).incarnation).toBeGreaterThan(incarnation);
    },
  },
  {
    name: 'an eviction of an older version than the entry that stands refuses what is older all the same, when that entry is gone',
    async run(h, admin) {
      const [store] = h.stores;
      const place = placeOf(h);
      await h.passTime(SETTLED_MS);
      await cached(store, place, { version: '5' });
      await evict(store, place, '3');
      await expectHit(store, place);
      await admin.del(place.key.entry);
      expect(await put(store, place, { version: '2' })).toMatchObject({ kind: 'refused' });
    },
  },
  {
    name: 'an eviction of an older version than the entry that stands is told: another L1 may hold what stood there before',
    async run(h) {
      const [store] = h.stores;
      const place = placeOf(h);
      await cached(store, place, { version: '5' });
      const messages = await messagesOf(h, () => evict(store, place, '3'));
      expect(messages).toMatchObject([{ kind: 'entry', entry: place.key.entry }]);
    },
  },
  {
    name: 'what a collected stamp voided stays void',
    async run(h, admin) {
      const [store] = h.stores;
      const place = placeOf(h);
      await cached(store, place, { tags: ['a'] });
      await store.stamp({ bucket: place.key.bucket, marks: ['t:a'] });
      // as when the longest life of an entry is over
      await admin.zadd(h.keyspace.collectKey(0), 1, 't:a');
      await store.stamp({ bucket: place.key.bucket, marks: ['t:other'] });
      await expectNothing(store, place);
    },
  },
];

const MARKS = ['t:org:5', 'r:users', '*'];
const duringALoad = (what: string) => `${what} during a load refuses its fill`;
const beforePut = (what: string) => `${what} between fence and put refuses the put, and nothing stands`;
const refusesVersioned = (what: string) => `${what} refuses versioned puts for tombstoneMs, and nothing stands`;

/**
 * Which tests of the contract suite, or schedules of above, convict a function library without a rule: each of them
 * must fail there, on a real Redis, every time. By the name of the mutant (test/history/mutants/server-mutants.ts).
 */
export const convictions: Readonly<Record<string, readonly string[]>> = {
  'blind fill': ['a fill without a lease is refused and writes nothing', duringALoad('an eviction')],
  'evict keeps the lease': [duringALoad('an eviction'), duringALoad('an eviction of a version')],
  'tags stamped at fill': MARKS.map(
    (mark) => `the mark ${mark} set during a load refuses its fill, and the lease is free`,
  ),
  'a stamp that equals the lease stamp voids nothing': [
    'the mark t:a voids the entries that carry it and were leased before, for everybody, with nothing stale',
    'a mark set after the put voids what it stored',
  ],
  'fill checks no version': ['a fill of an older version than one that was evicted is refused, and the lease is free'],
  'GETL leases under a fence': ['a fence removes the entry and gives no lease to anybody'],
  'one fence per key': ['fences of two writers stand side by side: each is removed by its own writer alone'],
  'evict clears fences': ['an eviction leaves the fence of a writer'],
  'a fence over a fence counts as alone': [
    'of two writers whose fences overlap neither put is stored, in whichever order they end',
  ],
  'put without fence': ['a put with a fence that was never set is refused and removes the entry'],
  'fenced put ignores what wrote the key since': [beforePut('an eviction'), beforePut('a versioned put')],
  'fenced put ignores tags since its fence': [
    beforePut('a stamp of one of its tags'),
    beforePut('a clear of its region'),
    beforePut('a clear of everything'),
  ],
  'fenced put ignores a change of incarnation': [beforePut('a change of the server')],
  'fenced put forgets the version': [
    'a fenced put of an older version than one that was evicted is refused; of the same one it is stored',
  ],
  'put keeps the lease': [
    duringALoad('a put with neither fence nor version'),
    duringALoad('a versioned put that is refused'),
  ],
  'put forgets newer entries': ['a superseded put leaves the newer entry, whatever else would have refused it'],
  'put forgets the tombstone': [
    'a put of an older version than one that was evicted is refused; of the same or a newer one it is stored',
  ],
  'event put without version': ['any order of versioned puts, with duplicates, ends in the highest version'],
  'put ignores evictions without a version (tx)': [
    refusesVersioned('an eviction'),
    refusesVersioned('a soft eviction'),
  ],
  'put ignores marks (tt)': [refusesVersioned('a clear of its region'), refusesVersioned('a clear of everything')],
  'put ignores a young incarnation': ['a put for which the server is too young is refused'],
  'put ignores fences': ['a versioned put under a fence is refused, also where the side key was pushed out of memory'],
  'refused put drops only': ['a put with neither fence nor version is never stored and removes the entry'],
  'evict by version leaves no tombstone': [
    'a fill of an older version than one that was evicted is refused, and the lease is free',
  ],
  'no server identity': ['a load that began before the server changed is refused, once and for all'],
  'boot id only': [
    'a loss of the newest invalidation is noticed by the next call: a greater incarnation, in which nothing from before is fresh or stale',
  ],
  'no known incarnation': [
    'a server that is again exactly what it was before its successor is not believed by those who saw that one',
  ],
  'evictions are not counted': [
    'the sequence has no gap: as many messages as it was raised, in order, each with its incarnation',
  ],
  'reads ignore stamps': MARKS.map(
    (mark) =>
      `the mark ${mark.replace('org:5', 'a')} voids the entries that carry it and were leased before, for everybody, with nothing stale`,
  ),
  'stamps do not grow': [
    'a mark set after the put voids what it stored',
    'stamps grow, and a mark set again voids what was leased in between',
  ],
  'collected stamps are forgotten': ['what a collected stamp voided stays void'],
  'fill checks no incarnation': ['a load that began before the server changed is refused, once and for all'],
  'soft evict keeps the lease': [duringALoad('a soft eviction')],
  'soft-evicted values stay fresh': [
    'a soft-evicted entry is stale for the holder of the lease and for those who wait, and a hit for nobody',
  ],
  'a fence whose time is over counts as standing': [
    'a put whose fence is over is refused, and removes what was filled since',
  ],
  'a fence invalidates as of its beginning': [
    'a fence that ended by its time refuses versioned puts for tombstoneMs from its end',
  ],
  'put needs no proof': ['a put with neither fence nor version is never stored and removes the entry'],
  'put raises no tombstone': [
    'a put remembers its version, stored or refused: older fills are refused when the entry is gone',
  ],
  'put forgets the version that stood': ['a put remembers the version of the entry that it removes'],
  'sequence memory only': [
    'another server process is noticed by the next call: a greater incarnation, in which nothing from before is fresh or stale',
  ],
  'fills ignore holds': ['a hold of the mark t:a voids as a stamp does, and refuses fills until its owner lifts it'],
  'fenced puts ignore holds': ['t:a', 'r:users', '*'].map(
    (mark) => `a hold of the mark ${mark} refuses fenced puts, and nothing stands`,
  ),
  'versioned puts ignore holds': [
    'a hold of the region refuses versioned puts, also when its clear is older than their tombstone',
  ],
  'one hold per mark': ['holds of two owners stand side by side: each is lifted by its own owner alone'],
  'holds are kept however many they are': [
    'more holds than are worth looking at are one hold of everything, until its owner lifts it',
  ],
  'a superseded eviction raises no tombstone': [
    'an eviction of an older version than the entry that stands refuses what is older all the same, when that entry is gone',
  ],
  'a superseded eviction is not told': [
    'an eviction of an older version than the entry that stands is told: another L1 may hold what stood there before',
  ],
  'the release of a hold stamps nothing': ['what was leased while the mark t:a was held is void when it is lifted'],
  'marks are not counted': ['the mark t:a raises both sequences by one and sends its message'],
};
