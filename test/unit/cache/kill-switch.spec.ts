import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { engineOf } from '../../../lib/cache/redis-cache.js';
import { evictStrictly, type Instance, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

describe('the kill switch', () => {
  let world: World;
  let a: Instance;
  let b: Instance;
  beforeEach(async () => {
    world = new World();
    a = await world.start();
    b = await world.start();
  });
  afterEach(() => world.end());

  const read = ({ cache }: Instance, value: number, key = 1) =>
    cache.region<number>('users').getOrLoad(key, async () => value);

  it.each([
    ['the cache', ({ cache }: Instance) => cache],
    ['the region', ({ cache }: Instance) => cache.region('users')],
  ])('of %s lets reads load, and leaves the cache as it is', async (_what, of) => {
    await read(a, 1);
    of(a).disable();
    expect(await read(a, 2)).toBe(2);
    expect(await a.cache.region('users').get(1)).toBeUndefined();
    expect(await read(b, 3)).toBe(1);
    of(a).enable();
    expect(await read(a, 4)).toBe(1);
    expect(a.cache.status().regions['users']).toMatchObject({ bypasses: 2, loads: 2, fills: 1 });
  });

  it.each([
    ['the cache', ({ cache }: Instance) => cache],
    ['the region', ({ cache }: Instance) => cache.region('users')],
  ])('of %s tells each change once', (_what, of) => {
    for (const change of ['disable', 'disable', 'enable', 'enable'] as const) of(a)[change]();
    expect(a.log.map((line) => /switched (on|off)/.exec(line)?.[1])).toEqual(['off', 'on']);
  });

  it('of a region stands beside that of the cache', async () => {
    await read(a, 1);
    const users = a.cache.region<number>('users');
    users.disable();
    a.cache.disable();
    a.cache.enable();
    expect(await read(a, 2)).toBe(2);
    expect(a.cache.status()).toMatchObject({ enabled: true, disabledRegions: ['users'] });
    users.enable();
    expect(await read(a, 3)).toBe(1);
    a.cache.disable();
    expect(a.cache.status()).toMatchObject({ enabled: false, disabledRegions: [] });
  });

  it('also counts for regions that are first used afterwards', async () => {
    a.cache.disable();
    a.cache.region('orders').disable();
    a.cache.enable();
    expect(await a.cache.region<number>('orders').getOrLoad(1, async () => 1)).toBe(1);
    expect(a.cache.status().regions['orders']).toMatchObject({ bypasses: 1, fills: 0 });
  });

  it('asks the source twice for a crowd at most: for who came first, and for all who came after that load had begun', async () => {
    a.cache.disable();
    const load = gate<number>();
    let loads = 0;
    const one = () =>
      a.cache.region<number>('users').getOrLoad(1, () => {
        loads += 1;
        return load.promise;
      });
    const callers = Array.from({ length: 10 }, one);
    await settle();
    load.open(7);
    expect(await Promise.all(callers)).toEqual(callers.map(() => 7));
    expect(loads).toBe(2);
  });

  it('sends evictions, so that nothing from before is there when it comes back', async () => {
    await read(a, 1);
    await read(b, 1);
    a.cache.disable();
    await a.cache.region('users').evict(1);
    expect(await read(b, 2)).toBe(2);
    await b.cache.region('users').evict(1);
    a.cache.enable();
    expect(await read(a, 3)).toBe(3);
  });

  it('serves nothing from L1 whose eviction elsewhere was not heard of meanwhile', async () => {
    await read(a, 1);
    a.cache.disable();
    a.channel.loses = () => true;
    await b.cache.region('users').evict(1);
    await world.clock.advance(1_000);
    a.cache.enable();
    expect(await read(a, 2)).toBe(2);
  });

  it('evicts in place of a put, versioned or fenced', async () => {
    const users = a.cache.region<number>('users');
    await read(b, 1, 1);
    await read(b, 1, 2);
    a.cache.disable();
    await users.put(1, 2, { version: 2 });
    expect(await users.write(2, async () => 2)).toBe(2);
    expect(await read(b, 3, 1)).toBe(3);
    expect(await read(b, 3, 2)).toBe(3);
    expect(a.cache.status().regions['users']).toMatchObject({ puts: 0, evictions: 2 });
  });

  it('lets a strict write run without its fence, and queues what it evicts', async () => {
    await read(b, 1);
    a.cache.disable();
    a.faults.breakDown();
    const region = engineOf(a.cache).region('users');
    expect(await evictStrictly(region, ['1'], async () => 'written')).toBe('written');
    a.faults.heal();
    await world.clock.advance(500);
    expect(await read(b, 2)).toBe(2);
  });

  it('tells the log once, and says where it does nothing', async () => {
    const off = await world.make({ enabled: false });
    a.log.length = 0;
    a.cache.disable();
    a.cache.disable();
    a.cache.region('users').disable();
    a.cache.enable();
    expect(a.log).toEqual([
      'Cache "default" was switched off: reads load, nothing is put, evictions are still sent.',
      'Region "users" of cache "default" was switched off: reads load, nothing is put, evictions are still sent.',
      'Cache "default" was switched on: reads use it again.',
    ]);
    off.cache.disable();
    off.cache.enable();
    expect(off.log.at(-1)).toContain('since the option enabled is false');
    expect(off.cache.status().enabled).toBe(false);
  });
});
