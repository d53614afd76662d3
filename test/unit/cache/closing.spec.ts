import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { engineOf } from '../../../lib/cache/redis-cache.js';
import { evictStrictly, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

describe('closing', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  it('sends pending evictions once more before it ends', async () => {
    const [a, b] = [await world.start(), await world.start()];
    await a.cache.region('users').getOrLoad(1, async () => 1);
    a.faults.failNext('evict');
    await a.cache.region('users').evict(1);
    await a.engine.close();
    expect(a.cache.status().pendingEvictions).toBe(0);
    expect(await b.cache.region('users').get(1)).toBeUndefined();
    expect(a.log.join()).not.toContain('given up');
  });

  it('goes on trying for up to 2 s', async () => {
    const [a, b] = [await world.start(), await world.start()];
    await a.cache.region('users').getOrLoad(1, async () => 1);
    a.faults.breakDown();
    await a.cache.region('users').evict(1);
    const closing = a.engine.close();
    await world.clock.advance(500);
    a.faults.heal();
    await world.clock.advance(60);
    await closing;
    expect(await b.cache.region('users').get(1)).toBeUndefined();
  });

  it('leaves a method its own error, whatever cannot be evicted after it', async () => {
    const { cache, engine } = await world.start();
    const users = cache.region<number>('users');
    const behind = engine.region('users');
    const [writing, strict] = [gate<number>(), gate<number>()];
    const outcomes = Promise.allSettled([
      users.write(1, () => writing.promise),
      evictStrictly(behind, ['2'], () => strict.promise),
    ]);
    await settle();
    const closing = engineOf(cache).close();
    await world.clock.advance(4_100);
    await closing;
    const error = new Error('refused by the database');
    writing.fail(error);
    strict.fail(error);
    expect(await outcomes).toEqual([1, 2].map(() => ({ status: 'rejected', reason: error })));
  });

  it('says how many evictions it gives up', async () => {
    const { cache, faults, log } = await world.start();
    faults.breakDown();
    await cache.region('users').evict(1);
    await cache.evictTags(['t']);
    const closing = engineOf(cache).close();
    await world.clock.advance(2_100);
    await closing;
    expect(log.at(-1)).toMatch(/^2 evictions were never acknowledged by Redis and are given up/);
  });

  it('waits for writes under way, so that their evictions are sent', async () => {
    const [a, b] = [await world.start(), await world.start()];
    const users = a.cache.region<number>('users');
    await users.getOrLoad(1, async () => 1);
    const committed = gate();
    const behind = a.engine.region('users');
    const writing = evictStrictly(behind, ['1'], () => committed.promise);
    await settle();
    const closing = a.engine.close();
    await settle();
    committed.open();
    await Promise.all([writing, closing]);
    expect(await b.cache.region<number>('users').getOrLoad(1, async () => 2)).toBe(2);
    expect(b.cache.status().regions['users']).toMatchObject({ fills: 1 });
  });

  it('waits for nothing longer than 2 s: not for a write, not for a refresh that hangs', async () => {
    const { cache } = await world.start({ ttl: '1s', staleWhileRevalidate: '1m', l1: false });
    const users = cache.region<number>('users');
    await users.getOrLoad(1, async () => 1);
    await world.clock.advance(1_100);
    const hangs = gate<number>();
    expect(await users.getOrLoad(1, () => hangs.promise)).toBe(1);
    const writing = users.write(2, () => hangs.promise);
    await settle();
    let isClosed = false;
    void engineOf(cache)
      .close()
      .then(() => (isClosed = true));
    await world.clock.advance(4_100);
    expect(isClosed).toBe(true);
    hangs.open(3);
    await expect(writing).rejects.toMatchObject({ code: 'RC_CLOSED' });
  });

  it('refuses evictions afterwards, instead of promising to send them', async () => {
    const { cache } = await world.start();
    const users = cache.region<number>('users');
    await engineOf(cache).close();
    await expect(users.evict(1)).rejects.toMatchObject({ code: 'RC_CLOSED' });
    await expect(cache.evictTags(['t'])).rejects.toMatchObject({ code: 'RC_CLOSED' });
    expect(await users.getOrLoad(1, async () => 7)).toBe(7);
    expect(cache.status().pendingEvictions).toBe(0);
  });

  it('opens nothing any more when it is closed while it opens', async () => {
    const { cache, channel } = await world.start();
    expect(channel.isOpen).toBe(true);
    await engineOf(cache).close();
    const late = await world.make();
    const opened = late.faults.holdNext('open');
    const opening = late.engine.open();
    const closing = late.engine.close();
    opened.open();
    await Promise.all([opening, closing]);
    expect(late.channel.isOpen).toBe(false);
    expect(world.clock.pendingTimers).toBe(0);
  });
});
