import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { resolveReadPolicy } from '../../../lib/cache/read-policy.js';
import { evictStrictly, type Instance, World } from '../../support/a-cache.js';
import { settle } from '../../support/fake-clock.js';
import { CacheError } from '../../../lib/shared/errors.js';
import { StoreRefusal } from '../../../lib/stores/remote-store.js';

/** Entries of two buckets, of which `outer` is made of `inner`, and the row below both. */
describe('a group of evictions', () => {
  let world: World;
  let row: string;
  beforeEach(() => {
    world = new World(2);
    row = 'old';
  });
  afterEach(() => world.end());

  const NO_L1 = { l1: false } as const;
  const region = ({ cache }: Instance, name: string) => cache.region<string>(name);
  const inside = ({ engine }: Instance, name: string) => engine.region(name);
  const key = (instance: Instance, name: string, bucket: number) => {
    for (let n = 0; ; n++) if (inside(instance, name).keyOf(String(n)).bucket === bucket) return String(n);
  };
  const tags = { tags: ['t'] };
  const readInner = (instance: Instance) =>
    region(instance, 'inner').getOrLoad(key(instance, 'inner', 1), async () => row, tags);
  const readOuter = (instance: Instance) =>
    region(instance, 'outer').getOrLoad(key(instance, 'outer', 0), () => readInner(instance), tags);
  const keyOf = (instance: Instance, name: string, bucket: number) =>
    inside(instance, name).keyOf(key(instance, name, bucket));
  const wanted = (instance: Instance, name: string, bucket: number) =>
    inside(instance, name).wantedKeys([keyOf(instance, name, bucket)]);
  const both = (instance: Instance) => [...wanted(instance, 'outer', 0), ...wanted(instance, 'inner', 1)];

  const evictions: Record<string, { held: 'fence' | 'stamp'; run: (a: Instance) => Promise<void> }> = {
    'outer and inner key': { held: 'fence', run: (a) => inside(a, 'outer').writer.evictAll(both(a)) },
    'inner and outer key': { held: 'fence', run: (a) => inside(a, 'outer').writer.evictAll(both(a).reverse()) },
    'a tag': { held: 'stamp', run: ({ cache }) => cache.evictTags(['t']) },
    'a clear': { held: 'stamp', run: ({ cache }) => cache.clear() },
  };

  it.each(Object.entries(evictions))(
    'leaves nothing old behind (R19): %s, when the inner bucket is reached last',
    async (_, { held, run }) => {
      const [a, b] = [await world.start(NO_L1), await world.start(NO_L1)];
      await readOuter(b);
      row = 'new';
      const first = a.faults.holdNext(held);
      const second = a.faults.holdNext(held);
      const evicting = run(a);
      await settle();
      first.open();
      await settle();
      await readOuter(b);
      second.open();
      await evicting;
      expect(await readOuter(b)).toBe('new');
      expect(await readOuter(a)).toBe('new');
    },
  );

  it.each(Object.entries(evictions))(
    'leaves nothing old behind (R19): %s, when the outer bucket is reached last',
    async (_, { held, run }) => {
      const [a, b] = [await world.start(NO_L1), await world.start(NO_L1)];
      await readOuter(b);
      row = 'new';
      const first = a.faults.holdNext(held);
      const second = a.faults.holdNext(held);
      const evicting = run(a);
      await settle();
      second.open();
      await settle();
      await readOuter(b);
      first.open();
      await evicting;
      expect(await readOuter(b)).toBe('new');
    },
  );

  it('begins again when a hold was lost between the rounds, before it is acknowledged (M lost)', async () => {
    const [a, b] = [await world.start(NO_L1), await world.start(NO_L1)];
    await readOuter(b);
    row = 'new';
    const releases = [a.faults.holdNext('unfence'), a.faults.holdNext('unfence')];
    const { writer } = inside(a, 'outer');
    const evicting = writer.send(both(a));
    await settle();
    world.server.flush();
    for (const release of releases) release.open();
    const outcome = await evicting;
    expect(outcome.kind).toBe('queued');
    await world.clock.advance(100);
    if (outcome.kind === 'queued') await outcome.delivered;
    expect(await readOuter(b)).toBe('new');
  });

  it('asks first for the bucket that is away, and disturbs no other meanwhile; a hold of the first try is lifted', async () => {
    const [a, b] = [await world.start(NO_L1), await world.start(NO_L1)];
    a.faults.breakDownBucket(1);
    await a.cache.clear();
    await settle();
    await world.clock.advance(5_000);
    const stamps = a.faults.calls['stamp'];
    const loads = async () => {
      await region(b, 'other').getOrLoad(key(b, 'other', 0), async () => row);
      return b.cache.status().regions['other']!.loads;
    };
    expect([await loads(), await loads()]).toEqual([1, 1]);
    await world.clock.advance(5_000);
    expect(await loads()).toBe(1);
    // each try asked bucket 1 alone, for a hold and for its end
    expect(a.faults.calls['stamp']! - stamps!).toBeLessThanOrEqual(6);
    a.faults.heal();
    await world.clock.advance(2_000);
    expect(a.cache.status()).toMatchObject({ pendingEvictions: 0, evictions: 1, evictionsFailed: 1 });
    expect(await loads()).toBe(2);
  });

  it('evicts keys and marks of one bucket in one call, and a tag in one call of its own', async () => {
    const one = new World(1);
    const a = await one.start();
    const users = region(a, 'users');
    const behind = inside(a, 'users');
    await behind.writer.evictAll([...behind.wantedKeys([behind.keyOf('1')]), ...a.engine.wantedTags(['t', 'u'])]);
    await users.evict('1');
    await a.cache.evictTags(['t', 'u']);
    expect(a.faults.calls).toMatchObject({ evict: 2, stamp: 1 });
    expect(a.faults.calls['fence']).toBeUndefined();
    await one.end();
  });

  it('gathers the evictions of a turn: 20,000 of them are few calls, all acknowledged', async () => {
    const a = await world.start();
    const users = region(a, 'users');
    await Promise.all(Array.from({ length: 20_000 }, (_, n) => users.evict(`user${n}`)));
    expect(a.faults.calls['evict']).toBeLessThanOrEqual(22);
    expect(a.cache.status()).toMatchObject({ pendingEvictions: 0 });
    expect(a.cache.status().regions['users']).toMatchObject({ evictions: 20_000, evictionsFailed: 0 });
    expect(a.log).toEqual([]);
  }, 30_000);

  it('lets what waits behind a call that failed fail with it, and no other bucket', async () => {
    const a = await world.start();
    const behind = inside(a, 'users');
    const evict = (bucket: number) => behind.writer.evictAll(wanted(a, 'users', bucket));
    const calls = [];
    const evicting = [];
    for (let n = 0; n < 4; n++) {
      calls.push(a.faults.holdNext('evict'));
      evicting.push(evict(0));
      await settle();
    }
    for (let n = 0; n < 10; n++) evicting.push(evict(0));
    await evict(1);
    expect(a.faults.calls['evict']).toBe(5);
    calls[0]!.fail(new CacheError('RC_STORE_UNAVAILABLE', 'silent'));
    await settle();
    for (const call of calls.slice(1)) call.open();
    await Promise.all(evicting);
    expect(a.faults.calls['evict']).toBe(5);
    expect(a.cache.status().regions['users']).toMatchObject({ evictions: 4, evictionsFailed: 11 });
    expect(a.log.filter((line) => line.includes('acknowledge'))).toHaveLength(1);
    await world.clock.advance(1_000);
    expect(a.cache.status().pendingEvictions).toBe(0);
  });

  it('ends the fence of a strict eviction only when the evictions beside it were acknowledged (M4)', async () => {
    const [a, b] = [await world.start(NO_L1), await world.start(NO_L1)];
    await readOuter(b);
    const outer = inside(a, 'outer');
    const strict = outer.fencedKeys([keyOf(a, 'outer', 0)]);
    const evict = a.faults.holdNext('evict');
    const plan = { strict, puts: [], evictsNothing: false, after: () => wanted(a, 'inner', 1) };
    const writing = outer.writer.writeAll(plan, async () => (row = 'new'));
    await settle();
    await readOuter(b);
    evict.open();
    await writing;
    expect(await readOuter(b)).toBe('new');
  });

  it('evicts all of a call when the fence of its strict eviction was lost', async () => {
    const [a, b] = [await world.start(NO_L1), await world.start(NO_L1)];
    const outer = inside(a, 'outer');
    const strict = inside(a, 'inner').fencedKeys([keyOf(a, 'inner', 1)]);
    const plan = { strict, puts: [], evictsNothing: false, after: () => wanted(a, 'outer', 0) };
    const unfence = a.faults.holdNext('unfence');
    const writing = outer.writer.writeAll(plan, async () => {
      world.server.flush();
      await readInner(b);
      return (row = 'new');
    });
    await settle();
    await readOuter(b);
    unfence.open();
    await writing;
    expect(await readOuter(b)).toBe('new');
  });

  it('queues all that a call evicts as one group, fences included, when Redis does not acknowledge it', async () => {
    const [a, b] = [await world.start({ ...NO_L1, onEvictFailure: 'throw' }), await world.start(NO_L1)];
    await readOuter(b);
    const outer = inside(a, 'outer');
    const strict = outer.fencedKeys([keyOf(a, 'outer', 0)]);
    const plan = { strict, puts: [], evictsNothing: false, after: () => wanted(a, 'inner', 1) };
    const writing = outer.writer.writeAll(plan, async () => {
      a.faults.breakDown();
      return (row = 'new');
    });
    await expect(writing).rejects.toMatchObject({ code: 'RC_EVICTION_PENDING' });
    expect(a.cache.status().pendingEvictions).toBe(2);
    a.faults.heal();
    await world.clock.advance(1_000);
    expect(a.cache.status().pendingEvictions).toBe(0);
    expect(await readOuter(b)).toBe('new');
    expect(b.cache.status().regions['outer']!.fills).toBe(2);
  });

  it('sends the eviction although the put beside it fails, and the put’s key with it', async () => {
    const a = await world.start({ onEvictFailure: 'throw' });
    await region(a, 'b').getOrLoad('1', async () => 'old');
    const users = inside(a, 'a');
    const put = users.entryCall(users.keyOf('1'), resolveReadPolicy(users.options, {}, 'a test'), []);
    const after = () => inside(a, 'b').wantedKeys([inside(a, 'b').keyOf('1')]);
    a.faults.failNext('put');
    const writing = users.writer.writeAll({ strict: [], puts: [put], evictsNothing: false, after }, async () => 'new');
    await expect(writing).rejects.toMatchObject({ code: 'RC_EVICTION_PENDING' });
    expect(await region(a, 'b').get('1')).toBeUndefined();
    // as one group: should its fence have been lost, the other may be made of the old value again
    expect(a.cache.status().pendingEvictions).toBe(2);
    await world.clock.advance(1_000);
    expect(a.cache.status().pendingEvictions).toBe(0);
  });

  it('evicts at once what a full server refuses to put: nothing is pending, nothing thrown, one line per outage', async () => {
    const a = await world.start({ onEvictFailure: 'throw' });
    const users = region(a, 'users');
    for (let n = 0; n < 5; n++) {
      a.faults.failNext('put', new StoreRefusal('OOM command not allowed'));
      expect(await users.write('1', async () => 'new')).toBe('new');
    }
    expect(a.cache.status().pendingEvictions).toBe(0);
    expect(a.cache.status().regions['users']).toMatchObject({ evictions: 5, evictionsFailed: 0, putsRefused: 5 });
    expect(a.log.filter((line) => line.includes('OOM'))).toHaveLength(1);
    expect(await users.getOrLoad('1', async () => 'loaded')).toBe('loaded');
    expect(a.cache.status().regions['users']).toMatchObject({ fills: 1 });
  });

  it('lifts the fence of a strict eviction of several buckets when the method throws', async () => {
    const a = await world.start(NO_L1);
    const users = region(a, 'users');
    const behind = inside(a, 'users');
    const ids = [key(a, 'users', 0), key(a, 'users', 1)];
    const failing = evictStrictly(behind, ids, async () => {
      throw new Error('half done');
    });
    await expect(failing).rejects.toThrow('half done');
    for (const id of ids) await users.getOrLoad(id, async () => 'x');
    expect(a.cache.status().regions['users']).toMatchObject({ fills: 2, evictions: 2 });
  });

  it('gives up the lease of a load whose fill a full server refuses', async () => {
    const [a, b] = [await world.start(NO_L1), await world.start(NO_L1)];
    a.faults.failNext('fill', new StoreRefusal('OOM command not allowed'));
    expect(await region(a, 'users').getOrLoad('1', async () => 'mine')).toBe('mine');
    await settle();
    expect(await region(b, 'users').getOrLoad('1', async () => 'theirs')).toBe('theirs');
    expect(b.cache.status().regions['users']).toMatchObject({ leaseWaits: 0, fills: 1 });
  });
});
