import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CODECS, evictStrictly, type Instance, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

interface Row {
  id: number;
  version: number;
}

/** Rows of a table; writes raise their version. */
class Table {
  readonly rows = new Map<number, Row>();
  read = async (id: number): Promise<Row | null> => this.rows.get(id) ?? null;
  write = async (id: number): Promise<Row> => {
    const row = { id, version: (this.rows.get(id)?.version ?? 0) + 1 };
    this.rows.set(id, row);
    return row;
  };
}

describe.each(CODECS)('writing, with the codec %s', (codec) => {
  let world: World;
  let table: Table;
  beforeEach(() => {
    world = new World(1, { codec });
    table = new Table();
  });
  afterEach(() => world.end());

  const behind = (instance: Instance) => instance.engine.region('users');
  const users = ({ cache }: Instance) => cache.region<Row | null>('users');
  const read = (instance: Instance) => users(instance).getOrLoad(1, () => table.read(1));
  const versioned = { version: (row: Row) => row.version };
  const counts = ({ cache }: Instance) => cache.status().regions['users']!;

  /** How many fills a read of this instance makes: none while a fence stands. */
  const fills = async (instance: Instance) => {
    const before = counts(instance)?.fills ?? 0;
    await read(instance);
    return counts(instance).fills - before;
  };

  it('evicts a thousand keys of a bucket in one call', async () => {
    const a = await world.start();
    const keys = Array.from({ length: 1_000 }, (_, n) => behind(a).keyOf(String(n)));
    await users(a).getOrLoad('999', () => table.read(1));
    await behind(a).writer.evictAll(behind(a).wantedKeys(keys));
    expect(a.faults.calls).toMatchObject({ evict: 1 });
    expect(await users(a).get('999')).toBeUndefined();
    expect(counts(a)).toMatchObject({ evictions: 1_000, evictionsFailed: 0 });
  });

  it('evicts any number of keys, in two rounds of a thousand a call', async () => {
    const a = await world.start();
    const keys = Array.from({ length: 30_000 }, (_, n) => a.engine.region('users').keyOf(String(n)));
    await users(a).getOrLoad('29999', () => table.read(1));
    await behind(a).writer.evictAll(behind(a).wantedKeys(keys));
    expect(a.faults.calls).toMatchObject({ fence: 30, unfence: 30 });
    expect(await users(a).get('29999')).toBeUndefined();
    expect(a.cache.status().pendingEvictions).toBe(0);
  });

  describe('write (fenced)', () => {
    it('lifts its fence by the journal when the put was not acknowledged', async () => {
      const [a, b] = [await world.start(), await world.start()];
      a.faults.failNext('put');
      await users(a).write(1, () => table.write(1));
      expect(await fills(b)).toBe(0);
      await world.clock.advance(100);
      expect(await fills(b)).toBe(1);
    });

    it('counts the writes that run without an acknowledged fence: a crash in them may leave something stale', async () => {
      const a = await world.start();
      a.faults.failNext('fence');
      await users(a).write(1, () => table.write(1));
      await users(a).write(1, () => table.write(1));
      expect(counts(a)).toMatchObject({ fencesFailed: 1, evictionsFailed: 0 });
    });

    it('lifts a fence whose acknowledgement was lost, with the eviction at the end', async () => {
      const [a, b] = [await world.start(), await world.start()];
      a.faults.loseNextReply('fence');
      await users(a).write(1, () => table.write(1));
      expect(a.faults.calls['put']).toBeUndefined();
      expect(await fills(b)).toBe(1);
    });

    it('writes the source first, then the cache, in two round trips', async () => {
      const a = await world.start();
      expect(await users(a).write(1, () => table.write(1))).toEqual({ id: 1, version: 1 });
      expect(a.faults.calls).toMatchObject({ fence: 1, put: 1 });
      expect(await read(a)).toEqual({ id: 1, version: 1 });
      expect(counts(a)).toMatchObject({ puts: 1, loads: 0 });
    });

    it('lets nobody fill while the write runs, and serves what was written after it', async () => {
      const [a, b] = [await world.start(), await world.start()];
      await users(a).write(1, () => table.write(1));
      const commit = gate();
      const writing = users(a).write(1, async () => {
        await commit.promise;
        return table.write(1);
      });
      await settle();
      expect(await read(b)).toEqual({ id: 1, version: 1 });
      expect(counts(b)).toMatchObject({ loads: 1, fills: 0 });
      commit.open();
      await writing;
      expect(await read(b)).toEqual({ id: 1, version: 2 });
      expect(counts(b)).toMatchObject({ loads: 1 });
    });

    it('leaves the key absent when two writers meet, whatever the order of their puts (R7)', async () => {
      const [a, b] = [await world.start(), await world.start()];
      const slow = gate();
      const first = users(a).write(1, async () => {
        const row = await table.write(1);
        await slow.promise;
        return row;
      });
      await settle();
      await users(b).write(1, () => table.write(1));
      slow.open();
      await first;
      expect(await read(b)).toEqual({ id: 1, version: 2 });
      expect(counts(a)).toMatchObject({ putsRefused: 1 });
    });

    it('passes the error of the write on, and leaves the key absent and open for loads', async () => {
      const a = await world.start();
      await users(a).write(1, () => table.write(1));
      const failing = users(a).write(1, async () => {
        await table.write(1); // committed, then the connection broke
        throw new Error('connection lost');
      });
      await expect(failing).rejects.toThrow('connection lost');
      expect(await read(a)).toEqual({ id: 1, version: 2 });
      expect(counts(a)).toMatchObject({ fills: 1 });
    });

    it('leaves nothing stale when its process dies between commit and put (R11, G6)', async () => {
      const [a, b] = [await world.start(), await world.start()];
      await users(a).write(1, () => table.write(1));
      const dead = gate<Row>();
      const dying = users(a).write(1, async () => {
        await table.write(1);
        return dead.promise;
      });
      await settle();
      expect(await read(b)).toEqual({ id: 1, version: 2 });
      await world.clock.advance(30_001);
      expect(await read(b)).toEqual({ id: 1, version: 2 });
      dead.open({ id: 1, version: 2 });
      await dying;
    });

    it('writes without a fence and evicts after, when Redis does not acknowledge the fence', async () => {
      const [a, b] = [await world.start(), await world.start()];
      await users(a).write(1, () => table.write(1));
      await read(b);
      a.faults.failNext('fence');
      expect(await users(a).write(1, () => table.write(1))).toEqual({ id: 1, version: 2 });
      await settle();
      expect(await read(b)).toEqual({ id: 1, version: 2 });
    });

    it('evicts when it is not known whether the put arrived', async () => {
      const a = await world.start();
      a.faults.loseNextReply('put');
      await users(a).write(1, () => table.write(1));
      expect(a.cache.status().pendingEvictions).toBe(1);
      expect(await read(a)).toEqual({ id: 1, version: 1 });
      await world.clock.advance(200);
      expect(a.cache.status().pendingEvictions).toBe(0);
    });

    it('does not outlive an eviction of its tag that ran during the write (R15)', async () => {
      const [a, b] = [await world.start(), await world.start()];
      const commit = gate();
      const tagged = { tags: ['org:7'] };
      const writing = users(a).write(
        1,
        async () => {
          const row = await table.write(1);
          await commit.promise;
          return row;
        },
        tagged,
      );
      await settle();
      await b.cache.evictTags(['org:7']);
      commit.open();
      await writing;
      expect(counts(a)).toMatchObject({ putsRefused: 1, puts: 0 });
    });
  });

  describe('with a version', () => {
    /**
     * A server counts as invalidated when it begins: for `tombstone` after that a versioned put cannot be proven the
     * newest.
     */
    const settled = async (options = {}) => {
      const a = await world.start({ tombstone: '1s', ...options });
      await world.clock.advance(1_001);
      return a;
    };

    it('takes one round trip', async () => {
      const a = await settled();
      await users(a).write(1, () => table.write(1), versioned);
      expect(a.faults.calls).toMatchObject({ put: 1 });
      expect(a.faults.calls['fence']).toBeUndefined();
      expect(await users(a).get(1)).toEqual({ id: 1, version: 1 });
    });

    it('leaves the key absent on a server that began less than a tombstone ago', async () => {
      const a = await world.start({ tombstone: '1s' });
      await users(a).put(1, { id: 1, version: 1 }, { version: 1 });
      expect(await users(a).get(1)).toBeUndefined();
      expect(counts(a)).toMatchObject({ putsRefused: 1 });
    });

    it('ends in the highest version, in any order and with duplicates (G5, R8)', async () => {
      const a = await settled();
      for (const version of [2, 3, 1, 3, 2]) await users(a).put(1, { id: 1, version }, { version });
      expect(await users(a).get(1)).toEqual({ id: 1, version: 3 });
      await users(a).evict(1, { version: 2 });
      expect(await users(a).get(1)).toEqual({ id: 1, version: 3 });
      await users(a).evict(1, { version: 4 });
      await users(a).put(1, { id: 1, version: 3 }, { version: 3 });
      expect(await users(a).get(1)).toBeUndefined();
    });

    it('is fenced as well in a region that uses tags', async () => {
      const a = await world.start();
      await users(a).getOrLoad(1, () => table.read(1), { tags: ['t'] });
      await users(a).write(1, () => table.write(1), versioned);
      expect(a.faults.calls).toMatchObject({ fence: 1, put: 1 });
      expect(await users(a).get(1)).toEqual({ id: 1, version: 1 });
    });

    it('evicts when the written row has no version, or a wrong one, and says so', async () => {
      const a = await settled();
      await users(a).put(1, { id: 1, version: 1 }, { version: 1 });
      await users(a).write(1, () => table.write(1), { version: () => -1 });
      expect(await users(a).get(1)).toBeUndefined();
      expect(a.log.join()).toContain('RC_INVALID_VERSION');
    });

    it('refuses to put a value without a version, or into a region that uses tags', async () => {
      const a = await world.start();
      const noVersion = users(a).put(1, { id: 1, version: 1 }, {} as never);
      await expect(noVersion).rejects.toMatchObject({ code: 'RC_INVALID_VERSION' });
      await users(a).getOrLoad(2, async () => null, { tags: ['t'] });
      const tagged = users(a).put(1, { id: 1, version: 1 }, { version: 1 });
      await expect(tagged).rejects.toMatchObject({ code: 'RC_PUT_UNSAFE' });
    });
  });

  describe('evictStrict', () => {
    const strictly = (instance: Instance, run: () => Promise<unknown>) => evictStrictly(behind(instance), ['1'], run);

    it('fences, runs, and unfences: two round trips', async () => {
      const a = await world.start();
      await users(a).write(1, () => table.write(1));
      expect(await strictly(a, async () => table.rows.delete(1))).toBe(true);
      expect(a.faults.calls).toMatchObject({ fence: 2, unfence: 1 });
      expect(await read(a)).toBeNull();
    });

    it('fences and lifts any number of keys, a thousand a call, and needs every call', async () => {
      const a = await world.start({ onFenceFailure: 'refuse' });
      const ids = Array.from({ length: 2_500 }, (_, n) => String(n));
      await users(a).getOrLoad('2499', () => table.read(1));
      await evictStrictly(behind(a), ids, async () => 1);
      expect(a.faults.calls).toMatchObject({ fence: 3, unfence: 3 });
      expect(counts(a)).toMatchObject({ evictions: 2_500, evictionsFailed: 0 });
      expect(await users(a).get('2499')).toBeUndefined();
      const second = a.faults.holdNext('fence');
      a.faults.failNext('fence');
      second.open();
      await expect(evictStrictly(behind(a), ids, async () => 1)).rejects.toMatchObject({ code: 'RC_FENCE_FAILED' });
      await world.clock.advance(5_000);
      expect(a.cache.status().pendingEvictions).toBe(0);
    });

    it('refuses to run when Redis does not acknowledge the fence', async () => {
      const a = await world.start();
      a.faults.failNext('fence');
      let hasRun = false;
      const refused = strictly(a, async () => (hasRun = true));
      await expect(refused).rejects.toMatchObject({ code: 'RC_FENCE_FAILED' });
      expect(hasRun).toBe(false);
    });

    it('tells the refusal, and the method’s own error, even where failing evictions throw', async () => {
      const a = await world.start({ onEvictFailure: 'throw' });
      a.faults.breakDown();
      await expect(strictly(a, async () => 1)).rejects.toMatchObject({ code: 'RC_FENCE_FAILED' });
      a.faults.heal();
      const failing = strictly(a, async () => {
        a.faults.breakDown();
        throw new Error('half done');
      });
      await expect(failing).rejects.toThrow('half done');
      a.faults.heal();
      const unacknowledged = strictly(a, async () => a.faults.breakDown());
      await expect(unacknowledged).rejects.toMatchObject({ code: 'RC_EVICTION_PENDING' });
      a.faults.heal();
      await world.clock.advance(5_000);
    });

    it('runs and evicts after, when told so', async () => {
      const a = await world.start({ onFenceFailure: 'run' });
      await users(a).write(1, () => table.write(1));
      a.faults.failNext('fence');
      await strictly(a, () => table.write(1));
      expect(await read(a)).toEqual({ id: 1, version: 2 });
    });

    it('refuses without waiting for Redis a second time, and lifts the fence that may stand', async () => {
      const [a, b] = [await world.start(), await world.start()];
      const held = a.faults.holdNextReply('fence');
      const refused = strictly(a, () => table.write(1));
      await settle();
      const unfence = a.faults.holdNext('unfence');
      held.fail(new Error('late'));
      await expect(refused).rejects.toMatchObject({ code: 'RC_FENCE_FAILED' });
      expect(await fills(b)).toBe(0);
      unfence.open();
      await settle();
      expect(await fills(b)).toBe(1);
    });

    it('lifts a fence whose acknowledgement was lost, once the method has run', async () => {
      const [a, b] = [await world.start({ onFenceFailure: 'run' }), await world.start()];
      a.faults.loseNextReply('fence');
      await strictly(a, () => table.write(1));
      expect(await fills(b)).toBe(1);
    });

    it('lifts its fence by the journal when the end of the write was not acknowledged', async () => {
      const [a, b] = [await world.start(), await world.start()];
      a.faults.failNext('unfence');
      await strictly(a, () => table.write(1));
      expect(await fills(b)).toBe(0);
      await world.clock.advance(100);
      expect(await fills(b)).toBe(1);
    });

    it('passes the error on, and evicts all the same', async () => {
      const a = await world.start();
      await users(a).write(1, () => table.write(1));
      const failing = strictly(a, async () => {
        await table.write(1);
        throw new Error('half done');
      });
      await expect(failing).rejects.toThrow('half done');
      expect(await read(a)).toEqual({ id: 1, version: 2 });
    });
  });
});
