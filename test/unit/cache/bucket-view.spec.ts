import { describe, expect, it } from '@jest/globals';
import { BucketView, type Invalidation } from '../../../lib/cache/bucket-view.js';
import type { StoredEntry } from '../../../lib/entries/stored-entry.js';
import type { PlainRead, PollReply } from '../../../lib/stores/remote-store.js';

const poll = (change: Partial<PollReply> = {}): PollReply => ({
  incarnation: 7,
  sequence: 10,
  markSequence: 2,
  stampClock: 5,
  earlierIncarnations: [3],
  nowMicros: 0,
  stamps: [0],
  ...change,
});
const evicted = (sequence: number, incarnation = 7): Invalidation => ({
  kind: 'entry',
  bucket: 0,
  incarnation,
  sequence,
  entry: 'k',
});
const stamped = (sequence: number, mark: 't:a' | 'r:users' | '*', stamp: number): Invalidation => ({
  kind: 'mark',
  bucket: 0,
  incarnation: 7,
  sequence,
  mark,
  stamp,
});
const entry = (change: Partial<StoredEntry> = {}): StoredEntry => ({
  payload: '1',
  format: 'json',
  stamp: 6,
  incarnation: 7,
  freshUntilMicros: 1,
  loadMicros: 0,
  version: '',
  tags: [],
  ...change,
});
const read = (change: Partial<NonNullable<PlainRead['position']>> = {}, identified = true): PlainRead => ({
  identified,
  position: { incarnation: 7, sequence: 10, markSequence: 2, ...change },
  entry: entry(),
  foreign: false,
});

function knownView(): BucketView {
  const view = new BucketView();
  view.adopt(poll({ stamps: [0, 0] }), ['*', 'r:users'], 100);
  return view;
}

