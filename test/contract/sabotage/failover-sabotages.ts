import type { Sabotage } from './saboteur.js';

/** What is left of before a change of the server. */
export const failoverSabotages: readonly Sabotage[] = [
  {
    name: `onFailover is ignored`,
    caughtBy: [
      `'stale': an entry from before a change of the server is servable as stale by all, and loaded by one`,
      `'keep': an entry from before a change of the server is a hit`,
    ],
    breaks: (store) => ({ readOrLease: (args) => store.readOrLease({ ...args, onFailover: 'flush' }) }),
  },
  {
    name: `'stale' is taken for 'keep'`,
    caughtBy: [`'stale': an entry from before a change of the server is servable as stale by all, and loaded by one`],
    breaks: (store) => ({
      readOrLease: (args) => store.readOrLease({ ...args, onFailover: args.onFailover && 'keep' }),
    }),
  },
  {
    name: `'flush' is taken for 'stale'`,
    caughtBy: ['nothing said, an entry from before a change of the server is void'],
    breaks: (store) => ({
      readOrLease: (args) => store.readOrLease({ ...args, onFailover: args.onFailover ?? 'stale' }),
    }),
  },
  {
    name: `'keep' is taken for 'stale'`,
    caughtBy: [`'keep': an entry from before a change of the server is a hit`],
    breaks: (store) => ({
      readOrLease: (args) => store.readOrLease({ ...args, ...(args.onFailover ? { onFailover: 'stale' } : {}) }),
    }),
  },
  {
    name: 'entries from before ignore marks',
    caughtBy: [`'stale': marks set before and after the change of the server void what is from before`],
    breaks: (store, hands) => ({
      async readOrLease(args) {
        const reply = await store.readOrLease(args);
        const entry = hands.value(args.key)?.entry;
        return reply.kind === 'lease' && args.onFailover === 'stale' && entry ? { ...reply, stale: entry } : reply;
      },
    }),
  },
  {
    name: 'entries from before outlive an eviction',
    caughtBy: [`'stale': an eviction after the change of the server removes what is from before`],
    breaks: (store, hands) => ({
      async evict(args) {
        const standing = args.keys.map((key) => hands.value(key));
        const reply = await store.evict(args);
        args.keys.forEach((key, n) => hands.setValue(key, standing[n]));
        return reply;
      },
    }),
  },
  {
    name: 'entries from before go past a fence',
    caughtBy: [`'stale': a fence keeps what is from before away`, `'keep': a fence keeps what is from before away`],
    breaks: (store, hands) => ({
      readOrLease: (args) =>
        args.onFailover ? hands.withoutFences(args.key, () => store.readOrLease(args)) : store.readOrLease(args),
    }),
  },
  {
    name: 'earlier incarnations are forgotten',
    caughtBy: ['a poll tells the incarnations before, back to the last loss of marks'],
    breaks: (store) => ({ poll: async (args) => ({ ...(await store.poll(args)), earlierIncarnations: [] }) }),
  },
  {
    name: 'earlier incarnations grow without bound',
    caughtBy: ['a poll tells 16 incarnations at most, the newest first'],
    breaks(store) {
      const all: number[] = [];
      return {
        async poll(args) {
          const reply = await store.poll(args);
          if (all[0] !== reply.incarnation) all.unshift(reply.incarnation);
          return { ...reply, earlierIncarnations: all.slice(1) };
        },
      };
    },
  },
];
