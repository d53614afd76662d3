import { describe, expect, it } from '@jest/globals';
import type { Undelivered } from '../../../lib/cache/eviction-delivery.js';
import type { BucketPart, EvictionGroup } from '../../../lib/cache/eviction-group.js';
import { EvictionJournal } from '../../../lib/cache/eviction-journal.js';
import { CacheError } from '../../../lib/shared/errors.js';
import type { Mark } from '../../../lib/stores/channel.js';
import { FakeClock, type Gate, gate } from '../../support/fake-clock.js';

const users = { name: 'users' };
const at = (entry: string, bucket = 0) => ({ entry, bucket });
const groupOf = (...parts: BucketPart[]): EvictionGroup => ({ parts, tally: new Map() });
const evictionOf = (entry: string, version = '', bucket = 0, fences: string[] = []): EvictionGroup =>
  groupOf({ bucket, keys: [{ key: { entry, bucket }, version, tombstoneMs: 1, fences, isSoft: false }], marks: [] });
const markOf = (mark: Mark, ...buckets: number[]): EvictionGroup =>
  groupOf(...buckets.map((bucket) => ({ bucket, keys: [], marks: [mark] })));

const bucketsOf = ({ parts }: EvictionGroup) => parts.map(({ bucket }) => bucket);
const failedIn = (...buckets: number[]): Undelivered =>
  new Map(buckets.map((bucket) => [bucket, new CacheError('RC_STORE_UNAVAILABLE', 'away')]));
/** Queues a group of which no bucket acknowledged anything. */
const queue = (journal: EvictionJournal, group: EvictionGroup) => journal.add(group, bucketsOf(group));

function aJournal() {
  const clock = new FakeClock();
  const delivered: EvictionGroup[] = [];
  const server = { isUp: false };
  const journal = new EvictionJournal(clock, async (group) => {
    if (!server.isUp) return failedIn(...bucketsOf(group));
    delivered.push(group);
    return failedIn();
  });
  return { clock, journal, delivered, server };
}

