import type { Sabotage } from './saboteur.js';

/** Holds of marks, and calls for many keys and marks. */
export const holdSabotages: readonly Sabotage[] = [
  {
    name: 'a hold is a stamp and nothing more',
    caughtBy: [
      'a hold of the mark t:a voids as a stamp does, and refuses fills until its owner lifts it',
      'a hold of the mark * refuses fenced puts, and nothing stands',
    ],
    breaks: (store) => ({ stamp: ({ bucket, marks }) => store.stamp({ bucket, marks }) }),
  },
  {
    name: 'fills do not look at holds',
    caughtBy: ['a hold of the mark t:a voids as a stamp does, and refuses fills until its owner lifts it'],
    breaks: (store, hands) => ({ fill: (args) => hands.withoutHolds(args.key, () => store.fill(args)) }),
  },
  {
    name: 'puts do not look at holds',
    caughtBy: [
      'a hold of the mark r:users refuses fenced puts, and nothing stands',
      'a hold of the region refuses versioned puts, also when its clear is older than their tombstone',
    ],
    breaks: (store, hands) => ({ put: (args) => hands.withoutHolds(args.key, () => store.put(args)) }),
  },
  {
    name: 'leases are given although the region is held',
    caughtBy: ['a hold of the mark r:users voids as a stamp does, and refuses fills until its owner lifts it'],
    breaks: (store, hands) => ({ readOrLease: (args) => hands.withoutHolds(args.key, () => store.readOrLease(args)) }),
  },
  {
    name: 'a hold is lifted without a new stamp',
    caughtBy: ['what was leased while the mark t:a was held is void when it is lifted'],
    breaks: (store, hands) => ({
      async stamp(args) {
        if (args.hold === undefined || args.holdMs) return store.stamp(args);
        const bucket = hands.server.bucket(args.bucket);
        bucket.holds.change(args.marks, args.hold, 0, hands.now);
        return { ...bucket.position, stamp: bucket.marks.clock, stood: true };
      },
    }),
  },
  {
    name: 'holds are kept however many they are',
    caughtBy: ['more holds than are worth looking at are one hold of everything, until its owner lifts it'],
    breaks: (store) => ({
      stamp: (args) => store.stamp(args.holdMs && args.marks.length > 100 ? { ...args, marks: ['t:one'] } : args),
    }),
  },
  {
    name: 'a hold never ends by its time',
    caughtBy: ['a hold ends with its time when its owner died'],
    breaks: (store) => ({ stamp: (args) => store.stamp(args.holdMs ? { ...args, holdMs: 3_600_000 } : args) }),
  },
  {
    name: 'there is one hold per mark, whoever owns it',
    caughtBy: ['holds of two owners stand side by side: each is lifted by its own owner alone'],
    breaks: (store) => ({
      stamp: (args) => store.stamp(args.hold === undefined ? args : { ...args, hold: 'anybody' }),
    }),
  },
  {
    name: 'an owner lifts all that it holds',
    caughtBy: ['an owner lifts the marks that it names, and no other of its own'],
    breaks: (store, hands) => ({
      stamp(args) {
        if (args.hold && !args.holdMs) hands.server.bucket(args.bucket).holds.change(['*'], args.hold, 0, hands.now);
        return store.stamp(args);
      },
    }),
  },
  {
    name: 'a hold that stands is not set anew',
    caughtBy: ['a hold that is set again stands for its last time'],
    breaks: (store) => {
      const known = new Set<string>();
      return {
        stamp(args) {
          const isKnown = known.has(args.hold ?? '');
          if (args.hold && args.holdMs) known.add(args.hold);
          return store.stamp(isKnown && args.holdMs ? { bucket: args.bucket, marks: args.marks } : args);
        },
      };
    },
  },
  {
    name: 'the tag of another name holds, too',
    caughtBy: ['a hold leaves what does not carry its mark'],
    breaks: (store) => ({
      stamp: (args) => store.stamp(args.holdMs ? { ...args, marks: [...args.marks, 'r:users'] } : args),
    }),
  },
  {
    name: 'only the first mark of a call is stamped',
    caughtBy: ['many marks of one call get one stamp, and each is counted and told by itself'],
    breaks: (store) => ({ stamp: (args) => store.stamp({ ...args, marks: args.marks.slice(0, 1) }) }),
  },
  {
    name: 'an eviction forgets its marks',
    caughtBy: ['an eviction stamps its marks in the same moment'],
    breaks: (store) => ({ evict: (args) => store.evict({ ...args, marks: [] }) }),
  },
  {
    name: 'the first version counts for all keys',
    caughtBy: ['each key of an eviction has a version of its own'],
    breaks: (store) => ({
      evict: ({ versions, ...args }) =>
        store.evict(versions ? { ...args, versions: args.keys.map(() => versions[0]!) } : args),
    }),
  },
  {
    name: 'a fence always stood',
    caughtBy: ['the end of a hold, and of a fence, says whether it stood for all until then'],
    breaks: (store) => ({ unfence: async (args) => ({ ...(await store.unfence(args)), stood: true }) }),
  },
  {
    name: 'a hold always stood',
    caughtBy: ['the end of a hold, and of a fence, says whether it stood for all until then'],
    breaks: (store) => ({ stamp: async (args) => ({ ...(await store.stamp(args)), stood: true }) }),
  },
  {
    name: 'only the first key is fenced',
    caughtBy: ['a fence of several keys, and its end, are about each of them'],
    breaks: (store) => ({ fence: (args) => store.fence({ ...args, keys: args.keys.slice(0, 1) }) }),
  },
  {
    name: 'only the first fence is lifted',
    caughtBy: ['a fence of several keys, and its end, are about each of them'],
    breaks: (store) => ({ unfence: (args) => store.unfence({ ...args, keys: args.keys.slice(0, 1) }) }),
  },
];