describe('BucketView', () => {
  it('knows nothing, and trusts nothing, before a poll is adopted', () => {
    const view = new BucketView();
    expect(view.isKnown).toBe(false);
    expect(view.trusts(read())).toBe(false);
    expect(view.prove(poll(), [], 100)).toBe(false);
    expect(view.verifiedAtMs).toBe(-Infinity);
  });

  it('is proven from the moment at which the adopted poll was sent', () => {
    expect(knownView().verifiedAtMs).toBe(100);
  });

  it('follows messages without a gap', () => {
    const view = knownView();
    expect(view.apply(evicted(11))).toBe(true);
    expect(view.apply(stamped(12, '*', 6))).toBe(true);
    expect([view.sequence, view.markSequence, view.isKnown]).toEqual([12, 3, true]);
  });

  it('ignores a message that it has applied already', () => {
    const view = knownView();
    expect(view.apply(stamped(10, '*', 99))).toBe(true);
    expect(view.judge(entry(), 'users')).toBe('alive');
    expect(view.markSequence).toBe(2);
  });

  it.each([
    ['a gap', evicted(12)],
    ['another incarnation', evicted(11, 8)],
    ['an older incarnation whose number would be the next', evicted(11, 6)],
    ['a flush', { kind: 'flush', bucket: 0, incarnation: 7, sequence: 11 } as const],
  ])('gives up on %s', (_name, message) => {
    const view = knownView();
    const { epoch } = view;
    expect(view.apply(message)).toBe(false);
    expect(view.isKnown).toBe(false);
    expect(view.epoch).toBeGreaterThan(epoch);
    expect(view.verifiedAtMs).toBe(-Infinity);
  });

  it('applies messages that arrived while it was unknown on top of the poll', () => {
    const view = new BucketView();
    view.apply(evicted(9));
    view.apply(stamped(11, 't:a', 6));
    expect(view.adopt(poll(), ['*'], 100)).toBe(true);
    expect([view.sequence, view.markSequence]).toEqual([11, 3]);
    expect(view.judge(entry({ tags: ['a'] }), 'users')).toBe('dead');
  });

  it('needs another poll when messages that arrived have a gap after it', () => {
    const view = new BucketView();
    view.apply(evicted(12));
    expect(view.adopt(poll(), ['*'], 100)).toBe(false);
    expect(view.isKnown).toBe(false);
  });

  it('needs another poll when a message of a newer incarnation arrived', () => {
    const view = new BucketView();
    view.apply(evicted(3, 8));
    expect(view.adopt(poll(), ['*'], 100)).toBe(false);
  });

  it('voids what was read before an adoption, since it may be older than what the poll knows', () => {
    const view = new BucketView();
    const { epoch } = view;
    view.adopt(poll(), ['*'], 100);
    expect(view.epoch).toBeGreaterThan(epoch);
  });

  it('is proven by a poll that knows no more than it', () => {
    const view = knownView();
    expect(view.prove(poll(), [], 300)).toBe(true);
    expect(view.verifiedAtMs).toBe(300);
    view.apply(evicted(11));
    expect(view.prove(poll(), [], 200)).toBe(true);
    expect(view.verifiedAtMs).toBe(300);
  });

  it.each([
    ['an invalidation', { sequence: 11 }],
    ['a mark', { markSequence: 3 }],
    ['another incarnation', { incarnation: 8 }],
  ])('is not proven by a poll that knows of %s that it has not seen', (_name, change) => {
    const view = knownView();
    expect(view.prove(poll(change), [], 300)).toBe(false);
    expect(view.verifiedAtMs).toBe(100);
  });

  it('trusts a read only on an identified connection, of its incarnation, at its count of marks', () => {
    const view = knownView();
    expect(view.trusts(read())).toBe(true);
    expect(view.trusts(read({ sequence: 99 }))).toBe(true);
    expect(view.trusts(read({}, false))).toBe(false);
    expect(view.trusts(read({ incarnation: 8 }))).toBe(false);
    expect(view.trusts(read({ markSequence: 3 }))).toBe(false);
    expect(view.trusts(read({ markSequence: 1 }))).toBe(false);
    expect(view.trusts({ ...read(), position: null })).toBe(false);
  });

  it('admits no entry of another incarnation', () => {
    expect(knownView().admits(entry(), 'users')).toBe(true);
    expect(knownView().admits(entry({ incarnation: 6 }), 'users')).toBe(false);
  });

  it('judges by each mark: an entry is dead when it was leased at or before the stamp', () => {
    for (const mark of ['*', 'r:users', 't:a'] as const) {
      const view = knownView();
      view.apply(stamped(11, mark, 6));
      expect(view.judge(entry({ stamp: 6, tags: ['a'] }), 'users')).toBe('dead');
      expect(view.judge(entry({ stamp: 7, tags: ['a'] }), 'users')).toBe('alive');
    }
  });

  it('leaves a tagged entry from before it listened to the server', () => {
    const view = knownView();
    expect(view.judge(entry({ stamp: 5, tags: ['a'] }), 'users')).toBe('unknown');
    expect(view.judge(entry({ stamp: 5 }), 'users')).toBe('alive');
    expect(view.admits(entry({ stamp: 5, tags: ['a'] }), 'users')).toBe(false);
  });

  it('leaves entries of a region that was never polled to the server, until a poll told its stamp', () => {
    const view = knownView();
    expect(view.judge(entry({ stamp: 5 }), 'orders')).toBe('unknown');
    view.prove(poll({ stamps: [3] }), ['r:orders'], 200);
    expect(view.judge(entry({ stamp: 5 }), 'orders')).toBe('alive');
    expect(view.judge(entry({ stamp: 3 }), 'orders')).toBe('dead');
  });

  it('learns stamps that only grow', () => {
    const view = knownView();
    view.learn('*', 9);
    view.learn('*', 8);
    expect(view.judge(entry({ stamp: 9 }), 'users')).toBe('dead');
  });

  it('stays bounded and safe when very many tags are evicted', () => {
    const view = knownView();
    const { epoch } = view;
    for (let n = 1; n <= 10_001; n++) view.learn(`t:tag${n}`, 5 + n);
    expect(view.judge(entry({ stamp: 6, tags: ['tag1'] }), 'users')).not.toBe('alive');
    expect(view.judge(entry({ stamp: 20_000, tags: ['tag1'] }), 'users')).toBe('alive');
    expect(view.epoch).toBeGreaterThan(epoch);
  });

  describe('held back for what is made under a lease (R18)', () => {
    it('until messages have come as far as the lease', () => {
      const view = knownView();
      view.require({ incarnation: 7, sequence: 12 });
      expect(view.isHeldBack).toBe(true);
      view.apply(evicted(11));
      expect(view.isHeldBack).toBe(true);
      view.apply(evicted(12));
      expect(view.isHeldBack).toBe(false);
    });

    it('not by a lease that is no further than what is applied', () => {
      const view = knownView();
      view.require({ incarnation: 7, sequence: 10 });
      expect(view.isHeldBack).toBe(false);
    });

    it('until the furthest of several leases, in whichever order they were answered', () => {
      const view = knownView();
      view.require({ incarnation: 7, sequence: 12 });
      view.require({ incarnation: 7, sequence: 11 });
      view.apply(evicted(11));
      expect(view.isHeldBack).toBe(true);
    });

    it('by a lease that was answered before the poll of its incarnation, when that poll was sent earlier', () => {
      const view = knownView();
      view.require({ incarnation: 8, sequence: 3 });
      view.adopt(poll({ incarnation: 8, sequence: 2, stamps: [0, 0] }), ['*', 'r:users'], 200);
      expect(view.isHeldBack).toBe(true);
      view.apply(evicted(3, 8));
      expect(view.isHeldBack).toBe(false);
    });

    it('no longer than the incarnation of the lease', () => {
      const view = knownView();
      view.require({ incarnation: 7, sequence: 99 });
      view.adopt(poll({ incarnation: 8, sequence: 2, stamps: [0, 0] }), ['*', 'r:users'], 200);
      expect(view.isHeldBack).toBe(false);
    });

    it('not for the message of an own invalidation that followed on what is applied', () => {
      const view = knownView();
      view.applyOwn({ incarnation: 7, sequence: 11 }, 1);
      view.require({ incarnation: 7, sequence: 11 });
      expect(view.isHeldBack).toBe(false);
      expect(view.apply(evicted(11))).toBe(true);
      expect(view.apply(evicted(12))).toBe(true);
      expect(view.sequence).toBe(12);
    });

    it('for the messages between what is applied and an own invalidation', () => {
      const view = knownView();
      view.applyOwn({ incarnation: 7, sequence: 12 }, 1);
      view.require({ incarnation: 7, sequence: 12 });
      expect(view.isHeldBack).toBe(true);
      expect(view.sequence).toBe(10);
    });
  });
});
