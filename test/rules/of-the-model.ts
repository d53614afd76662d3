import type { Rule as RuleOfOneKey } from '../model/rules.js';
import type { Rule as RuleOfComposition } from '../model/composition/rules.js';

/** By which mutants of the code the schedules here try a rule of the model; or why nothing but the model can. */
export type Tried = { readonly by: readonly string[] } | { readonly onlyByModel: string };

const by = (...mutants: string[]): Tried => ({ by: mutants });
const onlyByModel = (because: string): Tried => ({ onlyByModel: because });

const NO_TRANSACTIONS =
  'the cache does not see when the transaction of a load began; docs/transactions.md says to keep cached loads out of long ones';

/** Every rule of the model of one key (test/model/rules.ts). */
export const ofOneKey: Readonly<Record<RuleOfOneKey, Tried>> = {
  fillNeedsToken: by('blind fill'),
  fillChecksIncarnation: by('fill checks no incarnation'),
  fillChecksMarks: by('tags stamped at fill', 'a stamp that equals the lease stamp voids nothing'),
  fillIsStampedAtLease: by('tags stamped at fill'),
  fillChecksTombstone: by('fill checks no version'),
  tokenPerLoad: by('token per client'),
  loadAwaitsItsLease: by('GETL is sent twice, and the load does not wait for the second answer'),
  readSeesMarks: by('reads ignore stamps'),
  snapshotLoadIsNotFilled: onlyByModel(NO_TRANSACTIONS),
  snapshotLoadIsPrivate: onlyByModel(NO_TRANSACTIONS),
  joinNeedsArrival: by('join after evict', 'a hit counts as of its answer', 'a fill counts as of its answer'),
  joinOfLoadNeedsItsStart: by(
    'a refused load counts as of its end',
    'a load that was not filled counts as of its begin',
  ),
  stampsAreCounted: onlyByModel(
    'stamps are no times anywhere in the code, and a real server has no clock that a test could set back',
  ),

  evictClearsLease: by('evict keeps the lease'),
  softEvictClearsLease: by('soft evict keeps the lease'),
  softEvictedIsNeverFresh: by('soft-evicted values stay fresh'),
  evictAfterCommit: by('an eviction goes before its method'),
  evictRaisesTombstone: by('evict by version leaves no tombstone'),
  supersededEvictRaisesTombstone: by('a superseded eviction raises no tombstone'),
  supersededEvictIsTold: by('a superseded eviction is not told'),
  strictWriteFences: by('strict evict without a fence'),
  fenceOutlivesWrite: by('a fence is shorter than its write'),
  fencedReadsDoNotFill: by('GETL leases under a fence'),
  fencePerWriter: by('one fence per key'),
  evictKeepsFences: by('evict clears fences'),
  fenceAfterFailover: onlyByModel(
    'the code does not have it: a fence that a failover lost protects nothing, which README and docs/coherence.md say (T10)',
  ),
  fenceBeforeSnapshot: by('a fence is set when the method has read'),

  putNeedsProof: by('put needs no proof'),
  refusedPutEvicts: by('refused put drops only', 'a put that a full server refuses counts'),
  putClearsLease: by('put keeps the lease'),
  putChecksFence: by('put without fence'),
  expiredFenceIsGone: by('a fence whose time is over counts as standing'),
  putChecksFenceIncarnation: by('fenced put ignores a change of incarnation'),
  putCountsWrites: by('fenced put ignores what wrote the key since'),
  fenceOverFenceIsNotAlone: by('a fence over a fence counts as alone'),
  putChecksMarksSinceFence: by('fenced put ignores tags since its fence'),
  putIsStampedAtFence: by('fenced put ignores tags since its fence'),
  fencedPutChecksVersion: by('fenced put forgets the version'),
  putKeepsNewerEntry: by('put forgets newer entries'),
  putRemembersNewerEntry: by('put forgets the version that stood'),
  putChecksTombstone: by('put forgets the tombstone', 'event put without version'),
  putChecksFences: by('put ignores fences'),
  putChecksPlainEvicts: by('put ignores evictions without a version (tx)'),
  putChecksMarks: by('put ignores marks (tt)'),
  putChecksFlush: by('put ignores a young incarnation'),
  putRaisesTombstone: by('put raises no tombstone'),
  fenceProlongsInvalidation: by('a fence invalidates as of its beginning'),
  oldEventEvicts: onlyByModel(
    'the age of an event is known to its consumer alone; docs/put-write-set.md says what to do',
  ),

  identity: by('no server identity'),
  identityByBoot: by('sequence memory only'),
  identityBySequence: by('boot id only'),
  identityByCaller: by('no known incarnation'),

  plainReadsPositionFirst: by('position read after the value'),
  plainReadNeedsIdentity: by('plain read without identity'),
  plainReadChecksBucket: by('a read of another incarnation of the bucket is trusted'),
  plainReadChecksEntry: by('plain read of another incarnation'),
  plainReadChecksMarkSequence: by('plain read without tq', 'marks are not counted'),
  plainReadChecksFloor: by('plain read without tagFloor'),
  plainReadSeesMarks: by('plain read without stamps'),
  plainReadNeedsRecentProof: by('a connection is believed for ever'),
  refusalTakesIdentity: by('a server that refuses writes is believed', 'a master that was cut off is believed'),
  fallenPositionIsForeign: by('a position may go back'),
  ownEvictionTellsPosition: by('own evictions tell no position'),
  startKeepsPosition: by('an answer from before lowers what is known'),
  collectRaisesClear: by('collected stamps are forgotten'),

  fillOfL1NeedsTicket: by('L1 without a ticket'),
  fillOfL1ChecksIncarnation: onlyByModel(
    'a second defence in the model too: the change of incarnation has voided the ticket, so that no order of events shows it alone',
  ),
  flushVoidsTickets: by('a flush leaves tickets', 'a flush leaves L1 and tickets'),
  messageRemovesOlder: by('messages remove nothing'),
  gapFlushes: by('a gap in the messages is ignored'),
  messagesCarryIncarnation: by('messages without incarnation'),
  foreignMessageFlushes: by('a message begins an incarnation'),
  pollComparesSequence: by('a poll proves whatever it says', 'evictions are not counted'),
  pollChecksIncarnation: by('a poll of another incarnation proves'),
  pollProvesItsSending: by('a poll proves its answer'),
  localNeedsRecentProof: by('L1 without D'),
  largerElapsedTimeCounts: by('a clock that stands still is believed'),
  localSeesMarks: by('L1 forgets marks'),
  ownEvictClearsLocal: by('own evictions leave L1'),
  pendingEvictBypasses: by('own pending evictions are not bypassed'),
};

