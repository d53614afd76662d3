import type { Rule } from './rules.js';
import type { Mutation } from './suite.js';

const one = (name: string, rule: Rule, scenario: string): Mutation<Rule> => ({ name, off: [rule], scenario });

/**
 * Each breaks a promise. Where two rules stand for one another, both are taken out: one alone is a second line of
 * defence (README, "Rules that are not missed").
 */
export const mutations: readonly Mutation<Rule>[] = [
  // reads and fills
  one('blind fill', 'fillNeedsToken', 'leases'),
  one('a fill under a lease of another incarnation', 'fillChecksIncarnation', 'failover'),
  { name: 'tag stamped at fill', off: ['fillIsStampedAtLease', 'fillChecksMarks'], scenario: 'marks' },
  one('a fill that a tag has overtaken is shared', 'fillChecksMarks', 'join-marks'),
  one('a fill forgets versions', 'fillChecksTombstone', 'events-lag'),
  one('token per client', 'tokenPerLoad', 'leases'),
  one('a late duplicate of GETL leases again for a load under way', 'loadAwaitsItsLease', 'duplicates'),
  one('reads ignore stamps', 'readSeesMarks', 'marks'),
  one('a load in an old snapshot is filled', 'snapshotLoadIsNotFilled', 'snapshot-loads'),
  one('a load in an old snapshot is shared', 'snapshotLoadIsPrivate', 'join-snapshot'),
  one('join after evict', 'joinNeedsArrival', 'join-snapshot'),
  one('join of a load that began before', 'joinOfLoadNeedsItsStart', 'join'),
  one('stamps are times (T7)', 'stampsAreCounted', 'marks'),

  // evictions and strict writes
  one('evict keeps the lease', 'evictClearsLease', 'leases'),
  one('soft evict keeps the lease', 'softEvictClearsLease', 'leases-soft'),
  one('soft-evicted values stay fresh', 'softEvictedIsNeverFresh', 'leases-soft'),
  one('early evict', 'evictAfterCommit', 'leases'),
  one('evict of a version leaves no tombstone', 'evictRaisesTombstone', 'events'),
  one('evict under a newer entry leaves no tombstone', 'supersededEvictRaisesTombstone', 'events-evicts'),
  one('evict under a newer entry is not told', 'supersededEvictIsTold', 'local-versions'),
  one('plain evict and crash', 'strictWriteFences', 'strict'),
  one('fence too short and crash', 'fenceOutlivesWrite', 'strict'),
  one('leases under a fence', 'fencedReadsDoNotFill', 'strict'),
  one('one fence per key', 'fencePerWriter', 'fenced-puts'),
  one('an evict that clears fences', 'evictKeepsFences', 'strict-bare'),
  one('a lost fence after a failover (T10)', 'fenceAfterFailover', 'failover-hold'),
  one('a fence after the snapshot (T15)', 'fenceBeforeSnapshot', 'fenced-puts-mixed'),

  // puts
  one('put without fence or version', 'putNeedsProof', 'blind-puts'),
  one('a refused put only drops', 'refusedPutEvicts', 'fenced-puts'),
  one('put leaves the lease (T1)', 'putClearsLease', 'blind-puts'),
  one('versioned put over a fence (T2)', 'putChecksFences', 'events-side'),
  one('put replaces a newer entry (T3)', 'putKeepsNewerEntry', 'events'),
  one('put ignores tx (T4)', 'putChecksPlainEvicts', 'events-evicts'),
  one('put by a fence that is gone (T5)', 'putChecksFence', 'fenced-puts'),
  one('put by a fence that has run out', 'expiredFenceIsGone', 'fenced-puts'),
  one('put ignores tt (T6)', 'putChecksMarks', 'events-clear'),
  one('put ignores a flush (T14)', 'putChecksFlush', 'events-failover'),
  one('put by a fence of another incarnation', 'putChecksFenceIncarnation', 'failover-fences'),
  one('put ignores writes since its fence', 'putCountsWrites', 'fenced-puts'),
  one('a fence over a fence counts as alone (T12)', 'fenceOverFenceIsNotAlone', 'fenced-puts'),
  {
    name: 'put ignores tags since its fence',
    off: ['putChecksMarksSinceFence', 'putIsStampedAtFence'],
    scenario: 'fenced-puts-marks',
  },
  one('fenced put forgets ver (T13)', 'fencedPutChecksVersion', 'events-lag'),
  one('event put without version', 'putChecksTombstone', 'events'),
  one('put raises no tombstone', 'putRaisesTombstone', 'events'),
  one('a fence invalidates as of its beginning', 'fenceProlongsInvalidation', 'events-fences'),
  one('an old event is put', 'oldEventEvicts', 'events'),

  // server identity
  one('no server identity', 'identity', 'failover'),
  one('sequence memory only', 'identityByBoot', 'failover'),
  one('boot id only', 'identityBySequence', 'failover'),
  one('callers do not tell what they saw (T9)', 'identityByCaller', 'unsynchronised'),

  // plain reads
  one('M after V with the later q', 'plainReadsPositionFirst', 'local'),
  one('plain read without identity', 'plainReadNeedsIdentity', 'plain-failover'),
  one('plain read without M.i', 'plainReadChecksBucket', 'plain-loss'),
  one("plain read without the entry's i", 'plainReadChecksEntry', 'plain-failover'),
  one('plain read without tq', 'plainReadChecksMarkSequence', 'plain'),
  one('plain read without tagFloor', 'plainReadChecksFloor', 'plain'),
  one('plain read without known stamps', 'plainReadSeesMarks', 'plain'),
  one('a master is believed for ever (R20)', 'plainReadNeedsRecentProof', 'partition'),
  {
    name: 'a master that refuses is believed',
    off: ['refusalTakesIdentity', 'plainReadNeedsRecentProof'],
    scenario: 'partition',
  },
  one('a position may go back (R21)', 'fallenPositionIsForeign', 'rollback'),
  one('an own eviction tells no position (R21)', 'ownEvictionTellsPosition', 'rollback'),
  one('a poll from before an own eviction lowers the position', 'startKeepsPosition', 'rollback'),
  one('collected tags are forgotten', 'collectRaisesClear', 'marks'),

  // L1
  one('L1 without a ticket', 'fillOfL1NeedsTicket', 'local'),
  one('a flush leaves tickets (T11)', 'flushVoidsTickets', 'local'),
  one('messages are not applied', 'messageRemovesOlder', 'local'),
  one('gaps are overlooked', 'gapFlushes', 'local'),
  one('messages without i', 'messagesCarryIncarnation', 'local-old-messages'),
  one('a message begins an incarnation (T8)', 'foreignMessageFlushes', 'local-old-messages'),
  one('polls prove without their q', 'pollComparesSequence', 'local'),
  one('polls prove without their i', 'pollChecksIncarnation', 'local-old-messages'),
  one('polls prove as of their answer', 'pollProvesItsSending', 'local'),
  one('L1 serves for ever what was proven once', 'localNeedsRecentProof', 'suspended'),
  one('a clock that stands still is believed (R22)', 'largerElapsedTimeCounts', 'suspended'),
  one('the same of what proves a connection', 'largerElapsedTimeCounts', 'suspended-partition'),
  one('L1 ignores stamps', 'localSeesMarks', 'local-marks'),
  one('own evict leaves the own L1', 'ownEvictClearsLocal', 'local'),
  one('own failed evict is forgotten', 'pendingEvictBypasses', 'local-pending'),

  // where rules of different kinds meet
  one('plain evict and crash, with L1', 'strictWriteFences', 'fences-local'),
  one('leases under a fence, with L1', 'fencedReadsDoNotFill', 'fences-local'),
  one('messages of fences are not applied', 'messageRemovesOlder', 'fences-local'),
  one('an evict that clears the fence of a put, with L1', 'evictKeepsFences', 'puts-local'),
  one('puts and L1 without a ticket', 'fillOfL1NeedsTicket', 'puts-local'),
  one('a plain read without tagFloor after a failover', 'plainReadChecksFloor', 'marks-failover'),
  one("a plain read without the entry's i, of a tagged entry", 'plainReadChecksEntry', 'marks-failover'),
  one('join of a plain hit from before the arrival', 'joinNeedsArrival', 'join-local'),
  one('join of a load that began before, with L1', 'joinOfLoadNeedsItsStart', 'join-local'),
  one('join of a load under a fence that began before', 'joinOfLoadNeedsItsStart', 'join-fences'),
  one('an own tag that waits in the journal is forgotten', 'pendingEvictBypasses', 'pending-failover'),
  one('an own fence whose end waits is forgotten', 'pendingEvictBypasses', 'pending-fence-failover'),
  one('two instances without tq', 'plainReadChecksMarkSequence', 'marks-two'),
  one('two instances without tagFloor', 'plainReadChecksFloor', 'marks-two'),
];

/** Rules that no scenario misses when they alone are taken out, with the reason. */
export const secondDefences: Readonly<Partial<Record<Rule, string>>> = {
  fillIsStampedAtLease: 'the check of FILL refuses what the stamp would void',
  putChecksMarksSinceFence: 'the stamp of the fence voids what the check would refuse',
  putIsStampedAtFence: 'the check of PUT(F) refuses what the stamp would void',
  putRemembersNewerEntry: 'a newer entry that was acknowledged has raised the tombstone itself',
  refusalTakesIdentity: 'what a connection proves ends after D anyway',
  fillOfL1ChecksIncarnation: 'the change of incarnation has voided the ticket',
};
