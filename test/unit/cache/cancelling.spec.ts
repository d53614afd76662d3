import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CacheRegion } from '../../../lib/cache/cache-region.js';
import { World } from '../../support/a-cache.js';
import { settle } from '../../support/fake-clock.js';

/** Rejects with the signal's reason when it is aborted. */
function until(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

describe('a caller who gives up', () => {
  let world: World;
  let users: CacheRegion<string>;
  beforeEach(async () => {
    world = new World();
    users = (await world.start()).cache.region('users');
  });
  afterEach(() => world.end());

  it('takes nobody along: those who joined the load start anew, together', async () => {
    const first = new AbortController();
    let loads = 0;
    const cancelled = users.getOrLoad('a', () => until(first.signal));
    const others = [1, 2, 3].map(() =>
      users.getOrLoad('a', async () => {
        loads += 1;
        return 'report';
      }),
    );
    await settle();
    first.abort();
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    expect(await Promise.all(others)).toEqual(['report', 'report', 'report']);
    expect(loads).toBe(1);
  });

  it('does not make a crowd wait one after the other for a source that aborts by itself', async () => {
    let loads = 0;
    const aborting = async () => {
      loads += 1;
      await settle();
      throw new DOMException('took too long', 'AbortError');
    };
    const callers = Array.from({ length: 20 }, () => users.getOrLoad('a', aborting));
    const outcomes = await Promise.allSettled(callers);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(loads).toBe(2);
  });

  it('shares what the source failed with', async () => {
    let loads = 0;
    const failing = async () => {
      loads += 1;
      await settle();
      throw new Error('database away');
    };
    await Promise.allSettled([users.getOrLoad('a', failing), users.getOrLoad('a', failing)]);
    expect(loads).toBe(1);
  });
});
