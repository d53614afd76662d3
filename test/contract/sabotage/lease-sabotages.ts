import { deferred } from '../../../lib/shared/deferred.js';
import type { PlainRead } from '../../../lib/stores/remote-store.js';
import type { Sabotage } from './saboteur.js';

/** Reads, leases, fills, payloads, the end. */
export const leaseSabotages: readonly Sabotage[] = [
  {
    name: 'a blind fill: whatever the lease says, it writes',
    caughtBy: [
      'a fill without a lease is refused and writes nothing',
      'an eviction during a load refuses its fill',
      'a fence during a load refuses its fill',
      'a holder whose lease was taken over cannot fill, and the new holder can',
    ],
    breaks: (store, hands) => ({
      async fill(args) {
        const outcome = await store.fill(args);
        return outcome.kind === 'filled' ? outcome : { ...outcome, kind: 'filled', ...hands.write(args.key, args) };
      },
    }),
  },
  {
    name: 'the token is ignored: any lease fills',
    caughtBy: [
      'a fill with a foreign token is refused, and the holder can still fill',
      'the lease of one key does not fill another',
    ],
    breaks: (store, hands) => ({
      fill: (args) => store.fill({ ...args, token: hands.lease(args.key)?.token ?? args.token }),
    }),
  },
  {
    name: 'a fill leaves its lease',
    caughtBy: [
      'a token fills once',
      'renew is false for a token that does not stand: foreign, evicted, filled or unknown',
    ],
    breaks: (store, hands) => ({
      async fill(args) {
        const lease = hands.lease(args.key);
        const outcome = await store.fill(args);
        hands.setLease(args.key, lease);
        return outcome;
      },
    }),
  },
  {
    name: 'a refused fill leaves its lease',
    caughtBy: [
      'the mark t:org:5 set during a load refuses its fill, and the lease is free',
      'a fill of an older version than one that was evicted is refused, and the lease is free',
      'a load that began before the server changed is refused, once and for all',
    ],
    breaks: (store, hands) => ({
      async fill(args) {
        const lease = hands.lease(args.key);
        const outcome = await store.fill(args);
        if (outcome.kind === 'refused') hands.setLease(args.key, lease);
        return outcome;
      },
    }),
  },
  {
    name: 'the lease goes to all',
    caughtBy: ['the lease of a missing key goes to one caller only'],
    breaks: (store) => ({
      async readOrLease(args) {
        const answer = await store.readOrLease(args);
        return answer.kind === 'held' ? { ...answer, kind: 'lease' } : answer;
      },
    }),
  },
  {
    name: 'a lease is never taken over',
    caughtBy: ['the lease may be taken over when its time is over'],
    breaks: (store) => ({ readOrLease: (args) => store.readOrLease({ ...args, leaseMs: args.leaseMs + 3_600_000 }) }),
  },
  {
    name: 'the end of a lease rejects its fill',
    caughtBy: ['a slow loader may fill after the end of its lease when nobody took over'],
    breaks: (store, hands) => ({
      fill: (args) =>
        store.fill({ ...args, token: (hands.lease(args.key)?.untilMicros ?? 0) <= hands.now ? 'ended' : args.token }),
    }),
  },
  {
    name: 'the record of a lease is kept for ever',
    caughtBy: ['the record of a lease is kept for keepMs after its end and no longer'],
    breaks: (store) => ({ readOrLease: (args) => store.readOrLease({ ...args, keepMs: 3_600_000 }) }),
  },
  {
    name: 'the record of a lease ends with the lease',
    caughtBy: ['a slow loader may fill after the end of its lease when nobody took over'],
    breaks: (store) => ({ readOrLease: (args) => store.readOrLease({ ...args, keepMs: 0 }) }),
  },
  {
    name: 'the holder that asks again has to wait as all others',
    caughtBy: ['the holder of a lease that asks again gets it again, and others still wait'],
    breaks: (store) => {
      let calls = 0;
      return { readOrLease: (args) => store.readOrLease({ ...args, token: `${args.token}.${(calls += 1)}` }) };
    },
  },
  {
    name: 'the same token again gets a new stamp (the first wording of GETL)',
    caughtBy: ['the mark t:org:5 set during a load refuses its fill also when the holder asked for the lease again'],
    breaks: (store, hands) => ({
      async readOrLease(args) {
        const answer = await store.readOrLease(args);
        const lease = hands.lease(args.key);
        if (answer.kind === 'lease') hands.setLease(args.key, { ...lease!, stamp: hands.bucket(args.key).marks.next });
        return answer;
      },
    }),
  },
  {
    name: 'the ttl is ignored',
    caughtBy: ['an entry is not fresh after its ttl'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, ttlMs: 3_600_000 }) }),
  },
  {
    name: 'the stale window is ignored',
    caughtBy: ['an entry past its ttl is stale, never a hit: given to the holder of the lease and to those who wait'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, staleMs: 0 }) }),
  },
  {
    name: 'the stale window never ends',
    caughtBy: ['nothing is stale after the stale window', 'a plain read finds nothing after the stale window ended'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, staleMs: 3_600_000 }) }),
  },
  {
    name: 'stale is served as a hit',
    caughtBy: [
      'an entry past its ttl is stale, never a hit: given to the holder of the lease and to those who wait',
      'a soft-evicted entry is stale for the holder of the lease and for those who wait, and a hit for nobody',
    ],
    breaks: (store) => ({
      async readOrLease(args) {
        const answer = await store.readOrLease(args);
        if ((answer.kind === 'lease' || answer.kind === 'held') && answer.stale) {
          const { incarnation, sequence, nowMicros, stale } = answer;
          return { kind: 'hit', entry: stale, incarnation, sequence, nowMicros };
        }
        return answer;
      },
    }),
  },
  {
    name: 'those who wait get nothing stale',
    caughtBy: ['an entry past its ttl is stale, never a hit: given to the holder of the lease and to those who wait'],
    breaks: (store) => ({
      async readOrLease(args) {
        const answer = await store.readOrLease(args);
        return answer.kind === 'held' ? { ...answer, stale: null } : answer;
      },
    }),
  },
  {
    name: 'what is void is served as stale',
    caughtBy: [
      'the mark t:a voids the entries that carry it and were leased before, for everybody, with nothing stale',
      'a soft-evicted entry whose tag is stamped is not even stale',
      'another server process is noticed by the next call: a greater incarnation, in which nothing from before is fresh or stale',
    ],
    breaks: (store, hands) => ({
      async readOrLease(args) {
        const answer = await store.readOrLease(args);
        if (answer.kind !== 'lease' && answer.kind !== 'held') return answer;
        return { ...answer, stale: hands.value(args.key)?.entry ?? null };
      },
    }),
  },
  {
    name: 'held does not say what remains',
    caughtBy: ['the lease of a missing key goes to one caller only', 'what remains of a held lease shrinks with time'],
    breaks: (store) => ({
      async readOrLease(args) {
        const answer = await store.readOrLease(args);
        return answer.kind === 'held' ? { ...answer, remainingMs: 0 } : answer;
      },
    }),
  },
  {
    name: 'force is ignored',
    caughtBy: ['force takes the lease of a fresh entry, which others go on to hit'],
    breaks: (store) => ({ readOrLease: (args) => store.readOrLease({ ...args, force: false }) }),
  },
  {
    name: 'force takes the lease from its holder',
    caughtBy: ['force does not take the lease from its holder'],
    breaks: (store, hands) => ({
      readOrLease(args) {
        if (args.force) hands.bucket(args.key).clearLease(args.key.entry, hands.now);
        return store.readOrLease(args);
      },
    }),
  },
  {
    name: 'release works with a foreign token',
    caughtBy: ['release with a foreign token does nothing'],
    breaks: (store, hands) => ({
      release: ({ key, token }) => store.release({ key, token: hands.lease(key)?.token ?? token }),
    }),
  },
  {
    name: 'release does nothing',
    caughtBy: ['release gives the lease to the next caller and wakes those who wait'],
    breaks: () => ({ release: async () => {} }),
  },
  {
    name: 'release removes the tombstone, too',
    caughtBy: ['release keeps the tombstone of the key'],
    breaks: (store, hands) => ({
      async release(args) {
        await store.release(args);
        hands.server.sides.delete(args.key.entry);
      },
    }),
  },
  {
    name: 'renew works with a foreign token',
    caughtBy: [
      'renew is false for a token that does not stand: foreign, evicted, filled or unknown',
      'renew with a foreign token does not extend the lease',
    ],
    breaks: (store, hands) => ({
      renew: (args) => store.renew({ ...args, token: hands.lease(args.key)?.token ?? args.token }),
    }),
  },
  {
    name: 'renew says yes and does nothing',
    caughtBy: ['renew extends the lease from now'],
    breaks: (_store, hands) => ({ renew: async ({ key, token }) => hands.lease(key)?.token === token }),
  },
  {
    name: 'a lease shortens the life of the tombstone beside it',
    caughtBy: ['a short lease does not shorten a tombstone'],
    breaks: (store, hands) => ({
      async readOrLease(args) {
        const answer = await store.readOrLease(args);
        hands.setSide(args.key, { expiresAtMicros: hands.now + (args.leaseMs + args.keepMs) * 1_000 });
        return answer;
      },
    }),
  },
  {
    name: 'a fill counts as an invalidation',
    caughtBy: ['a fill wakes those who wait and does not raise the sequence'],
    breaks: (store, hands) => ({
      async fill(args) {
        const outcome = await store.fill(args);
        hands.bucket(args.key).bump({ entry: args.key.entry });
        return outcome;
      },
    }),
  },
  {
    name: 'a fill wakes nobody',
    caughtBy: ['a fill wakes those who wait and does not raise the sequence'],
    breaks: (store, hands) => ({ fill: (args) => hands.silently(() => store.fill(args)) }),
  },
  {
    name: 'every fill is told to everybody',
    caughtBy: ['the end of a lease that nobody waits for is told to nobody, also where somebody waited for one before'],
    breaks: (store, hands) => ({
      async fill(args) {
        const outcome = await store.fill(args);
        hands.bucket(args.key).wake(args.key.entry);
        return outcome;
      },
    }),
  },
  {
    name: 'plain reads judge: only fresh entries are given',
    caughtBy: ['a plain read shows a soft-evicted entry as fresh until 0'],
    breaks: (store, hands) => ({
      async read(args) {
        const read = await store.read(args);
        return { ...read, entry: read.entry && read.entry.freshUntilMicros > hands.now ? read.entry : null };
      },
    }),
  },
  {
    name: 'plain reads are never identified',
    caughtBy: ['a plain read after open is identified'],
    breaks: (store) => ({ read: async (args) => ({ ...(await store.read(args)), identified: false }) }),
  },
  {
    name: 'plain reads tell an old position',
    caughtBy: ['a plain read that begins after an eviction was acknowledged sees it, and its sequence'],
    breaks: (store) => {
      const first = deferred<Awaited<ReturnType<typeof store.read>>['position']>();
      return {
        async read(args) {
          const read = await store.read(args);
          first.resolve(read.position);
          return { ...read, position: read.position && { ...read.position, sequence: read.position.sequence - 1 } };
        },
      };
    },
  },
  {
    name: 'plain reads of one turn all get the first answer',
    caughtBy: ['plain reads of one turn each get their own entry'],
    breaks: (store) => {
      let current: Promise<PlainRead> | null = null;
      return {
        read(args) {
          current ??= Promise.resolve(store.read(args)).finally(() => (current = null));
          return current;
        },
      };
    },
  },
  {
    name: 'payloads end at the first newline',
    caughtBy: ['a text of several lines comes back as it was', 'every byte comes back as it was'],
    breaks: (store) => ({
      fill(args) {
        const end = args.payload.indexOf('\n');
        return store.fill({ ...args, payload: end < 0 ? args.payload : args.payload.slice(0, end) });
      },
    }),
  },
  {
    name: 'bytes go through text',
    caughtBy: ['every byte comes back as it was', 'a soft-evicted binary entry keeps every byte'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, payload: args.payload.toString() }) }),
  },
  {
    name: 'an empty payload is no entry',
    caughtBy: ['an empty text comes back as it was', 'no bytes comes back as it was'],
    breaks: (store) => ({
      async readOrLease(args) {
        const answer = await store.readOrLease(args);
        if (answer.kind !== 'hit' || answer.entry.payload.length > 0) return answer;
        return store.readOrLease({ ...args, force: true });
      },
    }),
  },
  {
    name: 'bytes are given out and not copied',
    caughtBy: ['bytes belong to the store: changing those that were given, or those that were got, changes no entry'],
    breaks: (store, hands) => ({
      async readOrLease(args) {
        const answer = await store.readOrLease(args);
        return answer.kind === 'hit' ? { ...answer, entry: hands.value(args.key)!.entry } : answer;
      },
    }),
  },
  {
    name: 'formats lose what follows the codec',
    caughtBy: ['a format comes back character by character'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, format: args.format.split(' ')[0]! }) }),
  },
  {
    name: 'keys are compared by their beginning',
    caughtBy: ['keys that share a beginning, and one identifier in two regions, have leases and entries of their own'],
    breaks: (store) => {
      const shorten = <A extends { key: { entry: string; bucket: number } }>(args: A): A => ({
        ...args,
        key: { ...args.key, entry: args.key.entry.slice(0, 17) },
      });
      return {
        fill: (args) => store.fill(shorten(args)),
        readOrLease: (args) => store.readOrLease(shorten(args)),
        read: (args) => store.read(shorten(args)),
      };
    },
  },
  {
    name: 'close closes nothing',
    caughtBy: ['every call after close rejects with a code'],
    breaks: () => ({ close: async () => {} }),
  },
  {
    name: 'close loses the data of the others',
    caughtBy: ['close may be called twice, and does not touch another store'],
    breaks: (store, hands) => ({
      async close() {
        await store.close();
        hands.server.flush();
      },
    }),
  },
  {
    name: 'a plain read takes the lease',
    caughtBy: ['a plain read does not take the lease'],
    breaks: (store) => ({
      async read(args) {
        await store.readOrLease({ ...args, token: 'reader', leaseMs: 60_000, keepMs: 60_000 });
        return store.read(args);
      },
    }),
  },
  {
    name: 'a lease counts as an invalidation',
    caughtBy: ['leases, releases and renewals leave the sequence alone'],
    breaks: (store, hands) => ({
      readOrLease(args) {
        hands.bucket(args.key).bump({ entry: args.key.entry });
        return store.readOrLease(args);
      },
    }),
  },
  {
    name: 'the number of buckets is another',
    caughtBy: ['the number of buckets is fixed and covers all keys'],
    breaks: (store) => ({ bucketCount: store.bucketCount + 1 }),
  },
  {
    name: 'lists of tags are not copied',
    caughtBy: ['tags belong to the store: changing the list that was given changes no entry'],
    breaks: (store, hands) => ({
      async fill(args) {
        const outcome = await store.fill(args);
        const value = hands.value(args.key);
        if (outcome.kind === 'filled')
          hands.setValue(args.key, { ...value!, entry: { ...value!.entry, tags: args.tags } });
        return outcome;
      },
    }),
  },
];
