import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { LoadScopes } from '../../../lib/cache/load-scopes.js';
import type { RedisCacheOptions } from '../../../lib/index.js';
import { type Instance, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

/**
 * A load that reads the key it loads, the usual way, as an override that calls `super` does. Where the old value still
 * stands, in L1 or L2, that read must not find it: what is refreshed would be made of itself.
 */

/** How far the loader is when it reads its own key, and whether callers are known beyond the first await. */
const moments: [string, boolean, () => Promise<void> | undefined][] = [
  ['at once', false, () => undefined],
  ['after an await', true, settle],
];
const tiers: [string, Partial<RedisCacheOptions>][] = [
  ['L1', {}],
  ['L2', { l1: false }],
  ['L2 by functions', { l1: false, reads: 'function' }],
];

describe.each(tiers)('a load that reads its own key, which stands in %s,', (_tier, options) => {
  let world: World;
  beforeEach(() => void (world = new World()));
  afterEach(() => world.end());

  const users = ({ cache }: Instance) => cache.region<number>('users');
  const counts = ({ cache }: Instance) => cache.status().regions['users'];
  const read = (a: Instance, value: number) => users(a).getOrLoad(1, async () => value);

  describe.each(moments)('%s', (_moment, isTracked, wait) => {
    const start = (regions: RedisCacheOptions['regions'] = {}) =>
      world.start({ ...options, regions }, new LoadScopes(isTracked));
    const loaderOf = (a: Instance, value: number) => () => {
      const waited = wait();
      return waited === undefined ? read(a, value) : waited.then(() => read(a, value));
    };

    it('gets what the source says when it is forced, and so does the cache', async () => {
      const a = await start();
      await read(a, 1);
      expect(await users(a).getOrLoad(1, loaderOf(a, 2), { forceFresh: true })).toBe(2);
      expect(await read(a, 3)).toBe(2);
    });

    it('gets what the source says past the cache, which stays as it is', async () => {
      const a = await start();
      await read(a, 1);
      expect(await users(a).getOrLoad(1, loaderOf(a, 2), { bypass: true })).toBe(2);
      expect(await read(a, 3)).toBe(1);
    });

    it('refreshes early with what the source says', async () => {
      const a = await start({ users: { ttl: '10s', earlyRefresh: 1 } });
      const hold = gate<number>();
      const slowly = users(a).getOrLoad(1, () => hold.promise);
      await world.clock.advance(2_000);
      hold.open(1);
      await slowly;
      await world.clock.advance(9_000);
      expect(await users(a).getOrLoad(1, loaderOf(a, 2))).toBe(1);
      await a.engine.settled();
      expect(counts(a)).toMatchObject({ refreshes: 1, fills: 2 });
      expect(await read(a, 3)).toBe(2);
    });

    it('refreshes with what the source says behind a stale value', async () => {
      const a = await start({ users: { ttl: '1s', staleWhileRevalidate: '1m' } });
      await read(a, 1);
      await world.clock.advance(1_500);
      expect(await users(a).getOrLoad(1, loaderOf(a, 2))).toBe(1);
      await a.engine.settled();
      expect(counts(a)).toMatchObject({ refreshes: 1, fills: 2 });
      expect(await read(a, 3)).toBe(2);
    });

    it('finds nothing by get', async () => {
      const a = await start();
      await read(a, 1);
      const loader = async () => (await users(a).get(1)) ?? 2;
      expect(await users(a).getOrLoad(1, loader, { forceFresh: true })).toBe(2);
      expect(await read(a, 3)).toBe(2);
    });
  });

  it('through the load of another key, which somebody else began', async () => {
    const a = await world.start(options, new LoadScopes(true));
    await read(a, 1);
    const goOn = gate();
    const other = users(a).getOrLoad(2, async () => {
      await goOn.promise;
      return read(a, 2);
    });
    await settle();
    const forced = users(a).getOrLoad(1, () => users(a).getOrLoad(2, async () => 0), { forceFresh: true });
    await settle();
    goOn.open();
    expect(await Promise.all([other, forced])).toEqual([2, 2]);
    expect(await read(a, 3)).toBe(2);
  });

  it('through the load of another key, which waited until now for a third load', async () => {
    const a = await world.start(options, new LoadScopes(true));
    const hold = gate<number>();
    const schema = v.pipe(v.number(), v.minValue(2));
    // of no use to those who ask without that schema
    const third = users(a).getOrLoad(1, () => hold.promise, { schema });
    await settle();
    const other = users(a).getOrLoad(2, () => read(a, 2));
    await settle();
    const past = users(a).getOrLoad(1, () => users(a).getOrLoad(2, async () => 0), { bypass: true });
    await settle();
    hold.open(5);
    expect(await Promise.all([third, other, past])).toEqual([5, 2, 2]);
  });

  it.each([{ forceFresh: true }, { bypass: true }])('%o, when others brought that to L1 meanwhile', async (asked) => {
    const [a, b] = [await world.start(options, new LoadScopes(true)), await world.start(options)];
    await read(b, 1);
    const goOn = gate();
    const anew = users(a).getOrLoad(1, () => goOn.promise.then(() => read(a, 2)), asked);
    await settle();
    expect(await read(a, 3)).toBe(1);
    goOn.open();
    expect(await anew).toBe(2);
  });

  it('takes from other callers nothing of what stands', async () => {
    const a = await world.start(options, new LoadScopes(true));
    await read(a, 1);
    const hold = gate<number>();
    const forced = users(a).getOrLoad(1, () => hold.promise, { forceFresh: true });
    await settle();
    expect(await read(a, 2)).toBe(1);
    hold.open(3);
    expect(await forced).toBe(3);
    expect(counts(a)).toMatchObject({ loads: 2, bypasses: 0 });
  });

  it('takes no place for that read where its load has one, nor does a refresh', async () => {
    const users = { ttl: '1s', staleWhileRevalidate: '1m', maxConcurrentLoads: 1, maxQueuedLoads: 0 } as const;
    const a = await world.start({ ...options, regions: { users } }, new LoadScopes(true));
    const region = a.cache.region<number>('users');
    await read(a, 1);
    expect(await region.getOrLoad(1, () => settle().then(() => read(a, 2)), { forceFresh: true })).toBe(2);
    await world.clock.advance(1_500);
    expect(await region.getOrLoad(1, () => settle().then(() => read(a, 3)))).toBe(2);
    await a.engine.settled();
    expect(await read(a, 4)).toBe(3);
    expect(counts(a)).toMatchObject({ loadsRefused: 0, refreshes: 1 });
  });

  it('is none of the same key in another cache', async () => {
    const scopes = new LoadScopes(true);
    const elsewhere = new World();
    const [a, b] = [await world.start(options, scopes), await elsewhere.start(options, scopes)];
    await read(b, 1);
    expect(await users(a).getOrLoad(1, async () => read(b, 2), { forceFresh: true })).toBe(1);
    await elsewhere.end();
  });
});

describe('an early refresh', () => {
  it('is made of the source also where others bring what it replaces to L1 while it runs', async () => {
    const world = new World();
    const regions = { users: { ttl: '10s', earlyRefresh: 1 } } as const;
    const a = await world.start({ l1: { maxEntries: 1 }, regions }, new LoadScopes(true));
    const users = a.cache.region<number>('users');
    const read = (id: number, value: number) => users.getOrLoad(id, async () => value);
    const [slow, goOn] = [gate<number>(), gate()];
    const slowly = users.getOrLoad(1, () => slow.promise);
    await world.clock.advance(2_000);
    slow.open(1);
    await slowly;
    await world.clock.advance(9_000);
    const lease = a.faults.holdNext('readOrLease');
    expect(await users.getOrLoad(1, () => goOn.promise.then(() => read(1, 2)))).toBe(1);
    // takes the only place in L1
    await read(2, 2);
    lease.open();
    await settle();
    const { hitsL2 } = a.cache.status().regions['users']!;
    expect(await read(1, 3)).toBe(1);
    expect(a.cache.status().regions['users']).toMatchObject({ refreshes: 1, hitsL2: hitsL2 + 1 });
    goOn.open();
    await a.engine.settled();
    expect(await read(1, 4)).toBe(2);
    await world.end();
  });
});

describe('a hit of L1', () => {
  class Asked extends LoadScopes {
    count = 0;
    override current() {
      this.count += 1;
      return super.current();
    }
  }
  const broken = () => Promise.reject(new Error('down'));
  const ends: [string, () => Promise<number>][] = [
    ['returned', async () => 2],
    ['failed', broken],
    [
      'threw before it returned a promise',
      () => {
        throw new Error('down');
      },
    ],
    ['were given up', () => new Promise(() => {})],
  ];

  it.each(ends)('does not ask which load it is part of once forced loads and refreshes %s', async (_how, load) => {
    const world = new World();
    const scopes = new Asked(true);
    const regions = { users: { ttl: '1s', staleWhileRevalidate: '1m', timeout: { hard: '200ms' } } } as const;
    const a = await world.start({ regions }, scopes);
    const users = a.cache.region<number>('users');
    const costOfHit = async () => {
      const { count } = scopes;
      const { hitsL1 } = a.cache.status().regions['users']!;
      await users.getOrLoad(2, broken);
      expect(a.cache.status().regions['users']!.hitsL1).toBe(hitsL1 + 1);
      return scopes.count - count;
    };
    await users.getOrLoad(1, async () => 1);
    await world.clock.advance(1_500);
    expect(await users.getOrLoad(1, load)).toBe(1);
    const forced = users.getOrLoad(3, load, { forceFresh: true }).catch(() => 'failed');
    await users.getOrLoad(2, async () => 1);
    await settle();
    await world.clock.advance(300);
    await forced;
    await a.engine.settled();
    expect(await costOfHit()).toBe(0);
    const hold = gate<number>();
    const running = users.getOrLoad(3, () => hold.promise, { forceFresh: true });
    await settle();
    expect(await costOfHit()).toBe(1);
    hold.open(3);
    await running;
    expect(await costOfHit()).toBe(0);
    await world.end();
  });

  it('does not ask while what has expired is loaded', async () => {
    const world = new World();
    const scopes = new Asked(true);
    const a = await world.start({ regions: { users: { ttl: '1s' } } }, scopes);
    const users = a.cache.region<number>('users');
    await users.getOrLoad(1, async () => 1);
    await world.clock.advance(1_500);
    await users.getOrLoad(2, async () => 1);
    const hold = gate<number>();
    const running = users.getOrLoad(1, () => hold.promise);
    await settle();
    const { count } = scopes;
    await users.getOrLoad(2, broken);
    expect(scopes.count).toBe(count);
    hold.open(2);
    expect(await running).toBe(2);
    await world.end();
  });
});

describe('a load for one type, of a key that L1 holds for another', () => {
  it('does not get that', async () => {
    const world = new World();
    const a = await world.start({}, new LoadScopes(true));
    const users = a.cache.region<number>('users');
    const schema = v.pipe(v.number(), v.minValue(2));
    await users.getOrLoad(1, async () => 1);
    expect(await users.getOrLoad(1, async () => users.getOrLoad(1, async () => 2), { schema })).toBe(2);
    await world.end();
  });
});
