import type { Mark } from '../../../lib/stores/channel.js';
import type { Hands, Sabotage } from './saboteur.js';
import type { RemoteStore, StampArgs } from '../../../lib/stores/remote-store.js';

/** Marks at fills and reads, evictions, fences, the sequence, polls, identity. */
export const invalidationSabotages: readonly Sabotage[] = [
  {
    name: 'tags are stamped at the fill, not at the lease',
    caughtBy: ['the mark t:org:5 set during a load refuses its fill, and the lease is free'],
    breaks: (store, hands) => ({
      fill(args) {
        const lease = hands.lease(args.key);
        hands.setLease(args.key, lease && { ...lease, stamp: hands.bucket(args.key).marks.next });
        return store.fill(args);
      },
    }),
  },
  {
    name: 'a fill does not look at the marks of its tags',
    caughtBy: ['the mark t:org:5 set during a load refuses its fill, and the lease is free'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, tags: [] }) }),
  },
  {
    name: 'a fill does not look at the mark of its region',
    caughtBy: ['the mark r:users set during a load refuses its fill, and the lease is free'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, region: 'none' }) }),
  },
  {
    name: 'reads do not look at the mark of the region',
    caughtBy: [
      'the mark r:users voids the entries that carry it and were leased before, for everybody, with nothing stale',
    ],
    breaks: (store) => ({ readOrLease: (args) => store.readOrLease({ ...args, region: 'none' }) }),
  },
  {
    name: 'a clear of everything clears nothing',
    caughtBy: [
      'the mark * voids the entries that carry it and were leased before, for everybody, with nothing stale',
      'the mark * set during a load refuses its fill, and the lease is free',
    ],
    breaks: (store) => ({ stamp: (args) => store.stamp(changed(args, '*', 't:')) }),
  },
  {
    name: 'the tag * is a clear of everything',
    caughtBy: ['a mark leaves the entries that do not carry it'],
    breaks: (store) => ({ stamp: (args) => store.stamp(changed(args, 't:*', '*')) }),
  },
  {
    name: 'a tag with the name of a region clears the region',
    caughtBy: ['a mark leaves the entries that do not carry it'],
    breaks: (store) => ({
      stamp: (args) => store.stamp(changed(args, 't:users', 'r:users')),
    }),
  },
  {
    name: 'tags are cut at commas',
    caughtBy: ['the tag "a,b" comes back as it was and is no other tag'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, tags: args.tags.flatMap((tag) => tag.split(',')) }) }),
  },
  {
    name: 'tags lose what is not ASCII',
    caughtBy: ['the tag "ключ 😀" comes back as it was and is no other tag'],
    breaks: (store) => ({
      fill: (args) =>
        store.fill({ ...args, tags: args.tags.map((tag) => Buffer.from(tag, 'latin1').toString('latin1')) }),
    }),
  },
  {
    name: 'only the first tag counts',
    caughtBy: ['an entry is void when any one of its tags was stamped', 'an entry may carry a hundred tags'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, tags: args.tags.slice(0, 1) }) }),
  },
  {
    name: 'a mark voids what was leased after it, too',
    caughtBy: ['the mark t:a leaves entries that were leased after it'],
    breaks: (store, hands) => ({
      async readOrLease(args) {
        const answer = await store.readOrLease(args);
        const lease = hands.lease(args.key);
        if (answer.kind === 'lease') hands.setLease(args.key, { ...lease!, stamp: hands.bucket(args.key).marks.clock });
        return answer;
      },
    }),
  },
  {
    name: 'many marks push out the old ones',
    caughtBy: ['old marks stay in force when many others follow'],
    breaks: (store, hands) => ({
      stamp(args) {
        const { tags } = hands.server.bucket(args.bucket).marks as unknown as { tags: Map<string, unknown> };
        if (tags.size > 30) tags.delete([...tags.keys()][0]!);
        return store.stamp(args);
      },
    }),
  },
  {
    name: 'a mark is not counted in the mark sequence',
    caughtBy: ['the mark t:a raises both sequences by one and sends its message'],
    breaks: (store, hands) => ({
      async stamp(args) {
        const reply = await store.stamp(args);
        hands.server.bucket(args.bucket).markSequence -= 1;
        return reply;
      },
    }),
  },
  {
    name: 'the message of a mark is not sent',
    caughtBy: ['the mark r:users raises both sequences by one and sends its message'],
    breaks: (store, hands) => ({ stamp: (args) => hands.silently(() => store.stamp(args)) }),
  },
  {
    name: 'a poll returns an old stamp clock',
    caughtBy: ['the mark t:a raises both sequences by one and sends its message'],
    breaks: (store) => ({
      async poll(args) {
        const reply = await store.poll(args);
        return { ...reply, stampClock: Math.max(0, reply.stampClock - 1) };
      },
    }),
  },
  {
    name: 'a poll returns the stamps in another order',
    caughtBy: ['poll gives the stamps of the marks as they were asked, 0 for those never set'],
    breaks: (store) => ({
      async poll(args) {
        const reply = await store.poll(args);
        return { ...reply, stamps: [...reply.stamps].sort((a, b) => a - b) };
      },
    }),
  },
  {
    name: 'a poll returns milliseconds',
    caughtBy: ['server time goes on with time, in µs'],
    breaks: (store) => ({
      async poll(args) {
        const reply = await store.poll(args);
        return { ...reply, nowMicros: Math.floor(reply.nowMicros / 1_000) };
      },
    }),
  },
  {
    name: 'a poll counts as an invalidation',
    caughtBy: ['poll and plain reads raise nothing and send nothing'],
    breaks: (store, hands) => ({
      async poll(args) {
        const reply = await store.poll(args);
        hands.server.bucket(args.bucket).bump('flush');
        return reply;
      },
    }),
  },
  {
    name: 'an eviction keeps the lease',
    caughtBy: [
      'an eviction during a load refuses its fill',
      'an eviction frees the lease: a load that begins after it may fill',
    ],
    breaks: (store, hands) => ({
      async evict(args) {
        const leases = args.keys.map((key) => hands.lease(key));
        const reply = await store.evict(args);
        args.keys.forEach((key, n) => hands.setLease(key, leases[n]!));
        return reply;
      },
    }),
  },
  {
    name: 'an eviction of several keys removes the first only',
    caughtBy: ['an eviction raises the sequence by one per key and sends a message for each, also where nothing stood'],
    breaks: (store) => ({ evict: (args) => store.evict({ ...args, keys: args.keys.slice(0, 1) }) }),
  },
  {
    name: 'an eviction does not raise the sequence',
    caughtBy: [
      'an eviction may be repeated',
      'the sequence has no gap: as many messages as it was raised, in order, each with its incarnation',
    ],
    breaks: (store, hands) => ({ evict: async (args) => hands.uncount(args.keys[0]!, await store.evict(args)) }),
  },
  {
    name: 'the message of an eviction is not sent',
    caughtBy: ['an eviction raises the sequence by one per key and sends a message for each, also where nothing stood'],
    breaks: (store, hands) => ({ evict: (args) => hands.silently(() => store.evict(args)) }),
  },
  {
    name: 'an eviction of a version removes a newer one',
    caughtBy: ['an eviction of a version leaves an entry of this version or a newer one'],
    breaks: (store, hands) => ({
      async evict(args) {
        const reply = await store.evict(args);
        for (const key of args.keys) hands.server.values.delete(key.entry);
        return reply;
      },
    }),
  },
  {
    name: 'an eviction of a version leaves older ones',
    caughtBy: ['an eviction of a version removes older entries and those without a version'],
    breaks: (store, hands) => ({
      async evict(args) {
        const values = args.keys.map((key) => hands.value(key));
        const reply = await store.evict(args);
        if (args.versions) args.keys.forEach((key, n) => hands.setValue(key, values[n]));
        return reply;
      },
    }),
  },
  {
    name: 'an eviction of a version leaves no tombstone',
    caughtBy: [
      'a fill of an older version than one that was evicted is refused, and the lease is free',
      'a put of an older version than one that was evicted is refused; of the same or a newer one it is stored',
    ],
    breaks: (store, hands) => ({
      async evict(args) {
        const reply = await store.evict(args);
        for (const key of args.keys) hands.setSide(key, { lowestVersion: '' });
        return reply;
      },
    }),
  },
  {
    name: 'an eviction of an older version lowers the tombstone',
    caughtBy: ['an eviction of an older version does not lower the tombstone'],
    breaks: (store, hands) => ({
      async evict(args) {
        const reply = await store.evict(args);
        if (args.versions) args.keys.forEach((key, n) => hands.setSide(key, { lowestVersion: args.versions![n]! }));
        return reply;
      },
    }),
  },
  {
    name: 'an eviction of a version that is there already does nothing at all (the first wording of EVICT)',
    caughtBy: [
      'an eviction of a version that leaves the entry raises the sequence and sends its message all the same',
      'an eviction of a version that leaves the entry still refuses older fills when the entry is gone',
    ],
    breaks: (store, hands) => ({
      async evict(args) {
        const [key] = args.keys;
        const version = args.versions?.[0];
        const isThere = version && Number(hands.value(key!)?.entry.version || -1) >= Number(version);
        return isThere ? { ...hands.bucket(key!).position, stamp: 0 } : store.evict(args);
      },
    }),
  },
  {
    name: 'tombstones never end',
    caughtBy: ['an evicted version is forgotten after tombstoneMs'],
    breaks: (store) => ({ evict: (args) => store.evict({ ...args, tombstoneMs: 3_600_000 }) }),
  },
  {
    name: 'a fill does not look at evicted versions',
    caughtBy: ['a fill of an older version than one that was evicted is refused, and the lease is free'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, version: '' }) }),
  },
  {
    name: 'a fill without a version counts as older than any evicted one',
    caughtBy: ['a fill without a version is not measured against evicted versions'],
    breaks: (store) => ({ fill: (args) => store.fill({ ...args, version: args.version || '0' }) }),
  },
  {
    name: 'versions are compared as texts',
    caughtBy: ['a fill of an older version than one that was evicted is refused, and the lease is free'],
    breaks: (store, hands) => ({
      fill(args) {
        const isOlder = args.version < hands.side(args.key).lowestVersion;
        return store.fill({ ...args, version: isOlder ? args.version : '' });
      },
    }),
  },
  {
    name: 'versions are compared as floating-point numbers',
    caughtBy: ['versions are compared as numbers of any length'],
    breaks: (store, hands) => ({
      fill(args) {
        const isOlder = Number(args.version) < Number(hands.side(args.key).lowestVersion);
        return store.fill({ ...args, version: isOlder ? args.version : '' });
      },
    }),
  },
  {
    name: 'a soft eviction leaves the entry fresh',
    caughtBy: [
      'a soft-evicted entry is stale for the holder of the lease and for those who wait, and a hit for nobody',
    ],
    breaks: (store, hands) => ({
      async softEvict(args) {
        const values = args.keys.map((key) => hands.value(key));
        const reply = await store.softEvict(args);
        args.keys.forEach((key, n) => hands.setValue(key, values[n]));
        return reply;
      },
    }),
  },
  {
    name: 'a soft eviction removes the entry',
    caughtBy: ['a plain read shows a soft-evicted entry as fresh until 0'],
    breaks: (store) => ({ softEvict: (args) => store.evict(args) }),
  },
  {
    name: 'a soft eviction keeps the lease',
    caughtBy: ['a soft eviction during a load refuses its fill'],
    breaks: (store, hands) => ({
      async softEvict(args) {
        const leases = args.keys.map((key) => hands.lease(key));
        const reply = await store.softEvict(args);
        args.keys.forEach((key, n) => hands.setLease(key, leases[n]!));
        return reply;
      },
    }),
  },
  {
    name: 'a soft eviction keeps the entry for ever',
    caughtBy: ['a soft-evicted entry ends when it would have ended'],
    breaks: (store, hands) => ({
      async softEvict(args) {
        const reply = await store.softEvict(args);
        for (const key of args.keys) {
          const value = hands.value(key);
          hands.setValue(key, value && { ...value, expiresAtMicros: hands.now + 3_600_000_000 });
        }
        return reply;
      },
    }),
  },
  {
    name: 'a change of the server is not noticed',
    caughtBy: [
      'another server process is noticed by the next call: a greater incarnation, in which nothing from before is fresh or stale',
      'a load that began before the server changed is refused, once and for all',
    ],
    breaks: (store, hands) => blindTo(store, hands, 'restart'),
  },
  {
    name: 'a rollback is not noticed (boot id only)',
    caughtBy: [
      'a loss of the newest invalidation is noticed by the next call: a greater incarnation, in which nothing from before is fresh or stale',
    ],
    breaks: (store, hands) => blindTo(store, hands, 'rollBack'),
  },
  {
    name: 'entries of an older incarnation are hits',
    caughtBy: [
      'another server process is noticed by the next call: a greater incarnation, in which nothing from before is fresh or stale',
    ],
    breaks: (store, hands) => ({
      async readOrLease(args) {
        const { incarnation } = await store.poll({ bucket: args.key.bucket, marks: [] });
        const value = hands.value(args.key);
        hands.setValue(args.key, value && { ...value, entry: { ...value.entry, incarnation } });
        return store.readOrLease(args);
      },
    }),
  },
  {
    name: 'leases of an older incarnation may fill',
    caughtBy: ['a load that began before the server changed is refused, once and for all'],
    breaks: (store, hands) => ({
      async fill(args) {
        const { incarnation } = await store.poll({ bucket: args.key.bucket, marks: [] });
        const lease = hands.lease(args.key);
        hands.setLease(args.key, lease && { ...lease, incarnation });
        return store.fill(args);
      },
    }),
  },
];

/** The call with another mark in the place of one. */
function changed(args: StampArgs, from: Mark, to: Mark): StampArgs {
  return { ...args, marks: args.marks.map((mark) => (mark === from ? to : mark)) };
}

/** A store of which no operation looks at one half of the server's identity. */
function blindTo(store: RemoteStore, hands: Hands, event: 'restart' | 'rollBack'): Partial<RemoteStore> {
  const look = () => {
    const bucket = hands.server.bucket(0);
    const { process } = hands.server;
    if (!bucket.exists) return;
    if (event === 'restart') {
      Object.assign(bucket, { bootId: process.bootId });
      if (!process.sequences.has(0)) process.sequences.set(0, bucket.sequence);
    } else if (process.sequences.has(0)) process.sequences.set(0, bucket.sequence);
  };
  const names = ['readOrLease', 'fill', 'evict', 'softEvict', 'fence', 'unfence', 'put', 'stamp', 'poll'] as const;
  return Object.fromEntries(
    names.map((name) => [
      name,
      (args: never) => {
        look();
        return (store[name] as (args: never) => unknown)(args);
      },
    ]),
  );
}