/** Every rule of the model of composed entries (test/model/composition/rules.ts). */
export const ofComposition: Readonly<Record<RuleOfComposition, Tried>> = {
  gateClosesLocal: by('a lease does not hold L1 back', 'a fence does not hold L1 back'),
  everyAnswerClosesLocal: by('nothing but a lease holds L1 back', 'a plain read does not hold L1 back'),
  unfilledCountsFromItsQuestion: by('a load that was not filled counts as of its begin'),
  hitInLoadNeedsProof: by('L1 of another bucket needs no proof inside a load'),
  proofCountsFromSending: by('a poll proves its answer'),
  proofForInnermostLoad: by('a proof for the outermost load is one for all'),
  staleValueTaints: by('a tainted load is filled'),
  refusedFillTaints: by('a refused fill taints nothing'),
  unknownFillTaints: onlyByModel(
    'needed only where rows come from a lagging replica, which is not promised: in the code such a load began after the lease around it, and read under its own proofs',
  ),
  unleasedLoadTaints: onlyByModel(
    'as unknownFillTaints: in the code a load without a lease needs its own proofs for what it reads from L1, and is joined only by who came before it began',
  ),
  taintReachesJoiners: by('who joins a read is not tainted by it'),
  putWaitsForProof: by('L1 of another bucket needs no proof inside a load'),
  groupIsOneEviction: by('evictions of one call go one by one'),
  groupTakesTwoRounds: by('a group over several buckets goes in one round'),
  firstRoundHolds: by('the first of two rounds holds nothing'),
  holdPerOwner: by('one hold per mark'),
  releaseChecksHold: by('a hold that ended counts'),
  heldMarkRefusesFills: by('fills ignore holds', 'fenced puts ignore holds', 'versioned puts ignore holds'),
  releaseStampsAgain: by('the release of a hold stamps nothing'),
  markGroupsTakeTwoRounds: by('a group over several buckets goes in one round'),
  endsFollowGroup: by('a fence ends beside the evictions of its call'),
  putOfEvictedReadEvicts: by('a put takes what its call evicts'),
  journalKeepsGroups: by('the journal keeps no groups'),
  keyIgnoresCodec: by('the key follows the codec'),
  shapeIsChecked: by('values of another shape are hits'),
};

/** Rules of the code that the model leaves out. */
export const besideTheModel: Readonly<Record<string, Tried>> = {
  'an eviction is acknowledged by the call that carries it, however many it gathers': by(
    'an eviction that waits for others counts',
    'of two evictions of a key in one turn the last goes',
  ),
  'a journal without room evicts more, never less': by('a journal that overflows forgets'),
  'holds are bounded, by holding more': by('holds are kept however many they are'),
  'stamps grow': by('stamps do not grow'),
  'who joins a stale answer began before the eviction that it does not know': by(
    'a stale value counts as of its serving',
  ),
  'a load that goes on after its caller has an eviction know of it': by('a late load has no ticket of its own'),
};
