import { describe, expect, it } from '@jest/globals';
import { InTurn } from '../../../lib/cache/in-turn.js';
import { LibraryFault } from '../../../lib/cache/faults.js';
import { CacheError } from '../../../lib/shared/errors.js';
import { StoreRefusal } from '../../../lib/stores/remote-store.js';
import { gate, settle } from '../../support/fake-clock.js';

type Failures = ReadonlyMap<number, CacheError>;
const FINE: Failures = new Map();

/** Sixty-four pieces of work that wait, and two behind them: one for bucket 0, one for bucket 1. */
async function aQueue() {
  const turns = new InTurn();
  const first = gate<Failures>();
  const others = gate<Failures>();
  const running = Array.from({ length: 64 }, (_, n) => turns.run([0], () => (n === 0 ? first : others).promise));
  const begun: number[] = [];
  const waiting = [0, 1].map((bucket) =>
    turns.run([bucket], async () => {
      begun.push(bucket);
      return FINE;
    }),
  );
  await settle();
  return { first, others, running, waiting, begun };
}

describe('work in turn', () => {
  it('that waits for a bucket that does not answer fails with it, and no other', async () => {
    const { first, others, running, waiting, begun } = await aQueue();
    const silent: Failures = new Map([[0, new CacheError('RC_STORE_UNAVAILABLE', 'silent')]]);
    expect(begun).toEqual([]);
    first.open(silent);
    expect(await waiting[0]).toEqual(silent);
    expect(await waiting[1]).toBe(FINE);
    expect(begun).toEqual([1]);
    others.open(FINE);
    await Promise.all(running);
  });

  it.each([
    ['what the server refused', new StoreRefusal('OOM')],
    ['a fault of the library', new LibraryFault('A stamp', new Error('bug'))],
  ])('is not told of %s: that is no reason not to try', async (_, error) => {
    const { first, others, running, waiting, begun } = await aQueue();
    first.open(new Map([[0, error]]));
    expect(await Promise.all(waiting)).toEqual([FINE, FINE]);
    expect(begun).toEqual([0, 1]);
    others.open(FINE);
    await Promise.all(running);
  });
});
