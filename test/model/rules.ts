/**
 * The rules of the protocol, one by one. The model without a rule must break a promise: a rule that can be taken out
 * without being missed is either superfluous or not understood (see mutations.ts).
 */
const RULES = {
  // reads and fills
  fillNeedsToken: 'FILL is refused when its token no longer holds the lease',
  fillChecksIncarnation: 'FILL is refused when its lease is of another incarnation',
  fillChecksMarks: 'FILL is refused when a tag, region or clear stamp is not below its lease stamp',
  fillIsStampedAtLease: 'an entry is written with the stamp of its lease, not of its fill',
  fillChecksTombstone: 'FILL is refused when its version is below the tombstone',
  tokenPerLoad: 'a token belongs to one load, never to a client (R2)',
  loadAwaitsItsLease: 'a GETL that may still arrive a second time is not followed by a load under its token',
  readSeesMarks: 'GETL answers a hit only if no stamp voids the entry',
  snapshotLoadIsNotFilled: 'a load in a transaction older than its lease is not filled (R16)',
  snapshotLoadIsPrivate: 'a load in a transaction older than its lease is given to nobody else',
  joinNeedsArrival:
    'a caller takes a result only if the operation that decided it was sent after the caller arrived (R3)',
  joinOfLoadNeedsItsStart:
    'without an accepted fill, a caller takes a load only if the load began after the caller arrived',
  stampsAreCounted: 'stamps are a counter, not a time (T7)',

  // evictions and writes
  evictClearsLease: 'EVICT clears the lease',
  softEvictClearsLease: 'SOFT-EVICT clears the lease',
  softEvictedIsNeverFresh: 'a soft-evicted value is never fresh again',
  evictAfterCommit: 'the eviction follows the commit (R12)',
  evictRaisesTombstone: 'EVICT with a version raises the tombstone',
  supersededEvictRaisesTombstone: 'EVICT with a version raises the tombstone also where a newer entry stands',
  supersededEvictIsTold:
    'EVICT with a version is published also where a newer entry stands: L1 may hold what was there before',
  strictWriteFences: 'a strict write fences before it commits (R11)',
  fenceOutlivesWrite: 'a fence stands until its writer has committed',
  fencedReadsDoNotFill: 'GETL gives no lease while a fence stands',
  fencePerWriter: 'each writer has a fence of its own (R13)',
  evictKeepsFences: 'an eviction leaves fences alone (R14)',
  fenceAfterFailover: 'after a failover no lease is given until all fences from before have run out (T10, an option)',
  fenceBeforeSnapshot: 'a fence is set before the first read of its transaction (R16, T15)',

  // puts
  putNeedsProof: 'a put without fence and version is never accepted',
  refusedPutEvicts: 'a put that is refused evicts',
  putClearsLease: 'every put clears the lease (T1)',
  putChecksFence: 'PUT(F) is refused when F is gone (T5)',
  expiredFenceIsGone: 'a fence that has run out counts as gone for PUT(F)',
  putChecksFenceIncarnation: 'PUT(F) is refused when F was set in another incarnation',
  putCountsWrites: 'PUT(F) is refused when anything wrote the key since F',
  fenceOverFenceIsNotAlone: 'a fence set over a standing fence never allows a put (T12)',
  putChecksMarksSinceFence: 'PUT(F) is refused when a stamp was set since F (R15)',
  putIsStampedAtFence: 'PUT(F) writes with the stamp of the fence',
  fencedPutChecksVersion: 'PUT(F) with a version is refused when a newer one is known (T13)',
  putKeepsNewerEntry: 'PUT with a version leaves a newer entry as it is (T3)',
  putRemembersNewerEntry: 'PUT with a version raises the tombstone to the version that stands',
  putChecksTombstone: 'PUT with a version is refused below the tombstone (R8)',
  putChecksFences: 'PUT with a version and no fence is refused while a fence stands (T2)',
  putChecksPlainEvicts: 'PUT with a version is refused while an eviction without one is young (tx, T4)',
  putChecksMarks: 'PUT with a version is refused while a tag, region or clear stamp is young (tt, T6)',
  putChecksFlush: 'PUT with a version is refused while the incarnation is young (M.i, T14)',
  putRaisesTombstone: 'every put with a version raises the tombstone, also one that is refused',
  fenceProlongsInvalidation: 'what a fence invalidated counts as young until a tombstone after its end',
  oldEventEvicts: 'an event older than a tombstone lives is an eviction, not a put',

  // server identity
  identity: 'every function checks that server and data are the ones from before (R9)',
  identityByBoot: 'a server that did not write the data starts a new incarnation (R9)',
  identityBySequence: 'a server that remembers another sequence starts a new incarnation (R10)',
  identityByCaller: 'a caller that knows a higher incarnation starts a new one (T9)',

  // verified plain reads
  plainReadsPositionFirst: 'M is read before V',
  plainReadNeedsIdentity: 'a plain read counts only on a connection that was identified',
  plainReadChecksBucket: 'a plain read counts only in the known incarnation of the bucket',
  plainReadChecksEntry: 'a plain read counts only if the entry is of the known incarnation',
  plainReadChecksMarkSequence: 'a plain read counts only if M.tq is the known one',
  plainReadChecksFloor: 'a plain read of a tagged entry counts only above the tag floor',
  plainReadSeesMarks: 'a plain read counts only if no known stamp voids the entry',
  plainReadNeedsRecentProof:
    'a plain read counts only while a function was accepted for writing on its connection less than D ago (R20)',
  refusalTakesIdentity: 'a refused function takes the identity of its connection away (R20)',
  fallenPositionIsForeign:
    'a plain read counts only if its position is not below the highest that was known as it was sent (R21)',
  ownEvictionTellsPosition: 'the position in the answer to an own eviction is known as well (R21)',
  startKeepsPosition:
    'starting anew from a poll of the same incarnation does not lower the highest position that is known (R21)',
  collectRaisesClear: 'collecting a tag stamp raises the clear stamp to it',

  // L1, channel, polls
  fillOfL1NeedsTicket: 'what was read before an invalidation was applied does not enter L1 (R4)',
  fillOfL1ChecksIncarnation: 'what was read in another incarnation does not enter L1',
  flushVoidsTickets: 'a flush of the bucket voids its tickets (T11)',
  messageRemovesOlder: 'a message removes the L1 entry that is older than it',
  gapFlushes: 'a gap in the sequence flushes the bucket (R5)',
  messagesCarryIncarnation: 'messages carry the incarnation (R17)',
  foreignMessageFlushes:
    'a message of another incarnation flushes the bucket, rather than being taken as the start of the new one (T8)',
  pollComparesSequence: 'a poll proves L1 only if all that it counted is applied',
  pollChecksIncarnation: 'a poll proves L1 only in the known incarnation',
  pollProvesItsSending: 'a poll proves L1 as of its sending, not of its answer',
  localNeedsRecentProof: 'L1 serves only while it was proven less than D ago',
  largerElapsedTimeCounts: 'of two clocks the one by which more time has passed counts (R22)',
  localSeesMarks: 'L1 serves nothing that a known stamp voids',
  ownEvictClearsLocal: 'an acknowledged eviction clears the own L1 and tickets before it resolves (G3)',
  pendingEvictBypasses: 'while an own eviction is not acknowledged, own reads bypass the cache',
} as const;

export type Rule = keyof typeof RULES;
export type Rules = Readonly<Record<Rule, boolean>>;

export const ruleNames = Object.keys(RULES) as Rule[];

/** What the rule says. */
export function wordingOf(rule: Rule): string {
  return RULES[rule];
}

export function allRules(): Rules {
  return Object.fromEntries(ruleNames.map((rule) => [rule, true])) as Record<Rule, boolean>;
}

export function without(...off: readonly Rule[]): Rules {
  return { ...allRules(), ...Object.fromEntries(off.map((rule) => [rule, false])) };
}
