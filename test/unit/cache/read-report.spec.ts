import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ReadReport, withReport } from '../../../lib/cache/read-report.js';
import { World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

const fail = async (): Promise<never> => {
  throw new Error('the source is away');
};

describe('a report', () => {
  let world: World;
  let told: ReadReport[];
  const report = (one: ReadReport) => void told.push(one);
  beforeEach(() => {
    world = new World();
    told = [];
  });
  afterEach(() => world.end());

  it('names the tier that answered, and how long the value stays fresh', async () => {
    const [a, b] = [await world.start({ ttl: '1m' }), await world.start({ ttl: '1m' })];
    await a.cache.region('users').getOrLoad(1, async () => 7, { report });
    await world.clock.advance(10_000);
    for (const { cache } of [b, b]) await cache.region('users').getOrLoad(1, fail, { report });
    expect(told).toEqual([
      { source: 'load', isJoined: false, isStored: true, freshMs: 60_000, bypass: null },
      { source: 'l2', isJoined: false, isStored: true, freshMs: 50_000, bypass: null },
      { source: 'l1', isJoined: false, isStored: true, freshMs: 50_000, bypass: null },
    ]);
  });

  it('says of a stale value how long it is past its ttl, while it is reloaded and when its load fails', async () => {
    const { cache } = await world.start({ ttl: '1m', staleWhileRevalidate: '1m', staleIfError: '1h' });
    const users = cache.region('users');
    await users.getOrLoad(1, async () => 7);
    await world.clock.advance(70_000);
    expect(await users.getOrLoad(1, fail, { report })).toBe(7);
    await settle();
    await world.clock.advance(110_000);
    expect(await users.getOrLoad(1, fail, { report })).toBe(7);
    expect(told).toMatchObject([
      { source: 'stale', isJoined: false, isStored: true, freshMs: -10_000 },
      { source: 'stale', isJoined: false, isStored: true, freshMs: -120_000 },
    ]);
  });

  it('tells who led a load from who joined it', async () => {
    const { cache } = await world.start({ ttl: '1m' });
    const users = cache.region<number>('users');
    const load = gate<number>();
    const reads = [1, 2, 3].map(() => users.getOrLoad(1, () => load.promise, { report }));
    await settle();
    load.open(7);
    await Promise.all(reads);
    expect(told.map(({ source, isJoined, isStored }) => ({ source, isJoined, isStored }))).toEqual([
      { source: 'load', isJoined: false, isStored: true },
      { source: 'load', isJoined: true, isStored: true },
      { source: 'load', isJoined: true, isStored: true },
    ]);
  });

  it('says that a value was not stored: refused by `unless`, by an eviction, or not to be cached', async () => {
    const { cache } = await world.start({ negativeTtl: 0 });
    const users = cache.region<number | null>('users');
    await users.getOrLoad(1, async () => 7, { unless: () => true, report });
    await users.getOrLoad(2, async () => null, { report });
    const load = gate<number>();
    const voided = users.getOrLoad(3, () => load.promise, { report });
    await settle();
    await users.evict(3);
    load.open(7);
    await voided;
    const unstored = { source: 'load', isJoined: false, isStored: false, freshMs: null, bypass: null };
    expect(told).toEqual([unstored, unstored, unstored]);
  });

  it('says why the cache was not asked', async () => {
    const { cache, faults } = await world.start();
    const users = cache.region<number>('users');
    faults.failNext('read');
    await users.getOrLoad(1, async () => 7, { report });
    faults.failNext('evict');
    await users.evict(2);
    await users.getOrLoad(2, async () => 7, { report });
    await users.getOrLoad(3, async () => users.getOrLoad(3, async () => 7, { report }));
    const off = await world.start({ enabled: false });
    await off.cache.region('users').getOrLoad(1, async () => 7, { report });
    expect(told.map(({ bypass }) => bypass)).toEqual(['unavailable', 'eviction-pending', 'own-load', 'off']);
    expect(told.every(({ source, isStored }) => source === 'load' && !isStored)).toBe(true);
    await world.clock.advance(10_000);
  });

  it('tells nothing of a read that fails', async () => {
    const { cache } = await world.start();
    await expect(cache.region('users').getOrLoad(1, fail, { report })).rejects.toThrow('the source is away');
    expect(told).toEqual([]);
  });

  it('spoils no read by throwing, and is warned of once', async () => {
    const { cache, log } = await world.start();
    const users = cache.region<number>('users');
    const throwing = () => {
      throw new Error('of the application');
    };
    for (const loaded of [7, 8]) {
      expect(await users.getOrLoad(1, async () => loaded, { report: throwing })).toBe(7);
    }
    expect(log.filter((line) => line.includes("'report'"))).toHaveLength(1);
  });

  it('is refused where it is no function, and in other calls', async () => {
    const { cache } = await world.start();
    const users = cache.region<number>('users');
    const refused = { code: 'RC_INVALID_OPTION' };
    await users.getOrLoad(1, async () => 7);
    await expect(users.getOrLoad(1, async () => 7, { report: 5 as never })).rejects.toMatchObject(refused);
    await expect(users.write(1, async () => 7, { report } as object)).rejects.toMatchObject(refused);
  });
});

describe('withReport', () => {
  let world: World;
  let told: ReadReport[];
  const report = (one: ReadReport) => void told.push(one);
  beforeEach(() => {
    world = new World();
    told = [];
  });
  afterEach(() => world.end());

  it('tells of the first read that the call begins, a miss as well as a hit', async () => {
    const { cache } = await world.start();
    const users = cache.region<number>('users');
    const inner = async () => users.getOrLoad('inner', async () => 1);
    const both = () => Promise.all([users.getOrLoad(1, inner), users.getOrLoad(2, async () => 2)]);
    await withReport(both, report);
    await withReport(both, report);
    await both();
    expect(told.map(({ source }) => source)).toEqual(['load', 'l1']);
  });

  it('listens to nothing after the call, however it ended, nor to what an outer one is about', async () => {
    const { cache } = await world.start();
    const users = cache.region<number>('users');
    const outer: ReadReport[] = [];
    await withReport(
      () => {
        withReport(() => undefined, report);
        expect(() =>
          withReport(() => {
            throw new Error('at once');
          }, report),
        ).toThrow('at once');
        return users.getOrLoad(1, async () => 1);
      },
      (one) => outer.push(one),
    );
    await users.getOrLoad(1, fail);
    expect(told).toEqual([]);
    expect(outer).toHaveLength(1);
  });

  it('passes what a disabled cache calls straight through', async () => {
    const { cache } = await world.start({ enabled: false });
    const users = cache.region<number>('users');
    await withReport(() => users.getOrLoad(1, async () => users.getOrLoad(2, async () => 2)), report);
    expect(told.map(({ bypass }) => bypass)).toEqual(['off']);
  });
});
