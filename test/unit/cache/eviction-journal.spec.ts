import { describe, expect, it } from '@jest/globals';
import { EvictionJournal, type PendingEviction } from '../../../lib/cache/eviction-journal.js';
import { FakeClock } from '../../support/fake-clock.js';

const users = { name: 'users', usesTags: false };
const tagged = { name: 'posts', usesTags: true };
const evictionOf = (entry: string, version = ''): PendingEviction => ({
  kind: 'key',
  key: { entry, bucket: 0 },
  version,
  tombstoneMs: 1,
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
    expect(journal.covers('a', users)).toBe(true);
    expect(journal.covers('b', users)).toBe(false);
    await clock.advance(10_000);
    expect(journal.size).toBe(1);
    server.isUp = true;
    await clock.advance(2_000);
    expect(delivered).toHaveLength(1);
    expect(journal.covers('a', users)).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it('covers a region, the whole cache, and for a tag every region that uses tags', () => {
    const { journal } = aJournal();
    journal.add({ kind: 'mark', mark: 't:x' });
    expect([journal.covers('a', users), journal.covers('a', tagged)]).toEqual([false, true]);
    journal.add({ kind: 'mark', mark: 'r:users' });
    expect(journal.covers('a', users)).toBe(true);
    journal.add({ kind: 'mark', mark: '*' });
    expect(journal.covers('a', { name: 'other', usesTags: false })).toBe(true);
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
    expect(journal.size).toBe(1);
    expect(journal.covers('k0', users)).toBe(true);
    server.isUp = true;
    await clock.advance(200);
    expect(delivered).toEqual([{ kind: 'mark', mark: '*' }]);
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
    journal.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