describe('EvictionJournal', () => {
  it('covers a key until its eviction is acknowledged', async () => {
    const { clock, journal, delivered, server } = aJournal();
    void queue(journal, evictionOf('a'));
    expect(journal.covers(at('a'), users)).toBe(true);
    expect(journal.covers(at('b'), users)).toBe(false);
    await clock.advance(10_000);
    expect(journal.size).toBe(1);
    server.isUp = true;
    await clock.advance(2_000);
    expect(delivered).toHaveLength(1);
    expect(journal.covers(at('a'), users)).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it('covers a region, and for a tag or the clear mark everything: which tags an entry has is known only once it was read', () => {
    const marked = (mark: 't:x' | 'r:users' | '*') => {
      const { journal } = aJournal();
      void queue(journal, markOf(mark, 0));
      return [journal.covers(at('a'), users), journal.covers(at('a'), { name: 'other' })];
    };
    expect(marked('r:users')).toEqual([true, false]);
    expect(marked('t:x')).toEqual([true, true]);
    expect(marked('*')).toEqual([true, true]);
  });

  it('keeps each key once, and evicts without a version when two versions are pending', async () => {
    const { clock, journal, delivered, server } = aJournal();
    void queue(journal, evictionOf('a', '1'));
    void queue(journal, evictionOf('a', '1'));
    void queue(journal, evictionOf('b', '1'));
    void queue(journal, evictionOf('b', '2'));
    server.isUp = true;
    await clock.advance(200);
    expect(delivered).toEqual([evictionOf('a', '1'), evictionOf('b', '')]);
  });

  it('evicts everything when more keys are pending than it remembers', async () => {
    const { clock, journal, delivered, server } = aJournal();
    for (let n = 0; n <= 10_000; n++) void queue(journal, evictionOf(`k${n}`));
    expect(journal.size).toBe(2);
    expect(journal.covers(at('k0'), users)).toBe(true);
    server.isUp = true;
    await clock.advance(200);
    expect(delivered).toEqual([markOf('*', 0), evictionOf('k10000')]);
  });

  it('waits longer after each failure, 2 s at most', async () => {
    const clock = new FakeClock();
    const triedAt: number[] = [];
    const journal = new EvictionJournal(clock, async () => {
      triedAt.push(clock.now());
      return failedIn(0);
    });
    void queue(journal, evictionOf('a'));
    await clock.advance(12_000);
    const gaps = triedAt.slice(1).map((at, n) => at - triedAt[n]!);
    expect(gaps).toEqual([200, 400, 800, 1600, 2000, 2000, 2000, 2000]);
    await journal.close(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each<[string, EvictionGroup]>([
    ['mark', markOf('t:x', 0)],
    ['key', evictionOf('a')],
  ])('keeps a %s that fails again while its retry is on the way', async (_, eviction) => {
    const clock = new FakeClock();
    const answers: Gate<Undelivered>[] = [];
    const journal = new EvictionJournal(clock, () => {
      const answer = gate<Undelivered>();
      answers.push(answer);
      return answer.promise;
    });
    void queue(journal, eviction);
    await clock.advance(100);
    void queue(journal, eviction);
    answers[0]!.open(failedIn());
    await clock.advance(0);
    expect(journal.size).toBe(1);
    await clock.advance(200);
    answers[1]!.open(failedIn());
    await clock.advance(0);
    expect([answers.length, journal.size]).toEqual([2, 0]);
  });

  it('delivers what it can: a bucket that is away, or a mark, holds up no other', async () => {
    const clock = new FakeClock();
    const delivered: string[] = [];
    const journal = new EvictionJournal(clock, async ({ parts: [part] }) => {
      const [one] = part!.keys;
      if (!one || part!.bucket === 1) return failedIn(part!.bucket);
      delivered.push(one.key.entry);
      return failedIn();
    });
    void queue(journal, markOf('t:x', 0));
    for (const [entry, bucket] of [
      ['a', 1],
      ['b', 0],
      ['c', 1],
      ['d', 2],
    ] as const)
      void queue(journal, evictionOf(entry, '', bucket));
    await clock.advance(100);
    expect(delivered).toEqual(['b', 'd']);
    expect(journal.size).toBe(3);
    await journal.close(0);
  });

  it('asks a bucket that is away for a few keys, not for all', async () => {
    const clock = new FakeClock();
    let tries = 0;
    const journal = new EvictionJournal(clock, async () => {
      tries += 1;
      return failedIn(0);
    });
    for (let n = 0; n < 1_000; n++) void queue(journal, evictionOf(`k${n}`));
    await clock.advance(100);
    expect(tries).toBeLessThanOrEqual(64);
    await journal.close(0);
  });

  it('covers a mark’s bucket alone, and sends it to that bucket alone', async () => {
    const clock = new FakeClock();
    const sent: EvictionGroup[] = [];
    const journal = new EvictionJournal(clock, async (group) => {
      sent.push(group);
      return failedIn(...bucketsOf(group));
    });
    void queue(journal, markOf('*', 1));
    expect([journal.covers(at('a', 0), users), journal.covers(at('a', 1), users)]).toEqual([false, true]);
    await clock.advance(100);
    expect(sent).toEqual([markOf('*', 1)]);
    await journal.close(0);
  });

  it('makes room in the buckets of the keys it drops, and drops those with fences last', async () => {
    const { clock, journal, delivered, server } = aJournal();
    void queue(journal, evictionOf('fenced', '', 3, ['f']));
    for (let n = 0; n < 10_000; n++) void queue(journal, evictionOf(`k${n}`, '', n % 2));
    expect([0, 1, 2, 3].map((bucket) => journal.covers(at('other', bucket), users))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    server.isUp = true;
    await clock.advance(200);
    expect(delivered).toContainEqual(evictionOf('fenced', '', 3, ['f']));
    expect(journal.size).toBe(0);
  });

  it('remembers few fences of a key, the first ones: later ones were not sent, or end by their time', async () => {
    const { clock, journal, delivered, server } = aJournal();
    for (let n = 0; n < 1_000; n++) void queue(journal, evictionOf('a', '', 0, [`f${n}`]));
    server.isUp = true;
    await clock.advance(100);
    expect(delivered).toEqual([
      evictionOf(
        'a',
        '',
        0,
        Array.from({ length: 16 }, (_, n) => `f${n}`),
      ),
    ]);
  });

  it('collects the fences of a key, each once', async () => {
    const { clock, journal, delivered, server } = aJournal();
    void queue(journal, evictionOf('a', '', 0, ['f1']));
    void queue(journal, evictionOf('a', '', 0, ['f2', 'f1']));
    void queue(journal, evictionOf('a'));
    server.isUp = true;
    await clock.advance(100);
    expect(delivered).toEqual([evictionOf('a', '', 0, ['f1', 'f2'])]);
  });

  it('tries all once more when it is closed, and never again', async () => {
    const { clock, journal, delivered, server } = aJournal();
    void queue(journal, evictionOf('a'));
    server.isUp = true;
    await journal.close(0);
    expect(delivered).toEqual([evictionOf('a')]);
    server.isUp = false;
    void queue(journal, evictionOf('b'));
    expect(clock.pendingTimers).toBe(0);
  });

  it('resolves when a group was acknowledged, for all who queued an equal one; rejects when it is closed before', async () => {
    const { clock, journal, server } = aJournal();
    const told: string[] = [];
    for (const name of ['one', 'two']) void queue(journal, evictionOf('a')).then(() => told.push(name));
    await clock.advance(100);
    expect(told).toEqual([]);
    server.isUp = true;
    await clock.advance(200);
    expect(told).toEqual(['one', 'two']);
    server.isUp = false;
    const late = queue(journal, evictionOf('b'));
    await journal.close(0);
    await expect(late).rejects.toMatchObject({ code: 'RC_CLOSED' });
  });

  it('keeps a group together, asks for the buckets that are away, and covers those marks alone', async () => {
    const clock = new FakeClock();
    const asked: number[][] = [];
    const away = new Set([1]);
    const journal = new EvictionJournal(clock, async (group, suspects) => {
      asked.push([...suspects]);
      return failedIn(...bucketsOf(group).filter((bucket) => away.has(bucket)));
    });
    void journal.add(markOf('*', 0, 1, 2), [1]);
    expect([0, 1, 2].map((bucket) => journal.covers(at('a', bucket), users))).toEqual([false, true, false]);
    away.add(2);
    await clock.advance(100);
    expect([0, 1, 2].map((bucket) => journal.covers(at('a', bucket), users))).toEqual([false, true, true]);
    away.clear();
    await clock.advance(200);
    expect(asked).toEqual([[1], [1, 2]]);
    expect(journal.size).toBe(0);
  });

  it('covers a key as long as one of the groups that name it is pending', async () => {
    const clock = new FakeClock();
    const journal = new EvictionJournal(clock, async (group) => failedIn(...(group.parts.length > 1 ? [1] : [])));
    const [a, b] = [evictionOf('a').parts[0]!, evictionOf('b', '', 1).parts[0]!];
    void queue(journal, groupOf(a));
    void queue(journal, groupOf(a, b));
    await clock.advance(100);
    expect(journal.covers(at('a'), users)).toBe(true);
    expect(journal.size).toBe(2);
    await journal.close(0);
  });
});
