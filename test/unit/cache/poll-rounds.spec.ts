import { describe, expect, it } from '@jest/globals';
import { BucketView } from '../../../lib/cache/bucket-view.js';
import { PollRounds } from '../../../lib/cache/poll-rounds.js';

const ROUNDS_IN_USE = 120;

function aSchedule(count = 8) {
  const views = Array.from({ length: count }, () => {
    const view = new BucketView();
    view.isKnown = true;
    return view;
  });
  const rounds = new PollRounds(views, 250);
  const next = ({ wanted = -1, isUneasy = false } = {}) => [
    ...rounds.next((bucket) => bucket === wanted, [0, 4], isUneasy),
  ];
  return { views, rounds, next };
}

describe('which buckets are polled', () => {
  it('while nobody asks: one of each server, in every fourth round', () => {
    const { next } = aSchedule();
    expect(Array.from({ length: 8 }, () => next())).toEqual([[], [], [], [0, 4], [], [], [], [0, 4]]);
  });

  it('one that is used, in every round, until it was not used for half a minute', () => {
    const { rounds, views, next } = aSchedule();
    expect([rounds.use(3), rounds.use(3)]).toEqual([true, false]);
    for (let n = 0; n < ROUNDS_IN_USE - 1; n++) expect(next()).toContain(3);
    views[3]!.isUsed = true; // a hit of L1
    for (let n = 0; n < ROUNDS_IN_USE; n++) expect(next()).toContain(3);
    expect(next()).not.toContain(3);
    expect([rounds.isInUse(3), rounds.use(3)]).toEqual([false, true]);
  });

  it('one that is not known, or whose last poll failed', () => {
    const { views, next } = aSchedule();
    views[5]!.flush();
    expect(next({ wanted: 6 })).toEqual([5, 6]);
  });

  it('one of each server in every round, while something is wrong', () => {
    const { next } = aSchedule();
    expect(next({ isUneasy: true })).toEqual([0, 4]);
  });
});
