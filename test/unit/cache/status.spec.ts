import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { World } from '../../support/a-cache.js';

describe('status', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  it('counts each change of incarnation once, and no lost message', async () => {
    const { cache, channel } = await world.start();
    const other = await world.start();
    await world.clock.advance(1_000);
    expect(cache.status().incarnations).toBe(0);

    channel.loses = () => true;
    await other.cache.region('users').evict(1);
    await world.clock.advance(1_000);
    channel.loses = () => false;
    expect(cache.status().incarnations).toBe(0);

    for (const changes of [1, 2]) {
      world.server.restart();
      await world.clock.advance(1_000);
      expect(cache.status().incarnations).toBe(changes);
    }
  });

  it('counts what L1 let go because of its bounds, apart from evictions', async () => {
    const { cache } = await world.start({ l1: { maxEntries: 2 } });
    const users = cache.region<number>('users');
    for (const id of [1, 2, 3]) await users.getOrLoad(id, async () => id);
    expect(cache.status().l1).toMatchObject({ entries: 2, replacements: 1 });
    await users.evict(3);
    expect(cache.status().l1).toMatchObject({ entries: 1, replacements: 1 });
    expect(cache.status().regions['users']).toMatchObject({ evictions: 1 });
  });
});
