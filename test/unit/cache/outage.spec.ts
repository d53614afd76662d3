import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Outage } from '../../../lib/cache/outage.js';
import { engineOf } from '../../../lib/cache/redis-cache.js';
import { World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

describe('without Redis', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  it('opens, and answers every call by its loader, typed as a hit would be', async () => {
    const { cache, faults } = await world.start({ l1: false });
    faults.breakDown();
    const users = cache.region('users');
    expect(await users.getOrLoad(1, async () => ({ at: new Date(1) }))).toEqual({ at: new Date(1) });
    expect(await users.get(1)).toBeUndefined();
    expect(faults.calls['readOrLease']).toBeUndefined();
    expect(faults.calls['fill']).toBeUndefined();
  });

  it('still runs one load for callers who arrived before it began', async () => {
    const { cache, faults } = await world.start({ l1: false });
    faults.breakDown();
    const load = gate<number>();
    let loads = 0;
    const read = () =>
      cache.region<number>('users').getOrLoad(1, () => {
        loads += 1;
        return load.promise;
      });
    const callers = [read(), read(), read()];
    await settle();
    load.open(7);
    expect(await Promise.all(callers)).toEqual([7, 7, 7]);
    expect(loads).toBe(1);
  });

  it('does not hand a load to a caller who arrived after it began', async () => {
    const { cache, faults } = await world.start({ l1: false });
    faults.breakDown();
    const load = gate();
    let version = 1;
    const read = () =>
      cache.region<number>('users').getOrLoad(1, async () => {
        const seen = version;
        await load.promise;
        return seen;
      });
    const first = read();
    await settle();
    version = 2;
    const second = read();
    load.open();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it('goes on serving L1 until it can no longer be proven', async () => {
    const { cache, faults } = await world.start();
    const users = cache.region<number>('users');
    await users.getOrLoad(1, async () => 1);
    faults.breakDown();
    expect(await users.getOrLoad(1, async () => 2)).toBe(1);
    await world.clock.advance(1_001);
    expect(await users.getOrLoad(1, async () => 2)).toBe(2);
  });

  it('never keeps a value in L1 whose fill may or may not have arrived', async () => {
    const { cache, faults } = await world.start();
    const users = cache.region<number>('users');
    faults.loseNextReply('fill');
    await users.getOrLoad(1, async () => 1);
    await users.getOrLoad(1, async () => 2);
    expect(cache.status().regions['users']).toMatchObject({ hitsL1: 0, hitsL2: 1 });
  });

  it('does not hand a value to a caller who arrived during its load, when the fill’s outcome is unknown', async () => {
    const [a, b] = [await world.start({ l1: false }), await world.start()];
    const load = gate();
    let version = 1;
    const read = () =>
      a.cache.region<number>('users').getOrLoad(1, async () => {
        const seen = version;
        await load.promise;
        return seen;
      });
    const first = read();
    await settle();
    version = 2;
    await b.cache.region('users').evict(1);
    const second = read();
    a.faults.loseNextReply('fill');
    load.open();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it('queues an eviction, reads past the cache until it is acknowledged, and logs one line', async () => {
    const [a, b] = [await world.start(), await world.start()];
    const users = a.cache.region<number>('users');
    await users.getOrLoad(1, async () => 1);
    await users.getOrLoad(2, async () => 1);
    a.faults.breakDown();
    await users.evict(1);
    await users.evict(2);
    expect(a.cache.status().pendingEvictions).toBe(2);
    expect(await users.getOrLoad(1, async () => 2)).toBe(2);
    expect(a.log.filter((line) => line.includes('RC_EVICTION_PENDING'))).toHaveLength(1);
    a.faults.heal();
    expect(await users.getOrLoad(1, async () => 3)).toBe(3);
    await world.clock.advance(2_500);
    expect(a.cache.status().pendingEvictions).toBe(0);
    expect(await b.cache.region('users').get(1)).toBeUndefined();
    expect(a.cache.status().regions['users']).toMatchObject({ evictionsFailed: 2 });
  });

  it('does not let a caller join a read that began before the eviction failed (G3)', async () => {
    const [a, b] = [await world.start({ l1: false }), await world.start()];
    const users = a.cache.region<number>('users');
    const load = gate<number>();
    const elsewhere = b.cache.region<number>('users').getOrLoad(1, () => load.promise);
    await settle();
    const first = users.getOrLoad(1, async () => 2);
    await settle();
    a.faults.failNext('evict');
    await users.evict(1);
    const second = users.getOrLoad(1, async () => 2);
    await settle();
    load.open(1);
    expect(await elsewhere).toBe(1);
    expect(await first).toBe(1);
    expect(await second).toBe(2);
  });

  it('waits for the acknowledgement when told so', async () => {
    const { cache, faults } = await world.start({ onEvictFailure: 'block' });
    faults.breakDown();
    let isAcknowledged = false;
    const evicting = cache
      .region('users')
      .evict(1)
      .then(() => (isAcknowledged = true));
    await world.clock.advance(2_000);
    expect(isAcknowledged).toBe(false);
    faults.heal();
    await world.clock.advance(2_000);
    await evicting;
    expect(cache.status().pendingEvictions).toBe(0);
  });

  it('throws when evictWait is over, and goes on trying', async () => {
    const { cache, faults } = await world.start({ onEvictFailure: 'block', evictWait: '1s' });
    faults.breakDown();
    const evicting = expect(cache.region('users').evict(1)).rejects.toMatchObject({
      code: 'RC_EVICTION_PENDING',
      message: expect.stringContaining('within evictWait (1000 ms)'),
      cause: { code: 'RC_EVICTION_PENDING' },
    });
    const writing = expect(cache.region('users').write(2, async () => 1)).rejects.toMatchObject({
      code: 'RC_EVICTION_PENDING',
    });
    await world.clock.advance(1_000);
    await evicting;
    await writing;
    faults.heal();
    await world.clock.advance(3_000);
    expect(cache.status().pendingEvictions).toBe(0);
  });

  it('does not keep a caller who waits beyond the end of the cache', async () => {
    const { cache, engine, faults } = await world.start({ onEvictFailure: 'block', evictWait: '1m' });
    faults.breakDown();
    const evicting = expect(cache.region('users').evict(1)).rejects.toMatchObject({ code: 'RC_CLOSED' });
    await settle();
    const closing = engine.close();
    await world.clock.advance(10_000);
    await Promise.all([closing, evicting]);
  });

  it('tells how long the oldest eviction has been pending', async () => {
    const { cache, faults } = await world.start();
    const age = () => cache.status().oldestPendingEvictionMs;
    expect(age()).toBeNull();
    faults.breakDown();
    await cache.region('users').evict(1);
    await world.clock.advance(3_000);
    await cache.region('users').evict(2);
    await cache.region('users').evict(1);
    expect(age()).toBe(3_000);
    // what is beyond the bound becomes a clear, as old as what it stands for
    for (let n = 0; n < 10_000; n++) void cache.region('users').evict(n + 10);
    await world.clock.advance(1_000);
    expect(age()).toBe(4_000);
    faults.heal();
    await world.clock.advance(3_000);
    expect(age()).toBeNull();
  }, 120_000);

  it('throws instead of queueing silently when told so, and queues all the same', async () => {
    const { cache, faults } = await world.start({ onEvictFailure: 'throw' });
    faults.failNext('evict');
    await expect(cache.region('users').evict(1)).rejects.toMatchObject({ code: 'RC_EVICTION_PENDING' });
    expect(cache.status().pendingEvictions).toBe(1);
    await world.clock.advance(200);
    expect(cache.status().pendingEvictions).toBe(0);
  });

  it('reads past the cache while a tag is pending, whatever this instance knows of tags in the region', async () => {
    const [a, b] = [await world.start(), await world.start()];
    await a.cache.region<number>('users').getOrLoad(1, async () => 1, { tags: ['t'] });
    const users = b.cache.region<number>('users');
    expect(await users.getOrLoad(1, async () => 2)).toBe(1);
    b.faults.breakDown();
    await b.cache.evictTags(['t']);
    expect(await users.get(1)).toBeUndefined();
    expect(await users.getOrLoad(1, async () => 2)).toBe(2);
    b.faults.heal();
    await world.clock.advance(200);
    expect(await a.cache.region<number>('users').getOrLoad(1, async () => 3)).toBe(3);
  });

  it('queues a mark for the buckets that are away, and leaves the others their entries', async () => {
    const many = new World(2);
    const { cache, faults } = await many.start({ l1: false });
    const users = cache.region<number>('users');
    const ids = Array.from({ length: 20 }, (_, id) => id);
    faults.breakDownBucket(1);
    await cache.evictTags(['t']);
    expect(cache.status().pendingEvictions).toBe(1);
    const healthy = ids.filter((id) => engineOf(cache).region('users').keyOf(String(id)).bucket === 0);
    for (const id of healthy) await users.getOrLoad(id, async () => 1, { tags: ['t'] });
    await many.clock.advance(5_000);
    for (const id of healthy) expect(await users.get(id)).toBe(1);
    faults.heal();
    await many.clock.advance(2_500);
    expect(cache.status().pendingEvictions).toBe(0);
    await many.end();
  });

  it('queues evictions of tags, regions and the cache as well', async () => {
    const { cache, faults } = await world.start();
    const users = cache.region<number>('users');
    await users.getOrLoad(1, async () => 1, { tags: ['t'] });
    faults.breakDown();
    await cache.evictTags(['t']);
    expect(await users.getOrLoad(1, async () => 2, { tags: ['t'] })).toBe(2);
    await users.clear();
    await cache.clear();
    expect(cache.status().pendingEvictions).toBe(3);
    faults.heal();
    await world.clock.advance(5_000);
    expect(cache.status().pendingEvictions).toBe(0);
    expect(await users.getOrLoad(1, async () => 3, { tags: ['t'] })).toBe(3);
  });
});

describe('what the log says of an outage', () => {
  const BUCKETS = 16;
  let world: World;
  beforeEach(() => {
    world = new World(BUCKETS);
  });
  afterEach(() => world.end());
  const ofRedis = (log: readonly string[]) => log.filter((line) => line.startsWith('Redis '));

  it('is one line when it begins and one when every bucket answers again, with its length', async () => {
    const { faults, log } = await world.start();
    faults.breakDown();
    await world.clock.advance(10_000);
    expect(ofRedis(log)).toEqual([
      'Redis does not answer: the test says so [RC_STORE_UNAVAILABLE]. Calls load until it does.',
    ]);
    faults.heal();
    await world.clock.advance(3_000);
    // nobody asks, so that it was first noticed after a second
    expect(ofRedis(log).slice(1)).toEqual(['Redis answers again, after 9.3 s.']);
    await world.clock.advance(10_000);
    expect(log).toHaveLength(2);
  });

  it('is one line more after a minute, with the latest reason, and none after that', async () => {
    const { faults, log } = await world.start();
    faults.breakDown();
    await world.clock.advance(59_000);
    expect(ofRedis(log)).toHaveLength(1);
    await world.clock.advance(3_000);
    const reminder =
      /^Where Redis fails, nothing could be cached since \d{4}-\d\d-\d\dT[\d:.]+Z, because the test says so/;
    expect(log.filter((line) => reminder.test(line))).toHaveLength(1);
    await world.clock.advance(600_000);
    expect(log).toHaveLength(2);
    faults.heal();
    await world.clock.advance(3_000);
    expect(ofRedis(log)).toHaveLength(2);
  });

  it('is no reminder once Redis is back', async () => {
    const { faults, log } = await world.start();
    faults.breakDown();
    await world.clock.advance(58_000);
    faults.heal();
    await world.clock.advance(60_000);
    expect(log.filter((line) => line.includes('could be cached'))).toEqual([]);
  });

  it('is not more for a server that falters', async () => {
    const { faults, log } = await world.start();
    for (let second = 0; second < 10; second++) {
      faults.failNext('poll');
      await world.clock.advance(900);
    }
    expect(ofRedis(log)).toHaveLength(1);
    await world.clock.advance(3_000);
    expect(ofRedis(log)).toHaveLength(2);
  });

  it('is told again when Redis goes away again', async () => {
    const { faults, log } = await world.start();
    for (let outage = 0; outage < 2; outage++) {
      faults.breakDown();
      await world.clock.advance(1_000);
      faults.heal();
      await world.clock.advance(3_000);
    }
    expect(ofRedis(log).map((line) => line.slice(0, 13))).toEqual([
      'Redis does no',
      'Redis answers',
      'Redis does no',
      'Redis answers',
    ]);
  });

  it('is also told when Redis is away from the start', async () => {
    const { cache, faults, log } = await world.make();
    faults.failNext('poll');
    await engineOf(cache).open();
    expect(ofRedis(log)).toHaveLength(1);
    await world.clock.advance(2_000);
    expect(ofRedis(log)).toHaveLength(2);
  });

  it('is told by what the server says later, once, where it was only guessed', () => {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const outage = new Outage(world.clock, { log: write, warn: write, error: write, debug: write }, 2);
    const why = (text: string, marks = {}) => new Error('x', { cause: Object.assign(new Error(text), marks) });
    outage.failed(0, why('the server hangs', { isGuess: true }));
    outage.failed(1, why('the server hangs', { isGuess: true }));
    outage.failed(0, why('WRONGPASS'));
    outage.failed(1, why('NOAUTH'));
    expect(lines).toEqual([
      'Redis does not answer: the server hangs. Calls load until it does.',
      'Redis does not answer, as is known now: WRONGPASS.',
    ]);
    outage.close();
  });

  it('is nothing when the cache closes', async () => {
    const { cache, faults, log } = await world.start();
    const poll = faults.holdNext('poll');
    await world.clock.advance(1_000);
    await engineOf(cache).close();
    poll.fail(new Error('closed'));
    await settle();
    expect(log).toEqual([]);
  });
});
