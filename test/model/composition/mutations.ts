import type { Mutation } from '../suite.js';
import type { Rule } from './rules.js';

const one = (name: string, rule: Rule, scenario: string): Mutation<Rule> => ({ name, off: [rule], scenario });

/** Each breaks the promise that nothing is made of what was evicted. */
export const mutations: readonly Mutation<Rule>[] = [
  // what a load is made of
  one('L1 serves inside a load what was evicted before its lease', 'gateClosesLocal', 'nested-local'),
  one('the same to the method of a fenced put', 'gateClosesLocal', 'nested-put-local'),
  one('L1 serves a load beside a fence what was evicted before', 'everyAnswerClosesLocal', 'nested-exact-fenced'),
  one('a load that was not filled counts as of its begin', 'unfilledCountsFromItsQuestion', 'nested-exact'),
  one('L1 of another bucket needs no proof', 'hitInLoadNeedsProof', 'nested-local-buckets'),
  one('a poll from before the lease is a proof', 'proofCountsFromSending', 'nested-local-buckets'),
  one('a proof for the outermost load is one for all', 'proofForInnermostLoad', 'nested-local-three'),
  one('the method of a put needs no proof', 'putWaitsForProof', 'nested-put-local-buckets'),
  one('a load of a stale value is filled', 'staleValueTaints', 'nested-stale'),
  one('a load of a value from before a failover is filled', 'staleValueTaints', 'nested-failover-stale'),
  one('a load whose inner fill was refused is filled', 'refusedFillTaints', 'nested-lag'),
  one('a load whose inner fill was not answered is filled', 'unknownFillTaints', 'nested-lag'),
  one('a load whose inner load had no lease is filled', 'unleasedLoadTaints', 'nested-lag'),
  one('who joins a load without a lease fills', 'unleasedLoadTaints', 'nested-joined'),
  one('the taint of a load without a lease is not shared', 'taintReachesJoiners', 'nested-joined'),
  one('who joins a stale read fills', 'taintReachesJoiners', 'nested-stale-joined'),

  // evictions of one call
  one('evictions side by side, in one bucket', 'groupIsOneEviction', 'group'),
  one('one round over two buckets', 'groupTakesTwoRounds', 'group-buckets'),
  one('one round of chunks', 'groupTakesTwoRounds', 'group-chunks'),
  one('one round for a key and a tag', 'groupTakesTwoRounds', 'group-mixed'),
  one('one round for a tag over two buckets', 'markGroupsTakeTwoRounds', 'group-marks'),
  one('two rounds that hold nothing', 'firstRoundHolds', 'group-buckets'),
  one('a hold that was lifted early is not noticed', 'releaseChecksHold', 'group-buckets'),
  {
    name: 'a hold is lifted by another call',
    off: ['holdPerOwner', 'releaseChecksHold'],
    scenario: 'group-buckets-two',
  },
  one('fills under a held tag', 'heldMarkRefusesFills', 'group-marks-three'),
  one('a tag is released without another stamp', 'releaseStampsAgain', 'group-marks'),
  one('a strict fence ends before the evictions', 'endsFollowGroup', 'group-ends'),
  one('a put before the evictions', 'endsFollowGroup', 'group-put'),
  one('a put of what the call evicts', 'putOfEvictedReadEvicts', 'group-put'),
  one('the journal delivers singly', 'journalKeepsGroups', 'group'),
  one('the journal delivers singly, over two buckets', 'journalKeepsGroups', 'group-buckets'),

  // two releases
  one('the key follows the codec', 'keyIgnoresCodec', 'releases'),
  one('values of another shape are hits', 'shapeIsChecked', 'releases'),
];

/** Rules that no scenario misses when they alone are taken out, with the reason. */
export const secondDefences: Readonly<Partial<Record<Rule, string>>> = {
  holdPerOwner: 'a call whose hold another one lifted notices it at the release, and begins anew',
};
