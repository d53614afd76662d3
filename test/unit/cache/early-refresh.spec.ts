import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BackOff } from '../../../lib/cache/back-off.js';
import { EarlyRefresh } from '../../../lib/cache/early-refresh.js';
import type { EntryCall } from '../../../lib/cache/entry-call.js';
import type { RedisCacheOptions, RegionOptions } from '../../../lib/index.js';
import { type Instance, World } from '../../support/a-cache.js';
import { FakeClock, gate, settle } from '../../support/fake-clock.js';

describe('EarlyRefresh', () => {
  const call = (beta: number, ttlMs = 10_000) =>
    ({
      key: { entry: 'k', bucket: 0 },
      args: [],
      policy: { earlyRefresh: beta, negativeTtlMs: null, ttlMs: () => ttlMs },
    }) as unknown as EntryCall;

  it('draws by the rule of XFetch: in the share exp(-rest / (delta * beta)) of hits', () => {
    const clock = new FakeClock();
    let seed = 1;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const early = new EarlyRefresh({ clock, random, backOff: new BackOff(clock) });
    for (const [beta, restMs, loadMs] of [
      [1, 1_000, 1_000],
      [2, 1_000, 1_000],
      [1, 3_000, 1_000],
      [1, 500, 100],
    ] as const) {
      let due = 0;
      for (let n = 0; n < 20_000; n++) if (early.isDue(call(beta), restMs, loadMs * 1_000, 1)) due += 1;
      expect(due / 20_000).toBeCloseTo(Math.exp(-restMs / (loadMs * beta)), 1.5);
    }
  });

  it('never refreshes in the first half of the ttl, nor what has expired, nor what took no time to load', () => {
    const clock = new FakeClock();
    const early = new EarlyRefresh({ clock, random: () => 1e-300, backOff: new BackOff(clock) });
    expect(early.isDue(call(1), 5_001, 60_000_000, 1)).toBe(false);
    expect(early.isDue(call(1), 5_000, 60_000_000, 1)).toBe(true);
    expect(early.isDue(call(1), 0, 60_000_000, 1)).toBe(false);
    expect(early.isDue(call(1), 1, 0, 1)).toBe(false);
  });

  it('leaves alone what is under way, and what others do, for a while', async () => {
    const clock = new FakeClock();
    const early = new EarlyRefresh({ clock, random: () => 1e-300, backOff: new BackOff(clock) });
    const isDue = () => early.isDue(call(1), 1_000, 1_000_000, 1);
    early.began('k');
    expect(isDue()).toBe(false);
    early.ended('k', 100);
    clock.jump(99);
    expect(isDue()).toBe(false);
    clock.jump(1);
    expect(isDue()).toBe(true);
  });
});

