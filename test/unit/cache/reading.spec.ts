import { AsyncLocalStorage } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { engineOf } from '../../../lib/cache/redis-cache.js';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ReadOptions } from '../../../lib/cache/read-policy.js';
import { StoreRefusal } from '../../../lib/stores/remote-store.js';
import { CODECS, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

/** Of the process's flags, since jest runs without it. */
const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
};

const neverCalled = async (): Promise<never> => {
  throw new Error('this loader is not to be called');
};

describe.each(CODECS)('reading, with the codec %s', (codec) => {
  let world: World;
  beforeEach(() => {
    world = new World(1, { codec });
  });
  afterEach(() => world.end());

  it('loads on a miss, then answers from L1, and in another instance from L2', async () => {
    const [a, b] = [await world.start(), await world.start()];
    expect(await a.cache.region('users').getOrLoad(1, async () => ({ name: 'Ada' }))).toEqual({ name: 'Ada' });
    expect(await a.cache.region('users').getOrLoad(1, neverCalled)).toEqual({ name: 'Ada' });
    expect(await b.cache.region('users').getOrLoad(1, neverCalled)).toEqual({ name: 'Ada' });
    expect(await b.cache.region('users').getOrLoad(1, neverCalled)).toEqual({ name: 'Ada' });
    expect(a.cache.status().regions['users']).toMatchObject({ misses: 1, hitsL1: 1, hitsL2: 0, loads: 1, fills: 1 });
    expect(b.cache.status().regions['users']).toMatchObject({ misses: 0, hitsL1: 1, hitsL2: 1, loads: 0 });
  });

  it('takes one round trip for a hit in L2, and for a miss a read, a lease and a fill', async () => {
    const { cache, faults } = await world.start({ l1: false });
    const users = cache.region('users');
    await users.getOrLoad(1, async () => 1);
    expect(faults.calls).toMatchObject({ read: 1, readOrLease: 1, fill: 1 });
    await users.getOrLoad(1, neverCalled);
    expect(faults.calls).toMatchObject({ read: 2, readOrLease: 1, fill: 1 });
    await users.evict(1);
    expect(faults.calls['evict']).toBe(1);
  });

  describe('where recent reads of the region found next to nothing in L2', () => {
    const inVain = async (users: { getOrLoad(id: number, load: () => Promise<number>): Promise<number> }) => {
      for (let n = 1; n <= 80; n++) await users.getOrLoad(n, async () => n);
    };

    it('asks for the lease at once, until values are found again', async () => {
      const { cache, faults } = await world.start({ l1: false });
      const users = cache.region<number>('users');
      await inVain(users);
      const { read } = faults.calls;
      expect(read).toBeLessThan(70);
      expect(faults.calls).toMatchObject({ readOrLease: 80, fill: 80 });
      for (let n = 1; n <= 10; n++) expect(await users.getOrLoad(n, neverCalled)).toBe(n);
      expect(faults.calls['readOrLease']).toBeLessThan(90);
      expect(faults.calls['read']).toBeGreaterThan(read!);
      expect(cache.status().regions['users']).toMatchObject({ misses: 80, hitsL2: 10, loads: 80 });
    });

    it('finds what stands there by plain reads when the server has no room for leases', async () => {
      const { cache, faults } = await world.start({ l1: false });
      const users = cache.region<number>('users');
      await inVain(users);
      faults.failNext('readOrLease', new StoreRefusal('OOM command not allowed'));
      expect(await users.getOrLoad(1, async () => -1)).toBe(-1);
      const { readOrLease } = faults.calls;
      for (let n = 1; n <= 10; n++) expect(await users.getOrLoad(n, neverCalled)).toBe(n);
      expect(faults.calls['readOrLease']).toBe(readOrLease);
    });

    it('reads other regions as ever, and looks without taking by a plain read', async () => {
      const { cache, faults } = await world.start({ l1: false });
      await inVain(cache.region<number>('users'));
      const { read, readOrLease } = faults.calls;
      await cache.region('others').getOrLoad(1, async () => 1);
      expect(await cache.region('users').get(1)).toBe(1);
      expect(await cache.region('users').get(100)).toBeUndefined();
      expect(faults.calls).toMatchObject({ read: read! + 3, readOrLease: readOrLease! + 1 });
    });
  });

  it('asks a function for every read when told so', async () => {
    const { cache, faults } = await world.start({ l1: false, reads: 'function' });
    await cache.region('users').getOrLoad(1, async () => 1);
    expect(await cache.region('users').getOrLoad(1, neverCalled)).toBe(1);
    expect(faults.calls).toMatchObject({ readOrLease: 2, fill: 1 });
    expect(faults.calls['read']).toBeUndefined();
  });

  it('returns on a miss what a hit returns: a frozen value, shared', async () => {
    const { cache } = await world.start();
    const users = cache.region<{ tags: string[] }>('users');
    const own = { tags: ['a'] };
    const missed = await users.getOrLoad(1, async () => own);
    const hit = await users.getOrLoad(1, neverCalled);
    expect(missed).toEqual(own);
    expect(missed).not.toBe(own);
    expect(Object.isFrozen(missed.tags)).toBe(true);
    expect(hit).toBe(missed);
  });

  it('gives each caller a value of its own where it cannot be frozen, or is asked for', async () => {
    const { cache } = await world.start();
    const dates = cache.region<{ at: Date }>('dates');
    const [first, second] = await Promise.all([1, 2].map(() => dates.getOrLoad(1, async () => ({ at: new Date(5) }))));
    const third = await dates.getOrLoad(1, neverCalled);
    first!.at.setTime(0);
    expect([second, third]).toEqual([{ at: new Date(5) }, { at: new Date(5) }]);
    const mutable = cache.region<{ n: number }>('mutable');
    const mine = await mutable.getOrLoad(1, async () => ({ n: 1 }), { mutable: true });
    mine.n = 2;
    expect(await mutable.getOrLoad(1, neverCalled, { mutable: true })).toEqual({ n: 1 });
  });

  it('runs one load for 250 callers', async () => {
    const { cache } = await world.start();
    const users = cache.region<number>('users');
    const load = gate<number>();
    let loads = 0;
    const callers = Array.from({ length: 250 }, () =>
      users.getOrLoad(1, () => {
        loads += 1;
        return load.promise;
      }),
    );
    await settle();
    load.open(7);
    expect(new Set(await Promise.all(callers))).toEqual(new Set([7]));
    expect(loads).toBe(1);
    expect(cache.status().regions['users']).toMatchObject({ misses: 250, loads: 1, loadsJoined: 249 });
  });

  it('runs one load for callers of several instances, who wait for the message that it is there', async () => {
    const [a, b] = [await world.start(), await world.start()];
    const load = gate<number>();
    const first = a.cache.region<number>('users').getOrLoad(1, () => load.promise);
    await settle();
    const second = b.cache.region('users').getOrLoad(1, neverCalled);
    await settle();
    load.open(7);
    expect(await first).toBe(7);
    expect(await second).toBe(7);
    expect(b.cache.status().regions['users']).toMatchObject({ leaseWaits: 1, hitsL2: 1, loads: 0 });
  });

  it('stops waiting at once when the load it waits for was voided by an eviction', async () => {
    const [a, b] = [await world.start(), await world.start()];
    const load = gate<number>();
    const voided = a.cache.region<number>('users').getOrLoad(1, () => load.promise);
    await settle();
    const waiting = b.cache.region<number>('users').getOrLoad(1, async () => 8);
    await settle();
    await a.cache.region('users').evict(1);
    expect(await waiting).toBe(8);
    load.open(7);
    expect(await voided).toBe(7);
  });

  it('does not share a read between callers who want different types of it', async () => {
    const { cache } = await world.start({ l1: false });
    class User {
      id = 1;
    }
    const users = cache.region<object>('users');
    const [plain, typed] = await Promise.all([
      users.getOrLoad(1, async () => ({ id: 1 })),
      users.getOrLoad(1, async () => ({ id: 1 }), { type: User }),
    ]);
    expect(plain).not.toBeInstanceOf(User);
    expect(typed).toBeInstanceOf(User);
  });

  it('keeps nothing of a type or schema that is made anew for each call, and warns of it once', async () => {
    const { cache, log } = await world.start({ l1: false });
    const users = cache.region<object>('users');
    const seen: WeakRef<object>[] = [];
    for (let n = 0; n < 250; n++) {
      const type = (plain: object) => ({ ...plain, n });
      seen.push(new WeakRef(type));
      expect(await users.getOrLoad(1, async () => ({ a: 1 }), { type })).toEqual({ a: 1, n });
      if (n === 98) expect(log).toEqual([]);
    }
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/^Region "users" .* 100 different types/);
    await settle();
    collectGarbage();
    expect(seen.filter((ref) => ref.deref()).length).toBeLessThan(10);
  });

  it('keeps nothing that the requests stored which loaded a value and found it in L1', async () => {
    const { cache } = await world.start();
    const request = new AsyncLocalStorage<object>();
    const serve = async (stored: object) => {
      await request.run(stored, () => cache.region('users').getOrLoad(1, async () => ({ a: 1 })));
      return new WeakRef(stored);
    };
    const seen = [await serve({ user: 1 }), await serve({ user: 2 }), await serve({ user: 3 })];
    expect(cache.status().regions['users']).toMatchObject({ hitsL1: 2, loads: 1 });
    await settle();
    collectGarbage();
    expect(seen.map((ref) => ref.deref())).toEqual([undefined, undefined, undefined]);
  });

  it('answers calls of one type and schema from L1', async () => {
    const { cache } = await world.start();
    const users = cache.region<object>('users');
    const type = (plain: object) => plain;
    for (const options of [{}, { type }, { type, mutable: true }]) {
      await users.getOrLoad(1, async () => ({}), { ...options });
      await users.getOrLoad(1, neverCalled, { ...options });
    }
    expect(cache.status().regions['users']).toMatchObject({ hitsL1: 3, hitsL2: 2, misses: 1 });
  });

  it('looks again by itself when the message is lost', async () => {
    const [a, b] = [await world.start(), await world.start()];
    b.channel.loses = ({ kind }) => kind === 'wake';
    const load = gate<number>();
    const first = a.cache.region<number>('users').getOrLoad(1, () => load.promise);
    await settle();
    const second = b.cache.region('users').getOrLoad(1, neverCalled);
    await settle();
    load.open(7);
    await first;
    await world.clock.advance(60);
    expect(await second).toBe(7);
  });

  it('loads by itself, without a fill, when another instance takes longer than maxWait', async () => {
    const [a, b] = [await world.start(), await world.start({ maxWait: '1s' })];
    const load = gate<string>();
    const slow = a.cache.region<string>('users').getOrLoad(1, () => load.promise);
    await settle();
    const own = b.cache.region('users').getOrLoad(1, async () => 'own');
    await world.clock.advance(1_100);
    expect(await own).toBe('own');
    expect(b.faults.calls['fill']).toBeUndefined();
    load.open('slow');
    expect(await slow).toBe('slow');
    expect(a.cache.status().regions['users']).toMatchObject({ fills: 1 });
  });

  it('keeps the lease of a slow load alive, so that nobody loads beside it', async () => {
    const [a, b] = [await world.start(), await world.start({ maxWait: '20s' })];
    const load = gate<number>();
    const slow = a.cache.region<number>('users').getOrLoad(1, () => load.promise);
    await settle();
    const waiting = b.cache.region('users').getOrLoad(1, neverCalled);
    await world.clock.advance(9_000);
    load.open(7);
    expect(await slow).toBe(7);
    await world.clock.advance(60);
    expect(await waiting).toBe(7);
  });

  it('lets another instance take over when the holder of the lease is dead', async () => {
    const [a, b] = [await world.start(), await world.start()];
    a.faults.failNext('renew');
    a.faults.failNext('renew');
    a.faults.failNext('renew');
    a.faults.failNext('renew');
    const load = gate<number>();
    const dead = a.cache.region<number>('users').getOrLoad(1, () => load.promise);
    await settle();
    const other = b.cache.region<number>('users').getOrLoad(1, async () => 8);
    await world.clock.advance(2_100);
    expect(await other).toBe(8);
    load.open(7);
    expect(await dead).toBe(7);
    expect(a.cache.status().regions['users']).toMatchObject({ fillsRefused: 1 });
    expect(await b.cache.region('users').get(1)).toBe(8);
  });

  it('blocks a key no longer than its lease when a loader hangs, in this process and in others', async () => {
    const [a, b] = [await world.start({ lease: '3s' }), await world.start({ lease: '3s' })];
    const hung = gate<number>();
    let signal: AbortSignal | undefined;
    const first = a.cache.region<number>('users').getOrLoad(1, (context) => {
      signal = context.signal;
      return hung.promise;
    });
    await settle();
    const joined = a.cache.region<number>('users').getOrLoad(1, async () => 8);
    const other = b.cache.region<number>('users').getOrLoad(1, async () => 8);
    await world.clock.advance(2_900);
    expect(signal!.aborted).toBe(false);
    await world.clock.advance(160);
    expect(await Promise.all([joined, other])).toEqual([8, 8]);
    expect(signal!.aborted).toBe(true);
    hung.open(7);
    expect(await first).toBe(7);
    expect(await a.cache.region('users').get(1)).toBe(8);
  });

  it('passes the loader’s error on as it is, to all who wait, and caches nothing', async () => {
    const [a, b] = [await world.start(), await world.start()];
    const error = new RangeError('no such user');
    const load = gate<never>();
    const callers = [1, 2].map(() => a.cache.region('users').getOrLoad(1, () => load.promise));
    const outcomes = Promise.allSettled(callers);
    await settle();
    load.fail(error);
    expect((await outcomes).map((o) => o.status === 'rejected' && o.reason)).toEqual([error, error]);
    await a.engine.settled();
    expect(await b.cache.region('users').getOrLoad(1, async () => 'now')).toBe('now');
    expect(a.cache.status().regions['users']).toMatchObject({ loadFailures: 1, fills: 0 });
  });

  it('passes the error of a loader that throws at once on as well', async () => {
    const { cache } = await world.start();
    const load = () => {
      throw new TypeError('at once');
    };
    await expect(cache.region('users').getOrLoad(1, load)).rejects.toThrow(TypeError);
  });

  it('loads a method that calls itself with its own key through, instead of waiting for itself', async () => {
    const { cache } = await world.start();
    const users = cache.region<number>('users');
    const inner = () => users.getOrLoad(1, async () => 2);
    expect(await users.getOrLoad(1, async () => (await inner()) + 1)).toBe(3);
  });

  it('lets two loads that need each other wait no longer than a lease, and from then on not at all', async () => {
    const { cache } = await world.start({ lease: '3s' });
    const region = cache.region<string>('r');
    const meet = async () => {
      const [aBegan, bBegan] = [gate(), gate()];
      const both = Promise.all([
        region.getOrLoad('a', async () => {
          aBegan.open();
          await bBegan.promise;
          return `a(${await region.getOrLoad('b', async () => 'b through')})`;
        }),
        region.getOrLoad('b', async () => {
          bBegan.open();
          await aBegan.promise;
          return `b(${await region.getOrLoad('a', async () => 'a through')})`;
        }),
      ]);
      await settle();
      return both;
    };
    const first = meet();
    await world.clock.advance(6_000);
    expect((await first).join()).toContain('through');
    await region.clear();
    expect((await meet()).join()).toContain('through');
  });

  it('finds nothing with get, loads nothing, and leaves no lease behind', async () => {
    const { cache } = await world.start();
    const users = cache.region('users');
    expect(await users.get(1)).toBeUndefined();
    await engineOf(cache).settled();
    expect(await users.getOrLoad(1, async () => null)).toBeNull();
    expect(await users.get(1)).toBeNull();
  });

  it.each(['plain', 'function'] as const)('takes a damaged entry as a miss, and loads over it (%s)', async (reads) => {
    const [a, b] = [await world.start({ l1: false }), await world.start({ l1: false, reads })];
    const { entry } = a.engine.region('users').keyOf('1');
    await a.cache.region('users').getOrLoad(1, async () => ({ n: 1 }));
    const value = world.server.dump().values.find(([name]) => name === entry)![1];
    world.server.rollBack({
      ...world.server.dump(),
      values: [[entry, { ...value, entry: { ...value.entry, payload: '{"n":' } }]],
    });
    expect(await b.cache.region('users').getOrLoad(1, async () => ({ n: 2 }))).toEqual({ n: 2 });
    expect(b.cache.status().regions['users']!.decodeFailures).toBeGreaterThan(0);
    expect(await a.cache.region('users').getOrLoad(1, neverCalled)).toEqual({ n: 2 });
  });

  describe('past the ttl', () => {
    it('loads anew', async () => {
      const { cache } = await world.start({ ttl: '1m' });
      const users = cache.region<number>('users');
      await users.getOrLoad(1, async () => 1);
      await world.clock.advance(59_000);
      expect(await users.getOrLoad(1, neverCalled)).toBe(1);
      await world.clock.advance(2_000);
      expect(await users.getOrLoad(1, async () => 2)).toBe(2);
    });

    it('serves the stale value at once while one caller reloads it', async () => {
      const { cache } = await world.start({ ttl: '1m', staleWhileRevalidate: '5m' });
      const users = cache.region<string>('users');
      await users.getOrLoad(1, async () => 'old');
      await world.clock.advance(120_000);
      const reload = gate<string>();
      let loads = 0;
      const read = () =>
        users.getOrLoad(1, () => {
          loads += 1;
          return reload.promise;
        });
      expect(await Promise.all([read(), read(), read()])).toEqual(['old', 'old', 'old']);
      expect(await read()).toBe('old');
      expect(loads).toBe(1);
      reload.open('new');
      await engineOf(cache).settled();
      expect(await users.getOrLoad(1, neverCalled)).toBe('new');
      expect(cache.status().regions['users']).toMatchObject({ stale: 4, misses: 1 });
    });

    it.each(['nobody', 'another instance'])('never answers get, while %s reloads it', async (who) => {
      const options = { ttl: '1m', staleWhileRevalidate: '5m' } as const;
      const { cache, faults } = await world.start(options);
      const users = cache.region<string>('users');
      await users.getOrLoad(1, async () => 'old');
      await world.clock.advance(60_001);
      const load = gate<string>();
      const other = (await world.start(options)).cache.region<string>('users');
      if (who === 'another instance') expect(await other.getOrLoad(1, () => load.promise)).toBe('old');
      expect(await users.get(1)).toBeUndefined();
      expect(faults.calls['release']).toBeUndefined();
      load.open('new');
      await settle();
      expect(cache.status().regions['users']).toMatchObject({ stale: 0, misses: 2 });
    });

    it('never answers get of an instance that asks the server for everything', async () => {
      const { cache } = await world.start({ ttl: '1m', staleWhileRevalidate: '5m', reads: 'function' });
      const users = cache.region<string>('users');
      await users.getOrLoad(1, async () => 'old');
      await world.clock.advance(60_001);
      expect(await users.get(1)).toBeUndefined();
      const load = gate<string>();
      expect(await users.getOrLoad(1, () => load.promise)).toBe('old');
      expect(await users.get(1)).toBeUndefined();
      load.open('new');
      await settle();
      expect(await users.get(1)).toBe('new');
    });

    it('serves the stale value when the load fails, inside staleIfError only', async () => {
      const { cache } = await world.start({ ttl: '1m', staleIfError: '5m' });
      const users = cache.region<string>('users');
      const failing = async (): Promise<string> => {
        throw new Error('database away');
      };
      await users.getOrLoad(1, async () => 'old');
      await world.clock.advance(120_000);
      expect(await users.getOrLoad(1, failing)).toBe('old');
      await world.clock.advance(300_000);
      await expect(users.getOrLoad(1, failing)).rejects.toThrow('database away');
    });

    it('serves a failing reader what another kept for errors only if it asks for that itself', async () => {
      const { cache } = await world.start({ ttl: '1m' });
      const users = cache.region<string>('users');
      const failing = async (): Promise<string> => {
        throw new Error('database away');
      };
      await users.getOrLoad(1, async () => 'old', { staleIfError: '5m' });
      await world.clock.advance(120_000);
      await expect(users.getOrLoad(1, failing)).rejects.toThrow('database away');
      await expect(users.getOrLoad(1, failing, { staleIfError: '30s' })).rejects.toThrow('database away');
      expect(await users.getOrLoad(1, failing, { staleIfError: '2m' })).toBe('old');
    });

    it('does not serve while it revalidates what is kept for errors only', async () => {
      const { cache } = await world.start({ ttl: '1m', staleWhileRevalidate: '10s', staleIfError: '5m' });
      const users = cache.region<string>('users');
      await users.getOrLoad(1, async () => 'old');
      await world.clock.advance(71_000);
      expect(await users.getOrLoad(1, async () => 'new')).toBe('new');
    });

    it('does not hand a stale value to a caller who came after it was evicted', async () => {
      const options = { l1: false, ttl: '1m', staleWhileRevalidate: '5m' } as const;
      const [a, b] = [await world.start(options), await world.start(options)];
      const users = a.cache.region<string>('users');
      await users.getOrLoad(1, async () => 'old');
      await world.clock.advance(61_000);
      const refresh = gate<string>();
      await b.cache.region<string>('users').getOrLoad(1, () => refresh.promise);
      const reply = a.faults.holdNextReply('readOrLease');
      const first = users.getOrLoad(1, async () => 'new');
      await settle();
      await b.cache.region('users').evict(1);
      const second = users.getOrLoad(1, async () => 'new');
      reply.open();
      expect(await first).toBe('old');
      expect(await second).toBe('new');
      refresh.open('too late');
    });

    it('never serves a stale value that was evicted', async () => {
      const { cache } = await world.start({ ttl: '1m', staleWhileRevalidate: '5m', staleIfError: '5m' });
      const users = cache.region<string>('users');
      await users.getOrLoad(1, async () => 'old', { tags: ['t'] });
      await world.clock.advance(61_000);
      await cache.evictTags(['t']);
      expect(await users.getOrLoad(1, async () => 'new')).toBe('new');
    });
  });

  describe('a value that fits type or schema no longer', () => {
    /** Of the application's clock, as the end of a token's life would be. */
    const untilLater = (): { schema: StandardSchemaV1; token: () => Promise<{ until: Date }> } => ({
      schema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value) =>
            (value as { until: Date }).until.getTime() > world.clock.now()
              ? { value }
              : { issues: [{ message: 'expired', path: ['until'] }] },
        },
      },
      token: async () => ({ until: new Date(world.clock.now() + 300) }),
    });

    it.each([true, false])('is a miss, in L1 as in L2 (L1: %s)', async (hasL1) => {
      const { cache, log } = await world.start(hasL1 ? {} : { l1: false });
      const { schema, token } = untilLater();
      const tokens = cache.region<{ until: Date }>('tokens');
      const first = await tokens.getOrLoad(1, token, { schema });
      await world.clock.advance(200);
      expect(await tokens.getOrLoad(1, token, { schema })).toEqual(first);
      await world.clock.advance(100);
      expect((await tokens.getOrLoad(1, token, { schema })).until.getTime()).toBe(first.until.getTime() + 300);
      const counts = cache.status().regions['tokens']!;
      expect(counts).toMatchObject({ misses: 2, loads: 2, fills: 2 });
      expect(counts.hitsL1 + counts.hitsL2).toBe(1);
      expect(counts.decodeFailures).toBeGreaterThan(0);
      expect(log.filter((line) => line.includes('RC_DECODE_FAILED'))).toHaveLength(1);
    });

    it('is none for get', async () => {
      const { schema, token } = untilLater();
      const { cache } = await world.start({ regions: { tokens: { schema } } });
      const tokens = cache.region('tokens');
      await tokens.getOrLoad(1, token);
      expect(await tokens.get(1)).toBeDefined();
      await world.clock.advance(300);
      expect(await tokens.get(1)).toBeUndefined();
      expect(cache.status().l1!.entries).toBe(0);
    });

    it('lets a caller who joined a load start anew', async () => {
      const { cache } = await world.start();
      let revived = 0;
      const type = (plain: { a: number }) => {
        if (++revived === 2) throw new Error('not the second time');
        return { ...plain, at: new Date(5) };
      };
      const loaded = gate<{ a: number }>();
      const users = cache.region<object>('users');
      const both = [1, 2].map(() => users.getOrLoad(1, () => loaded.promise, { type }));
      await settle();
      loaded.open({ a: 1 });
      expect(await Promise.all(both)).toEqual([1, 2].map(() => ({ a: 1, at: new Date(5) })));
      expect(cache.status().regions['users']).toMatchObject({ misses: 1, hitsL2: 1, loads: 1, decodeFailures: 1 });
    });
  });

  describe('what is not cached', () => {
    it.each([
      ['unless says so', { unless: () => true }],
      ['the ttl of the result is 0', { ttl: () => 0 }],
    ])('returns the value when %s', async (_name, options) => {
      const { cache } = await world.start();
      const users = cache.region<number>('users');
      expect(await users.getOrLoad(1, async () => 1, options)).toBe(1);
      expect(await users.getOrLoad(1, async () => 2, options)).toBe(2);
    });

    it('returns null uncached with a negativeTtl of 0, and caches it for the negativeTtl else', async () => {
      const { cache } = await world.start();
      const users = cache.region<number | null>('users');
      await users.getOrLoad(1, async () => null, { negativeTtl: 0 });
      expect(await users.getOrLoad(1, async () => null, { negativeTtl: '10s' })).toBeNull();
      expect(await users.getOrLoad(1, neverCalled)).toBeNull();
      await world.clock.advance(11_000);
      expect(await users.getOrLoad(1, async () => 1)).toBe(1);
    });

    it('returns a value that no codec keeps as it is, and warns once', async () => {
      const { cache, log } = await world.start();
      const users = cache.region('users');
      const value = { run: () => 1 };
      expect(await users.getOrLoad(1, async () => value)).toBe(value);
      expect(await users.getOrLoad(1, async () => value)).toBe(value);
      expect(log.filter((line) => line.includes('RC_ENCODE_FAILED'))).toHaveLength(1);
    });

    it('returns a value over maxValueBytes, and warns once', async () => {
      const { cache, log } = await world.start({ maxValueBytes: 100 });
      expect(await cache.region('users').getOrLoad(1, async () => 'x'.repeat(200))).toHaveLength(200);
      expect(cache.status().regions['users']).toMatchObject({ tooLarge: 1, fills: 0 });
      expect(log.filter((line) => line.includes('RC_VALUE_TOO_LARGE'))).toHaveLength(1);
    });

    it.each([
      ['tags', { tags: (user: { org: { id: number } }) => [`org:${user.org.id}`] }],
      ['version', { version: (user: { org: { id: number } }) => user.org.id }],
      ['ttl', { ttl: () => 'soon' as never }],
      ['tags, with a wrong result', { tags: () => [42] as never }],
    ])('returns the value when the option function %s fails, and says which', async (_name, options) => {
      const { cache, log } = await world.start();
      expect(await cache.region<object>('users').getOrLoad(1, async () => ({}), options as ReadOptions)).toEqual({});
      expect(log).toHaveLength(1);
      expect(log[0]).toMatch(/not cached.*\[RC_/);
    });
  });
});
