import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RedisCache } from '../../../lib/cache/redis-cache.js';
import { CODECS, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

describe.each(CODECS)('after a failover, with the codec %s', (codec) => {
  let world: World;
  let version: number;
  let loads: number;
  beforeEach(() => {
    world = new World(1, { codec });
    version = 1;
    loads = 0;
  });
  afterEach(() => world.end());

  const started = (onFailover: 'flush' | 'stale' | 'keep') =>
    Promise.all([world.start({ onFailover }), world.start({ onFailover })]);

  const read = (cache: RedisCache, loaded: Promise<unknown> = Promise.resolve()) =>
    cache.region<number>('users').getOrLoad(
      1,
      async () => {
        loads += 1;
        await loaded;
        return version;
      },
      { tags: ['all'] },
    );

  it(`'flush' loads anew, and serves nothing from before`, async () => {
    const [a, b] = await started('flush');
    await read(a.cache);
    version = 2;
    world.server.restart();
    expect(await read(b.cache)).toBe(2);
  });

  it(`'stale' answers all with the old value at once, while one of all instances loads`, async () => {
    const [a, b] = await started('stale');
    await read(a.cache);
    version = 2;
    world.server.restart();
    const load = gate();
    expect(await Promise.all([read(a.cache, load.promise), read(b.cache, load.promise)])).toEqual([1, 1]);
    expect(await read(b.cache, load.promise)).toBe(1);
    expect(loads).toBe(2);
    load.open();
    await a.engine.settled();
    await b.engine.settled();
    expect(await Promise.all([read(a.cache), read(b.cache)])).toEqual([2, 2]);
    expect(loads).toBe(2);
  });

  it(`'stale' counts what it serves as stale, and keeps it out of L1`, async () => {
    const { cache } = await world.start({ onFailover: 'stale' });
    await read(cache);
    world.server.restart();
    await world.clock.advance(300); // a poll finds out
    const load = gate();
    await read(cache, load.promise);
    await read(cache, load.promise);
    expect(cache.status().regions['users']).toMatchObject({ stale: 2, hitsL1: 0 });
    load.open();
  });

  it.each(['evict', 'evictTags', 'clear'] as const)(
    `'stale' serves nothing that was voided by %s since`,
    async (how) => {
      const [a, b] = await started('stale');
      await read(a.cache);
      version = 2;
      world.server.restart();
      if (how === 'evict') await b.cache.region('users').evict(1);
      else if (how === 'evictTags') await b.cache.evictTags(['all']);
      else await b.cache.clear();
      expect(await read(a.cache)).toBe(2);
    },
  );

  it(`'stale' serves nothing whose ttl is over`, async () => {
    const { cache } = await world.start({ onFailover: 'stale', staleIfError: '1h', ttl: '1m' });
    await read(cache);
    version = 2;
    await world.clock.advance(60_001);
    world.server.restart();
    expect(await read(cache)).toBe(2);
  });

  it(`'keep' goes on as before, with plain reads and from L1`, async () => {
    const [a, b] = await started('keep');
    await read(a.cache);
    version = 2;
    world.server.restart();
    await world.clock.advance(300);
    await settle();
    const asked = b.faults.calls['readOrLease'] ?? 0;
    expect(await read(b.cache)).toBe(1);
    expect(await read(b.cache)).toBe(1);
    // tags from before the poll are the server's to judge, once; then L1 has it
    expect((b.faults.calls['readOrLease'] ?? 0) - asked).toBeLessThanOrEqual(1);
    expect(b.cache.status().regions['users']).toMatchObject({ hitsL2: 1, hitsL1: 1, loads: 0 });
  });

  it(`'keep' reads entries without tags plainly`, async () => {
    const [a, b] = await started('keep');
    const users = a.cache.region<number>('plain');
    await users.getOrLoad(1, async () => 1);
    b.cache.region('plain');
    world.server.restart();
    await world.clock.advance(300);
    await settle();
    const asked = b.faults.calls['readOrLease'] ?? 0;
    expect(await b.cache.region<number>('plain').getOrLoad(1, async () => 2)).toBe(1);
    expect(b.faults.calls['readOrLease'] ?? 0).toBe(asked);
  });

  it(`'keep' still follows evictions`, async () => {
    const [a, b] = await started('keep');
    await read(a.cache);
    world.server.restart();
    version = 2;
    await a.cache.region('users').evict(1);
    expect(await read(b.cache)).toBe(2);
  });

  it('neither serves anything when the marks were lost', async () => {
    for (const onFailover of ['stale', 'keep'] as const) {
      const { cache } = await world.start({ onFailover });
      version = 1;
      await cache.region('users').evict(1);
      await read(cache);
      version = 2;
      const { values } = world.server.dump();
      world.server.flush();
      world.server.values.restore(values);
      expect(await read(cache)).toBe(1); // L1, until a poll finds out
      await world.clock.advance(300);
      expect(await read(cache)).toBe(2);
    }
  });
});
