import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { engineOf } from '../../../lib/cache/redis-cache.js';
import { World } from '../../support/a-cache.js';
import { settle } from '../../support/fake-clock.js';
import type { Faults } from '../../support/faulty-store.js';

const BUG = 'Cannot read properties of undefined';

/** The next call of this operation fails as a programming error does. */
function breakNext(faults: Faults, operation: Parameters<Faults['failNext']>[0]): void {
  faults.failNext(operation, new TypeError(BUG));
}

describe('a fault of this library', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  it('makes a read load, and is logged once with its stack', async () => {
    const { cache, faults, log } = await world.start({ l1: false });
    const users = cache.region('users');
    for (const id of [1, 2]) {
      breakNext(faults, 'read');
      expect(await users.getOrLoad(id, async () => id)).toBe(id);
      breakNext(faults, 'read');
      expect(await users.get(id)).toBeUndefined();
    }
    expect(log).toEqual([expect.stringMatching(/^A read failed by a fault of nestjs-redis-cache itself.*\n.*at /s)]);
  });

  it.each(['read', 'readOrLease', 'fill', 'release', 'renew'] as const)(
    'in %s costs no caller an answer',
    async (operation) => {
      const { cache, faults, log } = await world.start({ l1: false });
      breakNext(faults, operation);
      const load = async () => {
        await world.clock.advance(1_000);
        return undefined;
      };
      const unless = () => operation === 'release';
      expect(await cache.region('users').getOrLoad(1, load, { unless })).toBeUndefined();
      await engineOf(cache).settled();
      expect(log).toEqual([expect.stringContaining(BUG)]);
    },
  );

  it.each(['journal', 'throw'] as const)(
    'in an eviction is the caller’s to see, with onEvictFailure %s',
    async (policy) => {
      const { cache, faults, log } = await world.start({ onEvictFailure: policy });
      breakNext(faults, 'evict');
      const evicting = cache.region('users').evict(1);
      await expect(evicting).rejects.toMatchObject({ code: 'RC_STORE_UNAVAILABLE', cause: new TypeError(BUG) });
      await expect(evicting).rejects.not.toThrow(/did not acknowledge/);
      expect(cache.status().pendingEvictions).toBe(0);
      expect(log.join()).not.toContain('did not acknowledge');
    },
  );

  it.each(['fence', 'unfence', 'put'] as const)('in %s of a write is told, and queued nowhere', async (operation) => {
    const { cache, faults } = await world.start({ onFenceFailure: 'run' });
    breakNext(faults, operation);
    const writing = cache.region('users').write(1, async () => (operation === 'put' ? 'ann' : undefined));
    if (operation === 'fence') await writing;
    else await expect(writing).rejects.toMatchObject({ code: 'RC_STORE_UNAVAILABLE' });
    expect(cache.status().pendingEvictions).toBe(0);
  });

  it.each([['text'], [undefined], [null], [{ code: 'ECONNRESET' }], [Object.create(null)], [Symbol('no')]])(
    'may be anything that a store rejects with: %p',
    async (thrown: unknown) => {
      const { cache, faults, log } = await world.start({ l1: false, onFenceFailure: 'run' });
      const users = cache.region('users');
      for (const operation of ['read', 'readOrLease', 'fill', 'release', 'poll'] as const) {
        faults.failNext(operation, thrown);
        // the third is refused by the loader's result alone: its lease is released
        const unless = () => operation === 'release';
        expect(await users.getOrLoad(operation, async () => 7, { unless })).toBe(7);
        await world.clock.advance(300);
      }
      await engineOf(cache).settled();
      for (const [operation, call] of [
        ['evict', () => users.evict(1)],
        ['put', () => users.put(1, 1, { version: 1 })],
        ['stamp', () => cache.evictTags(['t'])],
        ['unfence', () => users.write(1, async () => undefined)],
      ] as const) {
        faults.failNext(operation, thrown);
        await expect(call()).rejects.toMatchObject({ code: 'RC_STORE_UNAVAILABLE', cause: thrown });
      }
      expect(cache.status().pendingEvictions).toBe(0);
      expect(log.every((line) => line.includes('by a fault of nestjs-redis-cache itself'))).toBe(true);
      expect(log.length).toBeGreaterThan(0);
    },
  );

  it('in a stamp is the caller’s to see', async () => {
    const { cache, faults } = await world.start();
    breakNext(faults, 'stamp');
    await expect(cache.evictTags(['t'])).rejects.toMatchObject({ code: 'RC_STORE_UNAVAILABLE' });
    expect(cache.status().pendingEvictions).toBe(0);
  });

  it('ends the retries of an eviction', async () => {
    const { cache, faults, log } = await world.start();
    faults.failNext('evict');
    await cache.region('users').evict(1);
    expect(cache.status().pendingEvictions).toBe(1);
    breakNext(faults, 'evict');
    await world.clock.advance(100);
    expect(cache.status().pendingEvictions).toBe(0);
    expect(log.filter((line) => line.includes(BUG))).toHaveLength(1);
  });

  it('in a poll is no outage', async () => {
    const { faults, log } = await world.start();
    breakNext(faults, 'poll');
    await world.clock.advance(1_000);
    await settle();
    expect(log).toEqual([expect.stringMatching(/^A poll failed by a fault of nestjs-redis-cache itself/)]);
  });
});
