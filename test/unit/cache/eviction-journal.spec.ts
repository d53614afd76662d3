import { describe, expect, it } from '@jest/globals';
import { EvictionJournal, type PendingEviction } from '../../../lib/cache/eviction-journal.js';
import { FakeClock, type Gate, gate } from '../../support/fake-clock.js';

const users = { name: 'users' };
const at = (entry: string, bucket = 0) => ({ entry, bucket });
const evictionOf = (entry: string, version = '', bucket = 0, fences: string[] = []): PendingEviction => ({
  kind: 'key',
  key: { entry, bucket },
  version,
  tombstoneMs: 1,
  fences,
});

function aJournal() {
  const clock = new FakeClock();
  const delivered: PendingEviction[] = [];
  const server = { isUp: false };
  const journal = new EvictionJournal(clock, async (eviction) => {
    if (!server.isUp) throw new Error('away');
    delivered.push(eviction);
  });
  return { clock, journal, delivered, server };
}

describe('EvictionJournal', () => {
  it('covers a key until its eviction is acknowledged', async () => {
    const { clock, journal, delivered, server } = aJournal();
    journal.add(evictionOf('a'));
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
      journal.add({ kind: 'mark', mark, bucket: 0 });
      return [journal.covers(at('a'), users), journal.covers(at('a'), { name: 'other' })];
    };
    expect(marked('r:users')).toEqual([true, false]);
    expect(marked('t:x')).toEqual([true, true]);
    expect(marked('*')).toEqual([true, true]);
  });

  it('keeps each key once, and evicts without a version when two versions are pending', async () => {
    const { clock, journal, delivered, server } = aJournal();
    journal.add(evictionOf('a', '1'));
    journal.add(evictionOf('a', '1'));
    journal.add(evictionOf('b', '1'));
    journal.add(evictionOf('b', '2'));
    server.isUp = true;
    await clock.advance(200);
    expect(delivered).toEqual([evictionOf('a', '1'), evictionOf('b', '')]);
  });

  it('evicts everything when more keys are pending than it remembers', async () => {
    const { clock, journal, delivered, server } = aJournal();
    for (let n = 0; n <= 10_000; n++) journal.add(evictionOf(`k${n}`));
    expect(journal.size).toBe(2);
    expect(journal.covers(at('k0'), users)).toBe(true);
    server.isUp = true;
    await clock.advance(200);
    expect(delivered).toEqual([{ kind: 'mark', mark: '*', bucket: 0 }, evictionOf('k10000')]);
  });

  it('waits longer after each failure, 2 s at most', async () => {
    const clock = new FakeClock();
    const triedAt: number[] = [];
    const journal = new EvictionJournal(clock, async () => {
      triedAt.push(clock.now());
      throw new Error('away');
    });
    journal.add(evictionOf('a'));
    await clock.advance(12_000);
    const gaps = triedAt.slice(1).map((at, n) => at - triedAt[n]!);
    expect(gaps).toEqual([200, 400, 800, 1600, 2000, 2000, 2000, 2000]);
    await journal.close(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each<[string, PendingEviction]>([
    ['mark', { kind: 'mark', mark: 't:x', bucket: 0 }],
    ['key', evictionOf('a')],
  ])('keeps a %s that fails again while its retry is on the way', async (_, eviction) => {
    const clock = new FakeClock();
    const answers: Gate<void>[] = [];
    const journal = new EvictionJournal(clock, () => {
      const answer = gate();
      answers.push(answer);
      return answer.promise;
    });
    journal.add(eviction);
    await clock.advance(100);
    journal.add(eviction);
    answers[0]!.open();
    await clock.advance(0);
    expect(journal.size).toBe(1);
    await clock.advance(200);
    answers[1]!.open();
    await clock.advance(0);
    expect([answers.length, journal.size]).toEqual([2, 0]);
  });

  it('delivers what it can: a bucket that is away, or a mark, holds up no other', async () => {
    const clock = new FakeClock();
    const delivered: string[] = [];
    const journal = new EvictionJournal(clock, async (eviction) => {
      if (eviction.kind === 'mark' || eviction.key.bucket === 1) throw new Error('away');
      delivered.push(eviction.key.entry);
    });
    journal.add({ kind: 'mark', mark: 't:x', bucket: 0 });
    for (const [entry, bucket] of [
      ['a', 1],
      ['b', 0],
      ['c', 1],
      ['d', 2],
    ] as const)
      journal.add(evictionOf(entry, '', bucket));
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
      throw new Error('away');
    });
    for (let n = 0; n < 1_000; n++) journal.add(evictionOf(`k${n}`));
    await clock.advance(100);
    expect(tries).toBeLessThanOrEqual(64);
    await journal.close(0);
  });

  it('covers a mark’s bucket alone, and sends it to that bucket alone', async () => {
    const clock = new FakeClock();
    const sent: PendingEviction[] = [];
    const journal = new EvictionJournal(clock, async (eviction) => {
      sent.push(eviction);
      throw new Error('away');
    });
    journal.add({ kind: 'mark', mark: '*', bucket: 1 });
    expect([journal.covers(at('a', 0), users), journal.covers(at('a', 1), users)]).toEqual([false, true]);
    await clock.advance(100);
    expect(sent).toEqual([{ kind: 'mark', mark: '*', bucket: 1 }]);
    await journal.close(0);
  });

  it('makes room in the buckets of the keys it drops, and drops those with fences last', async () => {
    const { clock, journal, delivered, server } = aJournal();
    journal.add(evictionOf('fenced', '', 3, ['f']));
    for (let n = 0; n < 10_000; n++) journal.add(evictionOf(`k${n}`, '', n % 2));
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
    for (let n = 0; n < 1_000; n++) journal.add(evictionOf('a', '', 0, [`f${n}`]));
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
    journal.add(evictionOf('a', '', 0, ['f1']));
    journal.add(evictionOf('a', '', 0, ['f2', 'f1']));
    journal.add(evictionOf('a'));
    server.isUp = true;
    await clock.advance(100);
    expect(delivered).toEqual([evictionOf('a', '', 0, ['f1', 'f2'])]);
  });

  it('tries all once more when it is closed, and never again', async () => {
    const { clock, journal, delivered, server } = aJournal();
    journal.add(evictionOf('a'));
    server.isUp = true;
    await journal.close(0);
    expect(delivered).toEqual([evictionOf('a')]);
    server.isUp = false;
    journal.add(evictionOf('b'));
    expect(clock.pendingTimers).toBe(0);
  });
});
