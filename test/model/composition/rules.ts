/** What composed entries need beyond the rules of one key. As there, each of them has to be missed. */
const RULES = {
  // what a load may be made of (R18)
  gateClosesLocal: 'L1 of a bucket serves nothing below the highest position that a lease or a fence reported',
  everyAnswerClosesLocal:
    'so does an answer that grants no lease: the load that it lets begin reads no older L1 either',
  unfilledCountsFromItsQuestion: 'a load that Redis did not accept is shared by nobody who came after it was asked for',
  hitInLoadNeedsProof:
    'in a load, a hit in L1 of another bucket counts only once a poll that was sent after the lease has proven that bucket',
  proofCountsFromSending: 'such a poll was sent after the lease, not only answered after it',
  proofForInnermostLoad: 'such a poll was sent after every lease around the hit, the innermost among them',
  staleValueTaints: 'a load that was served a stale value is released, not filled',
  refusedFillTaints: 'a load whose inner fill was refused is released, not filled',
  unknownFillTaints: 'a load whose inner fill was not answered is released, not filled',
  unleasedLoadTaints: 'a load whose inner load had no lease is released, not filled',
  taintReachesJoiners: 'who joins a read that ends stale, or tainted, is tainted as well',
  putWaitsForProof:
    'what a method read from L1 of another bucket reaches its put only with a proof sent after the fence',

  // evictions of one call (R19)
  groupIsOneEviction: 'the keys that one call evicts in one bucket go out as one EVICT',
  groupTakesTwoRounds: 'over several buckets, or in chunks, the evictions of one call take two rounds',
  firstRoundHolds: 'the first round holds: what it evicts cannot be filled before the second',
  holdPerOwner: 'each call has fences and holds of its own: no other lifts them',
  releaseChecksHold: 'a call whose fence or hold no longer stood at its release begins its rounds again',
  heldMarkRefusesFills: 'FILL is refused while a mark of the entry is held',
  releaseStampsAgain: 'the release of a mark stamps again: leases from under the hold are void',
  markGroupsTakeTwoRounds: 'a mark over several buckets takes two rounds as well',
  endsFollowGroup: 'strict fences and puts of a call end after its evictions',
  putOfEvictedReadEvicts: 'a put whose method was served a value that the same call evicts is an eviction',
  journalKeepsGroups: 'evictions that failed are delivered as the group they were',

  // two releases (R23)
  keyIgnoresCodec: 'the key does not follow the codec or the shape of the value',
  shapeIsChecked: 'an entry of another shape is a miss',
} as const;

export type Rule = keyof typeof RULES;
export type Rules = Readonly<Record<Rule, boolean>>;

export const ruleNames = Object.keys(RULES) as Rule[];

export function without(...off: readonly Rule[]): Rules {
  return Object.fromEntries(ruleNames.map((rule) => [rule, !off.includes(rule)])) as Record<Rule, boolean>;
}
