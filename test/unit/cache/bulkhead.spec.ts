import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Bulkhead } from '../../../lib/cache/bulkhead.js';
import type { RegionOptions } from '../../../lib/index.js';
import { type Instance, World } from '../../support/a-cache.js';
import { FakeClock, type Gate, gate, settle } from '../../support/fake-clock.js';

describe('Bulkhead', () => {
  it('admits up to its bound, and the next in line when one leaves, once', async () => {
    const bulkhead = new Bulkhead({ running: 1, queued: 2 }, new FakeClock());
    const first = bulkhead.tryEnter()!;
    expect(bulkhead.tryEnter()).toBeNull();
    const [second, third] = [bulkhead.enter(1_000), bulkhead.enter(1_000)];
    expect(await bulkhead.enter(1_000)).toBeNull();
    first.leave();
    first.leave();
    (await second)!.leave();
    (await third)!.leave();
    expect(bulkhead.size).toBe(0);
  });

  it('lets nobody wait longer than they want', async () => {
    const clock = new FakeClock();
    const bulkhead = new Bulkhead({ running: 1, queued: 2 }, clock);
    const first = bulkhead.tryEnter()!;
    const waiting = bulkhead.enter(100);
    await clock.advance(100);
    expect(await waiting).toBeNull();
    first.leave();
    expect(bulkhead.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses nobody for the time in which the whole process stood still', async () => {
    const clock = new FakeClock();
    const bulkhead = new Bulkhead({ running: 1, queued: 2 }, clock);
    const first = bulkhead.tryEnter()!;
    const waiting = bulkhead.enter(1_000);
    clock.jump(60_000);
    await clock.advance(0);
    first.leave();
    expect(await waiting).not.toBeNull();
    const refused = bulkhead.enter(1_000);
    clock.jump(60_000);
    await clock.advance(900);
    expect(await refused).toBeNull();
  });

  it('lets whoever needs no place any more out of the line, without taking one', async () => {
    const clock = new FakeClock();
    const bulkhead = new Bulkhead({ running: 1, queued: 2 }, clock);
    const first = bulkhead.tryEnter()!;
    const needless = gate();
    const [second, third] = [bulkhead.enter(1_000, needless.promise), bulkhead.enter(1_000)];
    needless.open();
    (await second)!.leave();
    expect(bulkhead.size).toBe(2);
    first.leave();
    (await third)!.leave();
    expect(bulkhead.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('hints by how long loads took, the line, and the bound', async () => {
    const clock = new FakeClock();
    const bulkhead = new Bulkhead({ running: 2, queued: 10 }, clock);
    expect(bulkhead.retryAfterMs).toBe(1_000);
    const slots = [bulkhead.tryEnter()!, bulkhead.tryEnter()!];
    await clock.advance(2_000);
    slots[0]!.leave();
    expect(bulkhead.retryAfterMs).toBe(1_000);
    expect(bulkhead.tryEnter()).not.toBeNull();
    for (let n = 0; n < 3; n++) void bulkhead.enter(60_000);
    expect(bulkhead.retryAfterMs).toBe(4_000);
  });
});

describe('maxConcurrentLoads', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  const start = (options: RegionOptions) => world.start({ l1: false, regions: { users: options } });
  const load = ({ cache }: Instance, key: number, loader: () => Promise<number>) =>
    cache.region<number>('users').getOrLoad(key, loader);
  const counts = ({ cache }: Instance) => cache.status().regions['users'];
  /** Loads of keys, each held until its gate opens; the gate of a load that has not begun is undefined. */
  const heldLoads = (instance: Instance, keys: readonly number[]) => {
    const gates = new Map<number, Gate<number>>();
    const calls = keys.map((key) =>
      load(instance, key, () => {
        gates.set(key, gate());
        return gates.get(key)!.promise;
      }),
    );
    return { gates, calls };
  };

  it('lets no more loads run at once, and the others in their turn', async () => {
    const a = await start({ maxConcurrentLoads: 2 });
    const { gates, calls } = heldLoads(a, [1, 2, 3, 4]);
    await settle();
    expect([...gates.keys()]).toEqual([1, 2]);
    gates.get(1)!.open(1);
    await settle();
    expect([...gates.keys()]).toEqual([1, 2, 3]);
    for (const key of [2, 3, 4]) {
      gates.get(key)!.open(key);
      await settle();
    }
    expect(await Promise.all(calls)).toEqual([1, 2, 3, 4]);
    expect(counts(a)).toMatchObject({ loads: 4, fills: 4, loadsRefused: 0 });
  });

  it('refuses with a hint where the line is full, as an HTTP error of 503', async () => {
    const a = await start({ maxConcurrentLoads: 1, maxQueuedLoads: 1 });
    const { gates, calls } = heldLoads(a, [1, 2]);
    await settle();
    await expect(load(a, 3, async () => 3)).rejects.toMatchObject({
      code: 'RC_LOADS_EXHAUSTED',
      retryAfterMs: 1_000,
      status: 503,
      statusCode: 503,
      expose: false,
      message: expect.stringMatching(/1 running \(maxConcurrentLoads\) and 1 waiting \(maxQueuedLoads\)/),
    });
    gates.get(1)!.open(1);
    await settle();
    gates.get(2)!.open(2);
    expect(await Promise.all(calls)).toEqual([1, 2]);
    expect(counts(a)).toMatchObject({ misses: 3, loads: 2, loadsRefused: 1 });
  });

  it('refuses whoever has waited for maxWait, and all who joined', async () => {
    const a = await start({ maxConcurrentLoads: 1, maxWait: '1s' });
    const { gates, calls } = heldLoads(a, [1]);
    await settle();
    const refused = [load(a, 2, async () => 2), load(a, 2, async () => 2)].map((call) =>
      expect(call).rejects.toMatchObject({ code: 'RC_LOADS_EXHAUSTED' }),
    );
    await world.clock.advance(1_000);
    await Promise.all(refused);
    gates.get(1)!.open(1);
    await Promise.all(calls);
  });

  it('serves a stale value instead of waiting, for staleIfError as for staleWhileRevalidate', async () => {
    for (const stale of ['staleIfError', 'staleWhileRevalidate'] as const) {
      const a = await start({ maxConcurrentLoads: 1, ttl: '1s', [stale]: '1m' });
      await load(a, 1, async () => 1);
      const { gates, calls } = heldLoads(a, [2]);
      await world.clock.advance(1_500);
      expect(await load(a, 1, async () => 2)).toBe(1);
      gates.get(2)!.open(2);
      await Promise.all(calls);
      expect(await load(a, 1, async () => 3)).toBe(stale === 'staleIfError' ? 3 : 1);
      await a.engine.settled();
      await a.cache.clear();
    }
  });

  it('keeps no lease while it waits: another instance with room loads, and this one takes its value', async () => {
    const a = await start({ maxConcurrentLoads: 1 });
    const b = await start({});
    const { gates, calls } = heldLoads(a, [1]);
    await settle();
    let hasLoaded = false;
    const waiting = load(a, 2, async () => {
      hasLoaded = true;
      return 0;
    });
    await settle();
    expect(await load(b, 2, async () => 2)).toBe(2);
    gates.get(1)!.open(1);
    await Promise.all(calls);
    expect(await waiting).toBe(2);
    expect(hasLoaded).toBe(false);
    expect(counts(b)).toMatchObject({ leaseWaits: 0 });
  });

  it('takes no value that was evicted while it waited', async () => {
    const a = await start({ maxConcurrentLoads: 1 });
    const b = await start({});
    const { gates, calls } = heldLoads(a, [1]);
    await settle();
    const waiting = load(a, 2, async () => 3);
    await settle();
    await load(b, 2, async () => 2);
    await b.cache.region('users').evict(2);
    gates.get(1)!.open(1);
    await Promise.all(calls);
    expect(await waiting).toBe(3);
    expect(await load(b, 2, async () => 4)).toBe(3);
  });

  it('lets a load inside a load of the region pass, also beyond an await: it would wait for itself', async () => {
    const a = await start({ maxConcurrentLoads: 1 });
    const nested = async () => {
      await settle();
      return load(a, 2, async () => 2);
    };
    expect(await load(a, 1, nested)).toBe(2);
  });

  describe('a load in line that one with a place comes to wait for', () => {
    /** Key 1 is loaded in the only place, key 2 waits in line; `read` is what the loader of key 1 goes on to do. */
    const inLine = async (a: Instance, read: () => Promise<number>) => {
      const goOn = gate();
      const first = load(a, 1, async () => {
        await goOn.promise;
        return (await read()) + 1;
      });
      await settle();
      const second = load(a, 2, async () => 2);
      await settle();
      expect(counts(a)).toMatchObject({ loads: 1 });
      return { goOn, first, second };
    };
    const other = (a: Instance, loader: () => Promise<number>) => a.cache.region<number>('others').getOrLoad(1, loader);

    it('begins at once', async () => {
      const a = await start({ maxConcurrentLoads: 1 });
      const { goOn, first, second } = await inLine(a, () => load(a, 2, async () => 0));
      goOn.open();
      expect(await Promise.all([first, second])).toEqual([3, 2]);
      expect(counts(a)).toMatchObject({ loads: 2, fills: 2, loadsRefused: 0 });
    });

    it('begins at once, also where others stand between', async () => {
      const a = await start({ maxConcurrentLoads: 1 });
      const { goOn, first, second } = await inLine(a, () => other(a, async () => 0));
      const between = other(a, () => load(a, 2, async () => 0));
      await settle();
      expect(counts(a)).toMatchObject({ loads: 1 });
      goOn.open();
      expect(await Promise.all([first, between, second])).toEqual([3, 2, 2]);
    });

    it('lets what it reads itself begin at once', async () => {
      const a = await start({ maxConcurrentLoads: 1 });
      const { goOn, first } = await inLine(a, () => load(a, 3, async () => 0));
      const third = load(a, 3, () => load(a, 4, async () => 4));
      const fourth = load(a, 4, async () => 4);
      await settle();
      goOn.open();
      expect(await Promise.all([first, third, fourth])).toEqual([5, 4, 4]);
    });

    it('is a part of it also when what stands between has outlived its lease', async () => {
      const regions = { users: { maxConcurrentLoads: 1, lease: '1m' }, others: { lease: '2s' } };
      const a = await world.start({ l1: false, regions });
      const goOn = gate();
      const between = async () => {
        await goOn.promise;
        return load(a, 2, async () => 2);
      };
      const first = load(a, 1, () => other(a, between));
      await world.clock.advance(3_000);
      goOn.open();
      expect(await first).toBe(2);
    });

    it('takes no place that another could have', async () => {
      const a = await start({ maxConcurrentLoads: 1 });
      const hold = gate<number>();
      const goOn = gate();
      const first = load(a, 1, async () => {
        await goOn.promise;
        void load(a, 2, async () => 0);
        throw new Error('down');
      }).catch(() => 0);
      await settle();
      const second = load(a, 2, () => hold.promise);
      const third = load(a, 3, async () => 3);
      await settle();
      goOn.open();
      expect(await first).toBe(0);
      // the second has begun beyond the bound
      expect(await third).toBe(3);
      hold.open(2);
      expect(await second).toBe(2);
    });
  });

  it('counts for loads without Redis, and past the cache', async () => {
    const a = await start({ maxConcurrentLoads: 1, maxQueuedLoads: 0 });
    a.faults.breakDown();
    const { gates, calls } = heldLoads(a, [1]);
    await settle();
    await expect(load(a, 2, async () => 2)).rejects.toMatchObject({ code: 'RC_LOADS_EXHAUSTED' });
    await expect(a.cache.bypass(() => load(a, 2, async () => 2))).rejects.toMatchObject({ code: 'RC_LOADS_EXHAUSTED' });
    gates.get(1)!.open(1);
    await Promise.all(calls);
  });

  it('gives the place of a load that hangs to the next when its lease ends', async () => {
    const a = await start({ maxConcurrentLoads: 1, lease: '2s' });
    const { gates, calls } = heldLoads(a, [1]);
    await settle();
    const next = load(a, 2, async () => 2);
    await world.clock.advance(2_000);
    expect(await next).toBe(2);
    gates.get(1)!.open(1);
    await Promise.all(calls);
  });

  it('refreshes nothing in the background where there is no room', async () => {
    const a = await start({ maxConcurrentLoads: 1, ttl: '1s', staleWhileRevalidate: '1m' });
    await load(a, 1, async () => 1);
    const { gates, calls } = heldLoads(a, [2]);
    await world.clock.advance(1_500);
    expect(await load(a, 1, async () => 2)).toBe(1);
    await settle();
    expect(counts(a)).toMatchObject({ refreshes: 0, loads: 2 });
    gates.get(2)!.open(2);
    await Promise.all(calls);
    expect(await load(a, 1, async () => 3)).toBe(1);
    await a.engine.settled();
    expect(await load(a, 1, async () => 4)).toBe(3);
  });
});
