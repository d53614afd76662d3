import { compareVersions } from '../../../lib/entries/version.js';
import type { PutArgs, PutOutcome, RemoteStore } from '../../../lib/stores/remote-store.js';
import type { Hands, Sabotage } from './saboteur.js';

/** Fences and puts. */
export const putSabotages: readonly Sabotage[] = [
  {
    name: 'a fence does not stop readers from loading and filling',
    caughtBy: ['a fence removes the entry and gives no lease to anybody'],
    breaks: (store, hands) => ({
      readOrLease: (args) => hands.withoutFences(args.key, () => store.readOrLease(args)),
    }),
  },
  {
    name: 'force goes past a fence',
    caughtBy: ['a fence removes the entry and gives no lease to anybody'],
    breaks: (store, hands) => ({
      readOrLease: (args) =>
        args.force ? hands.withoutFences(args.key, () => store.readOrLease(args)) : store.readOrLease(args),
    }),
  },
  {
    name: 'a fence never ends',
    caughtBy: ['a fence ends with its time'],
    breaks: (store) => ({ fence: (args) => store.fence({ ...args, fenceMs: 3_600_000 }) }),
  },
  {
    name: 'a fence leaves the entry',
    caughtBy: ['a fence removes the entry and gives no lease to anybody'],
    breaks: (store, hands) => ({
      async fence(args) {
        const value = hands.value(args.keys[0]!);
        const reply = await store.fence(args);
        hands.setValue(args.keys[0]!, value);
        return reply;
      },
    }),
  },
  {
    name: 'a fence leaves the lease',
    caughtBy: ['a fence during a load refuses its fill'],
    breaks: (store, hands) => ({ fence: (args) => keepingLease(hands, args.keys[0]!, () => store.fence(args)) }),
  },
  {
    name: 'an unrelated eviction clears the fence',
    caughtBy: ['an eviction leaves the fence of a writer', 'an eviction of a version leaves the fence of a writer'],
    breaks: (store, hands) => ({
      evict(args) {
        for (const key of args.keys) hands.dropFences(key);
        return store.evict(args);
      },
    }),
  },
  {
    name: 'there is one fence per key',
    caughtBy: [
      'fences of two writers stand side by side: each is removed by its own writer alone',
      'a later short fence does not shorten an earlier one',
    ],
    breaks: (store, hands) => ({
      fence(args) {
        hands.dropFences(args.keys[0]!);
        return store.fence(args);
      },
    }),
  },
  {
    name: 'a fence over a fence counts as alone',
    caughtBy: [
      'a fence set while another stood is not alone, even when the other ended before the put',
      'a fence set while another stood is not alone, even when the time of the other is over at the put',
    ],
    breaks: (store, hands) => ({
      async put(args) {
        const fences = hands.fences(args.key);
        if (fences?.byToken.get(args.fence)?.['writes'] === null) {
          hands.changeFence(args.key, args.fence, { writes: fences.writes });
        }
        return store.put(args);
      },
    }),
  },
  {
    name: 'the fence of another writer does not count as a write',
    caughtBy: ['the fence of another writer between fence and put refuses the put, and nothing stands'],
    breaks: (store, hands) => ({
      async fence(args) {
        const writes = hands.fences(args.keys[0]!)?.writes;
        const reply = await store.fence(args);
        if (writes !== undefined) hands.fences(args.keys[0]!)!.writes = writes;
        return reply;
      },
      // and with it, a put does not ask whether it is alone
      async put(args) {
        for (const token of [...(hands.fences(args.key)?.byToken.keys() ?? [])]) {
          if (args.fence && token !== args.fence) hands.fences(args.key)!.byToken.delete(token);
        }
        return store.put(args);
      },
    }),
  },
  {
    name: 'a fence set again counts anew (the first wording of FENCE)',
    caughtBy: [
      'a late duplicate of a fence does not hide an eviction from its put',
      'a late duplicate of a fence does not hide a mark from its put',
    ],
    breaks: (store, hands) => ({
      async fence(args) {
        const isAgain = hands.fences(args.keys[0]!)?.byToken.has(args.fence);
        const reply = await store.fence(args);
        const { writes } = hands.fences(args.keys[0]!)!;
        if (isAgain)
          hands.changeFence(args.keys[0]!, args.fence, { writes, stamp: hands.bucket(args.keys[0]!).marks.next });
        return reply;
      },
    }),
  },
  {
    name: 'a fence set again counts as another write',
    caughtBy: ['a fence that was set twice before the write is still alone'],
    breaks: (store, hands) => ({
      async fence(args) {
        const isAgain = hands.fences(args.keys[0]!)?.byToken.has(args.fence);
        const reply = await store.fence(args);
        if (isAgain) hands.fences(args.keys[0]!)!.writes += 1;
        return reply;
      },
    }),
  },
  {
    name: 'a fence is not told',
    caughtBy: ['a fence, and its end, raise the sequence by one each and send their messages'],
    breaks: (store, hands) => ({ fence: (args) => hands.silently(() => store.fence(args)) }),
  },
  {
    name: 'an eviction counts as a write of every fenced key',
    caughtBy: ['writes of another key do not refuse the put'],
    breaks: (store, hands) => ({
      evict(args) {
        for (const fences of hands.allFences(args.keys[0]!)) fences.writes += 1;
        return store.evict(args);
      },
    }),
  },
  {
    name: 'a fenced put without a version counts as older than any evicted one',
    caughtBy: ['a fenced put without a version is not measured against evicted versions'],
    breaks: (store) => ({ put: (args) => store.put(args.fence ? { ...args, version: args.version || '0' } : args) }),
  },
  {
    name: 'the tombstone of an eviction never ends',
    caughtBy: ['an invalidation without a version is forgotten after tombstoneMs'],
    breaks: (store, hands) => ({
      async evict(args) {
        const reply = await store.evict({ ...args, tombstoneMs: 3_600_000 });
        for (const key of args.keys) hands.setSide(key, { invalidatedAtMicros: hands.now + 3_600_000_000 });
        return reply;
      },
    }),
  },
  {
    name: 'the tombstone of a fence counts from its beginning',
    caughtBy: ['a fence that ended by its time refuses versioned puts for tombstoneMs from its end'],
    breaks: (store, hands) => ({
      async fence(args) {
        const reply = await store.fence(args);
        hands.setSide(args.keys[0]!, { invalidatedAtMicros: hands.now });
        return reply;
      },
    }),
  },
  {
    name: 'a later invalidation that counts from an earlier moment takes its place in the tombstone',
    caughtBy: ['an eviction under a fence does not shorten the time for which the fence refuses versioned puts'],
    breaks: (store, hands) => ({
      async evict(args) {
        const reply = await store.evict(args);
        if (!args.versions) for (const key of args.keys) hands.setSide(key, { invalidatedAtMicros: hands.now });
        return reply;
      },
    }),
  },
  {
    name: 'the end of a fenced eviction removes all fences',
    caughtBy: ['fences of two writers stand side by side: each is removed by its own writer alone'],
    breaks: (store, hands) => ({
      async unfence(args) {
        const reply = await store.unfence(args);
        hands.dropFences(args.keys[0]!);
        return reply;
      },
    }),
  },
  {
    name: 'the end of a fenced eviction leaves the fence to its time',
    caughtBy: ['the end of a fenced eviction removes the fence: the next load may fill'],
    breaks: (store) => ({ unfence: (args) => store.unfence({ ...args, fence: 'none' }) }),
  },
  {
    name: 'the end of a fenced eviction leaves what was filled meanwhile',
    caughtBy: ['the end of a fenced eviction removes what was filled after the fence had ended'],
    breaks: (store, hands) => ({
      async unfence(args) {
        const value = hands.value(args.keys[0]!);
        const reply = await store.unfence(args);
        hands.setValue(args.keys[0]!, value);
        return reply;
      },
    }),
  },
  {
    name: 'the end of a fenced eviction leaves the lease',
    caughtBy: ['the end of a fenced eviction during a load refuses its fill'],
    breaks: (store, hands) => ({ unfence: (args) => keepingLease(hands, args.keys[0]!, () => store.unfence(args)) }),
  },
  {
    name: 'the end of a fenced eviction leaves no tombstone',
    caughtBy: ['the end of a fence whose time was over refuses versioned puts for tombstoneMs, and nothing stands'],
    breaks: (store, hands) => ({ unfence: (args) => keepingTime(hands, args.keys[0]!, () => store.unfence(args)) }),
  },
  {
    name: 'an eviction leaves no tombstone',
    caughtBy: ['an eviction refuses versioned puts for tombstoneMs, and nothing stands'],
    breaks: (store, hands) => ({ evict: (args) => keepingTime(hands, args.keys[0]!, () => store.evict(args)) }),
  },
  {
    name: 'a soft eviction leaves no tombstone',
    caughtBy: ['a soft eviction refuses versioned puts for tombstoneMs, and nothing stands'],
    breaks: (store, hands) => ({ softEvict: (args) => keepingTime(hands, args.keys[0]!, () => store.softEvict(args)) }),
  },
  {
    name: 'a put without a version leaves no tombstone',
    caughtBy: ['a refused put without a version refuses versioned puts for tombstoneMs, and nothing stands'],
    breaks: (store, hands) => ({ put: (args) => keepingTime(hands, args.key, () => store.put(args), !args.version) }),
  },
  {
    name: 'a put with neither fence nor version is stored',
    caughtBy: ['a put with neither fence nor version is never stored and removes the entry'],
    breaks: (store, hands) => storingIf(store, hands, ({ fence, version }) => !fence && !version),
  },
  {
    name: 'a put is stored although its fence does not stand',
    caughtBy: [
      'a put whose fence is over is refused, and removes what was filled since',
      'a put with a fence that was never set is refused and removes the entry',
      'a put that is repeated is refused the second time, and nothing stands',
    ],
    breaks: (store, hands) =>
      storingIf(store, hands, ({ key, fence }) => fence !== '' && !hands.fences(key)?.byToken.has(fence)),
  },
  {
    name: 'a put does not look at what happened to the key since its fence',
    caughtBy: [
      'an eviction between fence and put refuses the put, and nothing stands',
      'a versioned put between fence and put refuses the put, and nothing stands',
    ],
    breaks: (store, hands) => ({
      put(args) {
        hands.changeFence(args.key, args.fence, { writes: hands.fences(args.key)?.writes });
        return store.put(args);
      },
    }),
  },
  {
    name: 'a put does not look at the marks since its fence',
    caughtBy: [
      'a stamp of one of its tags between fence and put refuses the put, and nothing stands',
      'a clear of its region between fence and put refuses the put, and nothing stands',
      'a clear of everything between fence and put refuses the put, and nothing stands',
      'what a fenced put stored carries the stamp of the fence, not of the put',
    ],
    breaks: (store, hands) => ({
      put(args) {
        hands.changeFence(args.key, args.fence, { stamp: hands.bucket(args.key).marks.next });
        return store.put(args);
      },
    }),
  },
  {
    name: 'a put does not look at the incarnation of its fence',
    caughtBy: ['a change of the server between fence and put refuses the put, and nothing stands'],
    breaks: (store, hands) => ({
      async put(args) {
        const { incarnation } = await store.poll({ bucket: args.key.bucket, marks: [] });
        hands.changeFence(args.key, args.fence, { incarnation });
        return store.put(args);
      },
    }),
  },
  {
    name: 'a fenced put does not look at its version',
    caughtBy: ['a fenced put of an older version than one that was evicted is refused; of the same one it is stored'],
    breaks: (store, hands) => ({
      put(args) {
        if (args.fence) hands.setSide(args.key, { lowestVersion: '' });
        return store.put(args);
      },
    }),
  },
  {
    name: 'a put leaves its fence',
    caughtBy: ['a fenced put is stored and ends the fence: everybody hits it'],
    breaks: (store, hands) => ({
      async put(args) {
        const token = args.fence;
        const fence = hands.fences(args.key)?.byToken.get(token);
        const outcome = await store.put(args);
        if (fence) {
          const { untilMicros, stamp, incarnation } = fence as Record<string, number>;
          hands
            .bucket(args.key)
            .fences.add(
              args.key.entry,
              token,
              { untilMicros: untilMicros!, stamp: stamp!, incarnation: incarnation! },
              hands.now,
            );
        }
        return outcome;
      },
    }),
  },
  {
    name: 'a put removes all fences',
    caughtBy: ['the put of one writer leaves the fence of another'],
    breaks: (store, hands) => ({
      async put(args) {
        const outcome = await store.put(args);
        hands.dropFences(args.key);
        return outcome;
      },
    }),
  },
  {
    name: 'a put leaves the lease',
    caughtBy: [
      'a fenced put whose time is over during a load refuses its fill',
      'a versioned put that is stored during a load refuses its fill',
      'a superseded put during a refresh refuses its fill',
    ],
    breaks: (store, hands) => ({ put: (args) => keepingLease(hands, args.key, () => store.put(args)) }),
  },
  {
    name: 'a put forgets its version',
    caughtBy: [
      'a put remembers its version, stored or refused: older fills are refused when the entry is gone',
      'a fenced put remembers its version: an older one is refused when the entry is gone',
    ],
    breaks: (store, hands) => ({
      async put(args) {
        const { lowestVersion } = hands.side(args.key);
        const outcome = await store.put(args);
        hands.setSide(args.key, { lowestVersion });
        return outcome;
      },
    }),
  },
  {
    name: 'a put forgets the version of what it replaces',
    caughtBy: [
      'a put remembers the version of the entry that it removes',
      'a superseded put remembers the newer version',
    ],
    breaks: (store, hands) => ({
      async put(args) {
        const outcome = await store.put(args);
        if (args.version) hands.setSide(args.key, { lowestVersion: args.version });
        return outcome;
      },
    }),
  },
  {
    name: 'a refused put leaves what stood',
    caughtBy: [
      'a refused put removes the entry that stood',
      'a put with neither fence nor version is never stored and removes the entry',
    ],
    breaks: (store, hands) => ({
      async put(args) {
        const value = hands.value(args.key);
        const outcome = await store.put(args);
        if (outcome.kind === 'refused') hands.setValue(args.key, value);
        return outcome;
      },
    }),
  },
  {
    name: 'an older version replaces a newer one',
    caughtBy: [
      'any order of versioned puts, with duplicates, ends in the highest version',
      'a superseded put leaves the newer entry, whatever else would have refused it',
    ],
    breaks: (store, hands) => storingIf(store, hands, ({ fence }) => fence === '', 'superseded'),
  },
  {
    name: 'a superseded put removes the newer entry',
    caughtBy: ['a superseded put leaves the newer entry, whatever else would have refused it'],
    breaks: (store, hands) => ({
      async put(args) {
        const outcome = await store.put(args);
        if (outcome.kind === 'superseded') hands.server.values.delete(args.key.entry);
        return outcome;
      },
    }),
  },
  {
    name: 'a versioned put does not look at fences',
    caughtBy: ['a versioned put under the fence of a writer is refused, and the fence stands on'],
    breaks: (store, hands) =>
      storingIf(store, hands, ({ key, fence, version }) => !fence && !!version && !!hands.fences(key)),
  },
  {
    name: 'a versioned put does not look at invalidations without a version',
    caughtBy: [
      'an eviction refuses versioned puts for tombstoneMs, and nothing stands',
      'a fenced put without a version refuses versioned puts for tombstoneMs, and nothing stands',
    ],
    breaks: (store, hands) => ({
      put(args) {
        hands.setSide(args.key, { invalidatedAtMicros: 0 });
        return store.put(args);
      },
    }),
  },
  {
    name: 'a versioned put does not look at the last clear',
    caughtBy: [
      'a clear of its region refuses versioned puts for tombstoneMs, and nothing stands',
      'a clear of everything refuses versioned puts for tombstoneMs, and nothing stands',
    ],
    breaks: (store, hands) => ({
      put(args) {
        hands.bucket(args.key).marks.lastClearMicros = () => 0;
        return store.put(args);
      },
    }),
  },
  {
    name: 'a versioned put counts every mark as a clear',
    caughtBy: [
      'the mark t:any refuses no versioned put of what cannot carry it',
      'the mark r:other refuses no versioned put of what cannot carry it',
    ],
    breaks: (store, hands) => ({
      stamp(args) {
        hands.server.bucket(args.bucket).marks.allClearedAtMicros = hands.now;
        return store.stamp(args);
      },
    }),
  },
  {
    name: 'a versioned put does not look at the age of the server',
    caughtBy: [
      'a put for which the server is too young is refused',
      'a change of the server refuses versioned puts for tombstoneMs, and nothing stands',
    ],
    breaks: (store, hands) =>
      storingIf(store, hands, ({ key, region, fence, version, tags, tombstoneMs }) => {
        const { lowestVersion, invalidatedAtMicros } = hands.side(key);
        const last = Math.max(invalidatedAtMicros, hands.bucket(key).marks.lastClearMicros(region));
        const isProven = !hands.fences(key) && tags.length === 0 && compareVersions(version, lowestVersion) >= 0;
        return !fence && !!version && isProven && hands.now - last >= tombstoneMs * 1_000;
      }),
  },
  {
    name: 'a versioned put does not look at evicted versions',
    caughtBy: [
      'a put of an older version than one that was evicted is refused; of the same or a newer one it is stored',
    ],
    breaks: (store, hands) => ({
      put(args) {
        if (!args.fence) hands.setSide(args.key, { lowestVersion: '' });
        return store.put(args);
      },
    }),
  },
  {
    name: 'a versioned put forgets that its region uses tags',
    caughtBy: [
      'from the first entry with tags on, filled or put, versioned puts into its region are refused, whoever makes them',
    ],
    breaks: (store, hands) => ({
      put(args) {
        if (!args.fence) hands.bucket(args.key).marks.taggedRegions.clear();
        return store.put(args);
      },
    }),
  },
  {
    name: 'a versioned put with tags is stored',
    caughtBy: ['a versioned put with tags is refused: only a fence can prove it against their marks'],
    breaks: (store) => ({ put: (args) => store.put(args.fence ? args : { ...args, tags: [] }) }),
  },
  {
    name: 'a put does not raise the sequence',
    caughtBy: [
      'a fenced put, stored or refused, raises the sequence by one and sends its message',
      'a versioned put, stored, superseded or refused, raises the sequence by one and sends its message',
    ],
    breaks: (store, hands) => ({ put: async (args) => hands.uncount(args.key, await store.put(args)) }),
  },
  {
    name: 'the message of a put is not sent',
    caughtBy: ['a fenced put, stored or refused, raises the sequence by one and sends its message'],
    breaks: (store, hands) => ({ put: (args) => hands.silently(() => store.put(args)) }),
  },
  {
    name: 'a put is never stale',
    caughtBy: ['what a fenced put stored goes stale and ends by its own ttl and window'],
    breaks: (store) => ({ put: (args) => store.put({ ...args, staleMs: 0 }) }),
  },
];

async function keepingLease<T>(hands: Hands, key: PutArgs['key'], action: () => Promise<T>): Promise<T> {
  const lease = hands.lease(key);
  const result = await action();
  hands.setLease(key, lease);
  return result;
}

/** As if the invalidation had not been noted in the tombstone. */
async function keepingTime<T>(hands: Hands, key: PutArgs['key'], action: () => Promise<T>, isKept = true): Promise<T> {
  const { invalidatedAtMicros } = hands.side(key);
  const result = await action();
  if (isKept) hands.setSide(key, { invalidatedAtMicros });
  return result;
}

/** Stores what the honest store would not, where `condition` held before. */
function storingIf(
  store: RemoteStore,
  hands: Hands,
  condition: (args: PutArgs) => boolean,
  instead: PutOutcome['kind'] = 'refused',
): Partial<RemoteStore> {
  return {
    async put(args) {
      const isStored = condition(args);
      const outcome = await store.put(args);
      if (!isStored || outcome.kind !== instead) return outcome;
      hands.write(args.key, args);
      return { ...outcome, kind: 'stored' };
    },
  };
}
