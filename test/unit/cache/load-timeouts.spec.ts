import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RegionOptions } from '../../../lib/index.js';
import { type Instance, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

describe('time-outs of loads', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  const start = (options: RegionOptions) => world.start({ regions: { users: options } });
  const users = ({ cache }: Instance) => cache.region<number>('users');
  const counts = ({ cache }: Instance) => cache.status().regions['users'];
  /** Leaves a stale value behind. */
  const expired = async (instance: Instance, value: number) => {
    await users(instance).getOrLoad(1, async () => value);
    await world.clock.advance(1_500);
  };

  describe('soft', () => {
    const options: RegionOptions = { ttl: '1s', staleIfError: '1h', timeout: { soft: '100ms' } };

    it('serves the stale value when it is over, and the load goes on and fills', async () => {
      const a = await start(options);
      await expired(a, 1);
      const hold = gate<number>();
      const call = users(a).getOrLoad(1, () => hold.promise);
      await world.clock.advance(99);
      let isAnswered = false;
      void call.then(() => (isAnswered = true));
      await settle();
      expect(isAnswered).toBe(false);
      await world.clock.advance(1);
      expect(await call).toBe(1);
      hold.open(2);
      await a.engine.settled();
      expect(await users(a).getOrLoad(1, async () => 3)).toBe(2);
      expect(counts(a)).toMatchObject({ loads: 2, fills: 2, stale: 1, loadFailures: 0, hitsL1: 1 });
    });

    it('lets nobody wait for that load again, until it ends', async () => {
      const a = await start(options);
      await expired(a, 1);
      const hold = gate<number>();
      const first = users(a).getOrLoad(1, () => hold.promise);
      await world.clock.advance(100);
      await first;
      expect(await users(a).getOrLoad(1, async () => 3)).toBe(1);
      hold.open(2);
      await a.engine.settled();
      expect(await users(a).getOrLoad(1, async () => 3)).toBe(2);
      expect(counts(a)).toMatchObject({ loads: 2, stale: 2 });
    });

    it('bounds the wait for the load of another instance as well', async () => {
      const [a, b] = [await start(options), await start(options)];
      await expired(a, 1);
      const hold = gate<number>();
      const first = users(a).getOrLoad(1, () => hold.promise);
      const second = users(b).getOrLoad(1, async () => 3);
      await world.clock.advance(100);
      expect(await Promise.all([first, second])).toEqual([1, 1]);
      hold.open(2);
      await a.engine.settled();
      expect(counts(b)).toMatchObject({ loads: 0, stale: 1 });
    });

    it('does nothing where there is no stale value', async () => {
      const a = await start(options);
      const hold = gate<number>();
      const call = users(a).getOrLoad(1, () => hold.promise);
      await world.clock.advance(1_000);
      hold.open(2);
      expect(await call).toBe(2);
    });

    it('does not let what was evicted during the load come back', async () => {
      const [a, b] = [await start(options), await start(options)];
      await expired(a, 1);
      const hold = gate<number>();
      const call = users(a).getOrLoad(1, () => hold.promise);
      await world.clock.advance(100);
      expect(await call).toBe(1);
      await users(b).evict(1);
      // neither the stale value nor the load under way
      expect(await users(a).getOrLoad(1, async () => 3)).toBe(3);
      hold.open(2);
      await a.engine.settled();
      expect(await users(a).getOrLoad(1, async () => 4)).toBe(3);
      expect(counts(a)).toMatchObject({ fillsRefused: 1 });
    });

    it('does not hand the stale value to a caller who joined after an eviction', async () => {
      const [a, b] = [await start(options), await start(options)];
      await expired(a, 1);
      const hold = gate<number>();
      const first = users(a).getOrLoad(1, () => hold.promise);
      await settle();
      await users(b).evict(1);
      const second = users(a).getOrLoad(1, async () => 3);
      await world.clock.advance(100);
      expect(await Promise.all([first, second])).toEqual([1, 3]);
      hold.open(2);
      await a.engine.settled();
    });

    it('does not keep in L1 what the load brings when an eviction overtakes its fill', async () => {
      const [a, b] = [await start(options), await start(options)];
      await expired(a, 1);
      const hold = gate<number>();
      const call = users(a).getOrLoad(1, () => hold.promise);
      await world.clock.advance(100);
      await call;
      const reply = a.faults.holdNextReply('fill');
      hold.open(2);
      await settle();
      await users(b).evict(1);
      await settle();
      reply.open();
      await a.engine.settled();
      expect(await users(a).getOrLoad(1, async () => 3)).toBe(3);
    });

    it('keeps its stale value out of what is made of it', async () => {
      const a = await start(options);
      await expired(a, 1);
      const hold = gate<number>();
      const made = a.cache.region<number>('made');
      const call = made.getOrLoad(1, () => users(a).getOrLoad(1, () => hold.promise));
      await world.clock.advance(100);
      expect(await call).toBe(1);
      hold.open(2);
      await a.engine.settled();
      expect(await users(a).getOrLoad(1, async () => 3)).toBe(2);
      expect(await made.getOrLoad(1, async () => 3)).toBe(3);
    });

    it('counts a load that hangs beyond its lease as one that failed', async () => {
      const a = await start({ ...options, lease: '2s' });
      await expired(a, 1);
      const hold = gate<number>();
      const call = users(a).getOrLoad(1, () => hold.promise);
      await world.clock.advance(2_000);
      expect(await call).toBe(1);
      await world.clock.advance(1_000);
      expect(await users(a).getOrLoad(1, async () => 3)).toBe(3);
      hold.open(2);
      await a.engine.settled();
      expect(await users(a).getOrLoad(1, async () => 4)).toBe(3);
    });
  });

  it('loads again after a load whose fill took it past the soft limit', async () => {
    const a = await start({ timeout: { soft: '100ms' }, ttl: '1s', staleIfError: '1h' });
    await expired(a, 1);
    const [source, fill] = [gate<number>(), a.faults.holdNext('fill')];
    const call = users(a).getOrLoad(1, () => source.promise);
    await world.clock.advance(90);
    source.open(2);
    await world.clock.advance(10);
    expect(await call).toBe(1);
    fill.open();
    await settle();
    await world.clock.advance(10 * 60_000);
    expect(await users(a).getOrLoad(1, async () => 3)).toBe(3);
  });

  describe('hard', () => {
    const options: RegionOptions = { timeout: { hard: '1s' } };

    it('aborts the signal, and fails as an HTTP error of 504', async () => {
      const a = await start(options);
      let signal!: AbortSignal;
      const call = users(a).getOrLoad(1, (context) => {
        ({ signal } = context);
        return new Promise<number>(() => {});
      });
      const failed = expect(call).rejects.toMatchObject({
        code: 'RC_LOAD_TIMEOUT',
        statusCode: 504,
        status: 504,
        expose: false,
        message: expect.stringContaining('timeout.hard (1000 ms)'),
      });
      await world.clock.advance(999);
      expect(signal.aborted).toBe(false);
      await world.clock.advance(1);
      await failed;
      expect(signal.aborted).toBe(true);
      expect(signal.reason).toMatchObject({ code: 'RC_LOAD_TIMEOUT' });
      expect(counts(a)).toMatchObject({ loads: 1, loadFailures: 1, loadTimeouts: 1, misses: 1 });
    });

    it('gives the key free at once, also for other instances', async () => {
      const [a, b] = [await start(options), await start(options)];
      const failed = expect(users(a).getOrLoad(1, () => new Promise<number>(() => {}))).rejects.toThrow(
        'RC_LOAD_TIMEOUT',
      );
      await world.clock.advance(1_000);
      await failed;
      expect(await users(b).getOrLoad(1, async () => 2)).toBe(2);
      expect(counts(b)).toMatchObject({ leaseWaits: 0 });
    });

    it('drops what the load brings too late, a value or an error', async () => {
      const a = await start(options);
      for (const end of ['open', 'fail'] as const) {
        const hold = gate<number>();
        const failed = expect(users(a).getOrLoad(1, () => hold.promise)).rejects.toThrow('RC_LOAD_TIMEOUT');
        await world.clock.advance(1_000);
        await failed;
        hold[end](2 as never);
        await settle();
        expect(await users(a).get(1)).toBeUndefined();
      }
    });

    it('serves the stale value where there is one', async () => {
      const a = await start({ ...options, ttl: '1s', staleIfError: '1h' });
      await expired(a, 1);
      const call = users(a).getOrLoad(1, () => new Promise<number>(() => {}));
      await world.clock.advance(1_000);
      expect(await call).toBe(1);
    });

    it('does not serve the stale value to a caller who joined after an eviction', async () => {
      const timed: RegionOptions = { ...options, ttl: '1s', staleIfError: '1h' };
      const [a, b] = [await start(timed), await start(timed)];
      await expired(a, 1);
      const first = users(a).getOrLoad(1, () => new Promise<number>(() => {}));
      await settle();
      await users(b).evict(1);
      const second = users(a).getOrLoad(1, async () => 3);
      await world.clock.advance(1_000);
      expect(await Promise.all([first, second])).toEqual([1, 3]);
    });

    it('is of a method or a call too, whichever states it nearest', async () => {
      const a = await start(options);
      const call = users(a).getOrLoad(1, () => new Promise<number>(() => {}), { timeout: { hard: '100ms' } });
      const failed = expect(call).rejects.toThrow('timeout.hard (100 ms)');
      await world.clock.advance(100);
      await failed;
    });
  });

  it('1,000 loaders that hang: every key is usable within its lease, and nothing is stuck', async () => {
    const [a, b] = [await start({ lease: '2s' }), await start({ lease: '2s' })];
    const keys = Array.from({ length: 1_000 }, (_, key) => key);
    const hold = gate<number>();
    const hanging = keys.map((key) => users(a).getOrLoad(key, () => hold.promise));
    await settle();
    // callers who joined, and callers of another instance
    const joined = keys.map((key) => users(a).getOrLoad(key, async () => 2));
    await world.clock.advance(1_950);
    const elsewhere = keys.map((key) => users(b).getOrLoad(key, async () => 2));
    await world.clock.advance(150);
    expect(await Promise.all([...joined, ...elsewhere])).toEqual(Array.from({ length: 2_000 }, () => 2));
    expect(a.engine.underWay).toMatchObject({ waiters: 0, background: 0 });
    hold.open(1);
    await Promise.all(hanging);
    // a load that was overtaken fills nothing
    expect(await users(b).getOrLoad(1, async () => 3)).toBe(2);
  }, 60_000);

  it('1,000 loaders that hang, with timeout.hard: none keeps even its own caller', async () => {
    const a = await start({ timeout: { hard: '1s' } });
    const keys = Array.from({ length: 1_000 }, (_, key) => key);
    const failures = keys.map((key) =>
      users(a)
        .getOrLoad(key, () => new Promise<number>(() => {}))
        .then(
          () => 'answered',
          (error: { code: string }) => error.code,
        ),
    );
    await world.clock.advance(1_000);
    expect(new Set(await Promise.all(failures))).toEqual(new Set(['RC_LOAD_TIMEOUT']));
    expect(a.engine.underWay).toMatchObject({ flights: 0, tickets: 0, waiters: 0 });
    expect(await users(a).getOrLoad(1, async () => 2)).toBe(2);
  }, 60_000);
});
