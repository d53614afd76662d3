import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Instance, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

describe('reads past the cache', () => {
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
  const counts = ({ cache }: Instance) => cache.status().regions['users'];

  it('go by options of one call as well, and say so in its report', async () => {
    const users = a.cache.region<number>('users');
    await read(a, 1);
    const reports: object[] = [];
    const report = (told: object) => void reports.push(told);
    expect(await users.getOrLoad(1, async () => 2, { bypass: true, report })).toBe(2);
    expect(await read(a, 3)).toBe(1);
    expect(await users.getOrLoad(1, async () => 2, { forceFresh: true, report })).toBe(2);
    expect(await read(a, 3)).toBe(2);
    expect(reports).toMatchObject([
      { source: 'load', bypass: 'asked', isStored: false },
      { source: 'load', bypass: null, isStored: true },
    ]);
    await expect(users.getOrLoad(1, async () => 2, { bypass: 'yes' } as never)).rejects.toMatchObject({
      code: 'RC_INVALID_OPTION',
    });
  });

  describe('bypass', () => {
    it('loads, and leaves the cache as it is', async () => {
      await read(a, 1);
      expect(await a.cache.bypass(() => read(a, 2))).toBe(2);
      expect(await a.cache.bypass(() => a.cache.region('users').get(1))).toBeUndefined();
      expect(await read(a, 3)).toBe(1);
      expect(counts(a)).toMatchObject({ bypasses: 2, fills: 1, hitsL1: 1 });
    });

    it('is of the function alone, as long as it runs', async () => {
      await read(a, 1);
      const hold = gate();
      const within = a.cache.bypass(async () => {
        await hold.promise;
        return read(a, 2);
      });
      expect(await read(a, 3)).toBe(1);
      hold.open();
      expect(await within).toBe(2);
      expect(await read(a, 3)).toBe(1);
      expect(counts(a)).toMatchObject({ hitsL1: 2, bypasses: 1 });
    });

    it('is of one cache', async () => {
      await read(b, 1);
      expect(await a.cache.bypass(() => read(b, 2))).toBe(1);
    });

    it('passes the error of the function on, and ends with it', async () => {
      await read(a, 1);
      await expect(a.cache.bypass(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
      expect(await read(a, 2)).toBe(1);
      expect(counts(a)).toMatchObject({ hitsL1: 1 });
    });

    it('of a function that fails at once rejects', async () => {
      await expect(
        a.cache.bypass(() => {
          throw new Error('at once');
        }),
      ).rejects.toThrow('at once');
    });
  });

  describe('forceFresh', () => {
    it('loads, and writes what it loaded', async () => {
      await read(a, 1);
      expect(await a.cache.forceFresh(() => read(a, 2))).toBe(2);
      expect(await read(a, 3)).toBe(2);
      expect(await world.start({ l1: false }).then((c) => read(c, 4))).toBe(2);
      expect(counts(a)).toMatchObject({ loads: 2, fills: 2, misses: 2, hitsL1: 1 });
    });

    it('takes nobody else’s load: its own begins after the call', async () => {
      const hold = gate<number>();
      const first = a.cache.region<number>('users').getOrLoad(1, () => hold.promise);
      await settle();
      let began = false;
      const fresh = a.cache.forceFresh(() =>
        a.cache.region<number>('users').getOrLoad(1, async () => {
          began = true;
          return 2;
        }),
      );
      await settle();
      expect(began).toBe(false);
      hold.open(1);
      expect(await first).toBe(1);
      await world.clock.advance(100);
      expect(await fresh).toBe(2);
      expect(await read(a, 3)).toBe(2);
    });

    it('asks the source twice for a crowd at most, and shares it', async () => {
      const hold = gate<number>();
      let loads = 0;
      const fresh = () =>
        a.cache.region<number>('users').getOrLoad(
          1,
          () => {
            loads += 1;
            return hold.promise;
          },
          { forceFresh: true },
        );
      const early = Array.from({ length: 5 }, fresh);
      await settle();
      const late = Array.from({ length: 5 }, fresh);
      await settle();
      hold.open(1);
      await Promise.all([...early, ...late]);
      expect(loads).toBe(2);
    });

    it('does not wait for the load of which the call is part', async () => {
      const users = a.cache.region<number>('users');
      const own = () => users.getOrLoad(1, async () => 2, { forceFresh: true });
      expect(await users.getOrLoad(1, own)).toBe(2);
    });

    it('waits for a load that hangs no longer than maxWait, and then leaves the cache alone', async () => {
      const hold = gate<number>();
      const hanging = b.cache.region<number>('users').getOrLoad(1, () => hold.promise);
      await settle();
      const fresh = a.cache.forceFresh(() => read(a, 2));
      await world.clock.advance(5_100);
      expect(await fresh).toBe(2);
      hold.open(1);
      expect(await hanging).toBe(1);
      expect(await read(a, 3)).toBe(1);
    });

    it('does not fill what was evicted while it loaded', async () => {
      await read(a, 1);
      const hold = gate<number>();
      const fresh = a.cache.forceFresh(() => a.cache.region<number>('users').getOrLoad(1, () => hold.promise));
      await settle();
      await b.cache.region('users').evict(1);
      hold.open(2);
      expect(await fresh).toBe(2);
      expect(await read(a, 3)).toBe(3);
      expect(counts(a)).toMatchObject({ fillsRefused: 1 });
    });

    it('loads without Redis', async () => {
      await read(a, 1);
      a.faults.breakDown();
      expect(await a.cache.forceFresh(() => read(a, 2))).toBe(2);
    });

    it('of a region that is switched off loads, and writes nothing', async () => {
      a.cache.region('users').disable();
      expect(await a.cache.forceFresh(() => read(a, 2))).toBe(2);
      expect(counts(a)).toMatchObject({ fills: 0, bypasses: 1 });
    });
  });
});