describe('earlyRefresh', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  // World draws 0.5: refreshed when no more is left than 0.69 times what the load took
  const OPTIONS: RegionOptions = { ttl: '10s', earlyRefresh: 1 };
  const start = (options: Partial<RedisCacheOptions> = {}, region: RegionOptions = OPTIONS) =>
    world.start({ ...options, regions: { users: region } });
  const users = ({ cache }: Instance) => cache.region<number>('users');
  const counts = ({ cache }: Instance) => cache.status().regions['users'];
  /** A load that takes 2 s. */
  const slowly = async (instance: Instance, value: number) => {
    const hold = gate<number>();
    const call = users(instance).getOrLoad(1, () => hold.promise);
    await world.clock.advance(2_000);
    hold.open(value);
    await call;
  };
  const read = (instance: Instance, value: number) => users(instance).getOrLoad(1, async () => value);

  it.each([
    ['L1', {}],
    ['L2', { l1: false as const }],
    ['L2 by functions', { l1: false as const, reads: 'function' as const }],
  ])('loads behind a hit of %s that is about to expire', async (_tier, options) => {
    const a = await start(options);
    await slowly(a, 1);
    await world.clock.advance(8_500);
    expect(await read(a, 2)).toBe(1);
    await a.engine.settled();
    expect(counts(a)).toMatchObject({ refreshes: 0 });
    await world.clock.advance(200);
    expect(await read(a, 2)).toBe(1);
    await a.engine.settled();
    expect(await read(a, 3)).toBe(2);
    await world.clock.advance(8_000);
    expect(await read(a, 4)).toBe(2);
    expect(counts(a)).toMatchObject({ refreshes: 1, loads: 2, fills: 2, misses: 1 });
  });

  it('does not happen unless it is asked for', async () => {
    const a = await start({}, { ttl: '10s' });
    await slowly(a, 1);
    await world.clock.advance(9_900);
    expect(await read(a, 2)).toBe(1);
    await a.engine.settled();
    expect(counts(a)).toMatchObject({ refreshes: 0, loads: 1 });
  });

  it('happens once in the fleet, whoever decides at the same moment', async () => {
    const instances = [await start(), await start(), await start({ l1: false })];
    await slowly(instances[0]!, 1);
    for (const instance of instances) await read(instance, 0);
    await world.clock.advance(9_000);
    const hold = gate<number>();
    let loads = 0;
    const refreshing = (instance: Instance) =>
      users(instance).getOrLoad(1, () => {
        loads += 1;
        return hold.promise;
      });
    for (let n = 0; n < 3; n++) {
      for (const instance of instances) expect(await refreshing(instance)).toBe(1);
      await world.clock.advance(50);
    }
    expect(loads).toBe(1);
    hold.open(2);
    await settle();
    for (const { engine } of instances) await engine.settled();
    // those that decided on what they had read before do not load it again, and follow
    for (const instance of instances) {
      await refreshing(instance);
      await instance.engine.settled();
    }
    await world.clock.advance(200);
    for (const instance of instances) {
      await refreshing(instance);
      await instance.engine.settled();
      expect(await refreshing(instance)).toBe(2);
    }
    expect(loads).toBe(1);
  });

  it('stops when nobody reads the key', async () => {
    const a = await start();
    await slowly(a, 1);
    await world.clock.advance(60_000);
    expect(counts(a)).toMatchObject({ refreshes: 0, loads: 1 });
    expect(await read(a, 2)).toBe(2);
  });

  it('does not bring back what was evicted while it ran', async () => {
    const [a, b] = [await start(), await start()];
    await slowly(a, 1);
    await world.clock.advance(9_000);
    const hold = gate<number>();
    expect(await users(a).getOrLoad(1, () => hold.promise)).toBe(1);
    await settle();
    await users(b).evict(1);
    expect(await read(a, 3)).toBe(3);
    hold.open(2);
    await a.engine.settled();
    expect(await read(a, 4)).toBe(3);
    expect(await read(b, 4)).toBe(3);
    expect(counts(a)).toMatchObject({ refreshes: 1, fillsRefused: 1 });
  });

  it('does not begin where the value was evicted since it was read, and nobody heard', async () => {
    const [a, b] = [await start(), await start()];
    await slowly(a, 1);
    await world.clock.advance(9_000);
    a.channel.loses = () => true;
    await users(b).evict(1);
    // within D, as ever
    expect(await read(a, 2)).toBe(1);
    await a.engine.settled();
    expect(counts(a)).toMatchObject({ refreshes: 0, loads: 1 });
    expect(await read(b, 3)).toBe(3);
  });

  it('serves the value as long as it is fresh when the load fails, and does not try again at once', async () => {
    const a = await start();
    await slowly(a, 1);
    await world.clock.advance(8_900);
    for (let n = 0; n < 3; n++) {
      expect(await users(a).getOrLoad(1, () => Promise.reject(new Error('down')))).toBe(1);
      await a.engine.settled();
    }
    expect(counts(a)).toMatchObject({ refreshes: 1, loadFailures: 1 });
  });

  it('costs no caller anything without Redis', async () => {
    const a = await start();
    await slowly(a, 1);
    await world.clock.advance(9_000);
    a.faults.breakDown();
    expect(await read(a, 2)).toBe(1);
    await a.engine.settled();
    expect(counts(a)).toMatchObject({ refreshes: 0 });
  });

  it('waits for room in the bulkhead', async () => {
    const a = await start({}, { ...OPTIONS, maxConcurrentLoads: 1 });
    await slowly(a, 1);
    await world.clock.advance(8_900);
    const hold = gate<number>();
    const other = users(a).getOrLoad(2, () => hold.promise);
    await settle();
    expect(await read(a, 2)).toBe(1);
    await a.engine.settled();
    await settle();
    expect(counts(a)).toMatchObject({ refreshes: 0 });
    hold.open(2);
    await other;
  });

  it('goes by the ttl of the value, where a function says it', async () => {
    const a = await start();
    const hold = gate<number>();
    const options = { ttl: (value: number) => (value === 1 ? '10s' : '1h') };
    const first = users(a).getOrLoad(1, () => hold.promise, options);
    await world.clock.advance(30_000);
    hold.open(1);
    await first;
    await world.clock.advance(4_000);
    await users(a).getOrLoad(1, async () => 2, options);
    await a.engine.settled();
    expect(counts(a)).toMatchObject({ refreshes: 0 });
    await world.clock.advance(1_500);
    await users(a).getOrLoad(1, async () => 2, options);
    await a.engine.settled();
    expect(counts(a)).toMatchObject({ refreshes: 1 });
  });
});
