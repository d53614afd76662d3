import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CacheChanges } from '../../../lib/cache/cache-changes.js';
import { isOutcomeUnknown } from '../../../lib/cache/unknown-outcome.js';
import { CacheError } from '../../../lib/shared/errors.js';
import { type Instance, World } from '../../support/a-cache.js';
import { gate, settle } from '../../support/fake-clock.js';

describe('after a commit', () => {
  let world: World;
  let row: { id: number; version: number; name: string };
  beforeEach(() => {
    world = new World();
    row = { id: 1, version: 1, name: 'old' };
  });
  afterEach(() => world.end());

  /** A put with a version counts when the server has been the same for longer than a tombstone stands. */
  const startOnOldServer = async () => {
    const instance = await world.start();
    await world.clock.advance(11 * 60_000);
    return instance;
  };
  const users = ({ cache }: Instance) => cache.region<typeof row>('users');
  const read = (instance: Instance) => users(instance).getOrLoad(1, async () => row);
  const commit = (name = 'new') => void (row = { id: 1, version: row.version + 1, name });
  const queueAll = (changes: CacheChanges) => {
    changes.region('users').evict(1);
    changes.region('lists').clear();
    changes.evictTags(['org:7']);
  };

  it('evicts what was queued, as one group, and gives the result of the transaction', async () => {
    const a = await world.start();
    await read(a);
    const result = await a.cache.afterCommit(async (changes) => {
      queueAll(changes);
      await settle();
      expect(await users(a).get(1)).toMatchObject({ name: 'old' });
      commit();
      return 'the result';
    });
    expect(result).toBe('the result');
    expect(await read(a)).toMatchObject({ name: 'new' });
    expect(a.faults.calls).toMatchObject({ evict: 1 });
    expect(a.faults.calls).not.toHaveProperty('stamp');
  });

  it('ends its fences and evicts what was queued as one group where nobody knows the outcome', async () => {
    const a = await world.start();
    const transaction = a.cache.afterCommit(
      async (changes) => {
        changes.region('inner').evict(1);
        throw Object.assign(new Error('no answer to COMMIT'), { code: 'ECONNRESET' });
      },
      { strict: { users: [1] } },
    );
    await expect(transaction).rejects.toThrow('no answer to COMMIT');
    // one after the other, somebody refills what was fenced from what is still to be evicted (R19)
    expect(a.faults.calls).toMatchObject({ fence: 2 });
    expect(a.faults.calls).not.toHaveProperty('evict');
  });

  it('sends nothing after a rollback, and passes its error on', async () => {
    const a = await world.start();
    await read(a);
    const why = new Error('serialization failure');
    const transaction = a.cache.afterCommit(async (changes) => {
      queueAll(changes);
      changes.region<typeof row>('plain').put(1, row, { version: 2 });
      throw why;
    });
    await expect(transaction).rejects.toBe(why);
    expect(await users(a).get(1)).toMatchObject({ name: 'old' });
    expect(await a.cache.region('plain').get(1)).toBeUndefined();
    expect(a.faults.calls).not.toHaveProperty('evict');
  });

  it('evicts, and puts nothing, when the connection broke and nobody knows whether it has committed', async () => {
    const a = await startOnOldServer();
    await users(a).put(1, row, { version: 9 });
    const transaction = a.cache.afterCommit(async (changes) => {
      changes.region<typeof row>('users').put(1, { ...row, name: 'unknown' }, { version: 5 });
      changes.evictTags(['org:7']);
      throw Object.assign(new Error('write failed'), { code: 'ECONNRESET' });
    });
    await expect(transaction).rejects.toThrow('write failed');
    expect(await users(a).get(1)).toBeUndefined();
    expect(a.cache.status().evictions).toBe(1);
  });

  it('puts a value after the group: what is made of the old one is gone by then', async () => {
    const a = await startOnOldServer();
    await read(a);
    await a.cache.afterCommit(async (changes) => {
      commit();
      changes.region('lists').clear();
      changes.region<typeof row>('users').put(1, row, { version: row.version });
    });
    expect(await users(a).get(1)).toEqual(row);
    expect(a.cache.status().regions['users']).toMatchObject({ puts: 1, evictions: 1 });
  });

  it('leaves a newer value alone when puts arrive out of order', async () => {
    const a = await startOnOldServer();
    const newer = { ...row, version: 7, name: 'newer' };
    await users(a).put(1, newer, { version: 7 });
    await a.cache.afterCommit(async (changes) => {
      changes.region('lists').evict(1);
      changes.region<typeof row>('users').put(1, { ...row, version: 6 }, { version: 6 });
    });
    expect(await users(a).get(1)).toEqual(newer);
  });

  it('takes one put alone to Redis in one call', async () => {
    const a = await startOnOldServer();
    await a.cache.afterCommit(async (changes) => changes.region<typeof row>('users').put(1, row, { version: 1 }));
    expect(a.faults.calls).toMatchObject({ put: 1 });
    expect(a.faults.calls).not.toHaveProperty('evict');
    expect(await users(a).get(1)).toEqual(row);
  });

  it('only evicts a value that was queued before its region came to use tags', async () => {
    const a = await startOnOldServer();
    await users(a).put(1, row, { version: 1 });
    await a.cache.afterCommit(async (changes) => {
      changes.region<typeof row>('users').put(1, { ...row, version: 2 }, { version: 2 });
      await users(a).getOrLoad(2, async () => row, { tags: ['org:7'] });
    });
    expect(await users(a).get(1)).toBeUndefined();
  });

  it('refuses a put that is unsafe while the transaction can still be rolled back', async () => {
    const a = await world.start();
    await users(a).getOrLoad(2, async () => row, { tags: ['org:7'] });
    const transaction = a.cache.afterCommit(async (changes) =>
      changes.region<typeof row>('users').put(1, row, { version: 2 }),
    );
    await expect(transaction).rejects.toMatchObject({ code: 'RC_PUT_UNSAFE' });
  });

  it('keeps the group in the journal when Redis is away, and puts nothing then', async () => {
    const a = await world.start({ l1: false });
    await read(a);
    a.faults.breakDown();
    await a.cache.afterCommit(async (changes) => {
      commit();
      changes.region('lists').clear();
      changes.region<typeof row>('users').put(1, row, { version: row.version });
    });
    expect(a.cache.status().pendingEvictions).toBeGreaterThan(0);
    a.faults.heal();
    await world.clock.advance(10_000);
    expect(a.cache.status()).toMatchObject({ pendingEvictions: 0, regions: { users: { puts: 0 } } });
    expect(await users(a).get(1)).toBeUndefined();
  });

  describe('with strict keys', () => {
    const strict = { strict: { users: [1] } };

    it('keeps the old value away from the beginning of the transaction to its end', async () => {
      const [a, b] = [await world.start(), await world.start()];
      await read(b);
      const committed = gate();
      const transaction = a.cache.afterCommit(async () => {
        await committed.promise;
        commit();
      }, strict);
      await settle();
      // also for who reads the row before the commit: it is not kept
      expect(await read(b)).toMatchObject({ name: 'old' });
      expect(await users(b).get(1)).toBeUndefined();
      committed.open();
      await transaction;
      expect(await read(b)).toMatchObject({ name: 'new' });
      await settle();
      expect(await users(b).get(1)).toMatchObject({ name: 'new' });
    });

    it('evicts them also after a rollback, and nothing else', async () => {
      const a = await world.start();
      await read(a);
      await a.cache.region('lists').getOrLoad(1, async () => 'list');
      const transaction = a.cache.afterCommit(async (changes) => {
        changes.region('lists').evict(1);
        throw new Error('rolled back');
      }, strict);
      await expect(transaction).rejects.toThrow('rolled back');
      expect(await users(a).get(1)).toBeUndefined();
      expect(await a.cache.region('lists').get(1)).toBe('list');
    });

    it('does not begin the transaction when Redis does not acknowledge the fence', async () => {
      const a = await world.start({ onFenceFailure: 'refuse' });
      a.faults.failNext('fence');
      let hasBegun = false;
      const transaction = a.cache.afterCommit(async () => void (hasBegun = true), strict);
      await expect(transaction).rejects.toMatchObject({ code: 'RC_FENCE_FAILED' });
      expect(hasBegun).toBe(false);
      await settle();
    });

    it('evicts what is both strict and put', async () => {
      const a = await startOnOldServer();
      await a.cache.afterCommit(
        async (changes) => changes.region<typeof row>('users').put(1, row, { version: 3 }),
        strict,
      );
      expect(await users(a).get(1)).toBeUndefined();
    });

    it.each<[string, unknown, string]>([
      ['an unknown option', { stric: {} }, `has no option 'stric'. Did you mean "strict"?`],
      [
        'a strict key without its region',
        { strict: 1 },
        `takes as 'strict' arrays of keys by the name of their region, got 1`,
      ],
      ['a key alone', { strict: { users: 1 } }, `takes as 'strict.users' an array of keys, got 1`],
    ])('refuses %s', async (_, options, message) => {
      const a = await world.start();
      const transaction = a.cache.afterCommit(async () => {}, options as never);
      await expect(transaction).rejects.toThrow(message);
    });
  });

  describe('of several caches', () => {
    it('sends to each what is its own, by one commit', async () => {
      const other = new World();
      const [a, b] = [await world.start(), await other.start()];
      await read(a);
      await read(b);
      await a.cache.afterCommit(async (changes) => {
        commit();
        changes.region('users').evict(1);
        changes.of(b.cache).region('users').evict(1);
      });
      expect(await read(a)).toMatchObject({ name: 'new' });
      expect(await read(b)).toMatchObject({ name: 'new' });
      await other.end();
    });

    it('sends to the others when one is away, and then says so where it is asked to', async () => {
      const other = new World();
      const a = await world.start({ onEvictFailure: 'throw' });
      const b = await other.start();
      await read(b);
      a.faults.failNext('evict');
      const transaction = a.cache.afterCommit(async (changes) => {
        commit();
        changes.region('users').evict(1);
        changes.of(b.cache).region('users').evict(1);
      });
      await expect(transaction).rejects.toMatchObject({ code: 'RC_EVICTION_PENDING' });
      expect(await read(b)).toMatchObject({ name: 'new' });
      await world.clock.advance(10_000);
      await other.end();
    });
  });

  describe('by a hook of others', () => {
    it('commits by hand', async () => {
      const a = await world.start();
      await read(a);
      const changes = a.cache.changes();
      changes.region('users').evict(1);
      commit();
      await changes.commit();
      expect(await read(a)).toMatchObject({ name: 'new' });
    });

    it('discards by hand', async () => {
      const a = await world.start();
      await read(a);
      const changes = a.cache.changes();
      changes.clear();
      changes.discard();
      expect(await users(a).get(1)).toMatchObject({ name: 'old' });
    });

    it.each<[string, (changes: CacheChanges) => unknown]>([
      ['an eviction', (changes) => changes.region('users').evict(1)],
      ['a put', (changes) => changes.region<number>('users').put(1, 1, { version: 1 })],
      ['a tag', (changes) => changes.evictTags(['t'])],
      ['a commit', (changes) => changes.commit()],
    ])('refuses %s that comes after the end', async (_, late) => {
      const a = await world.start();
      const changes = a.cache.changes();
      await changes.commit();
      await expect(async () => late(changes)).rejects.toMatchObject({ code: 'RC_CHANGES_ENDED' });
    });
  });

  it('runs the transaction, and nothing else, when the cache is off', async () => {
    const a = await world.start({ enabled: false });
    expect(await a.cache.afterCommit(async (changes) => (queueAll(changes), 'ran'))).toBe('ran');
    expect(a.faults.calls).not.toHaveProperty('evict');
  });
});

describe('an error of a transaction', () => {
  const coded = (code: string) => Object.assign(new Error('failed'), { code });

  it.each([
    ['a connection exception', coded('08006')],
    ['a server that shuts down', coded('57P01')],
    ['an unknown completion', coded('40003')],
    ['a socket', coded('ECONNRESET')],
    ['pg', new Error('Connection terminated unexpectedly')],
    ['mysql2', coded('PROTOCOL_CONNECTION_LOST')],
    ['Prisma', coded('P1017')],
    ['TypeORM, which wraps it', Object.assign(new Error('query failed'), { driverError: coded('08006') })],
    ['Drizzle, which wraps it', new Error('Failed query: commit', { cause: coded('ECONNRESET') })],
  ])('of %s leaves open whether it has committed', (_, error) => expect(isOutcomeUnknown(error)).toBe(true));

  it.each([
    ['a serialization failure', coded('40001')],
    ['a duplicate key', coded('23505')],
    ['a deadlock', coded('40P01')],
    ['the application', new Error('not enough money')],
    ['this library', new CacheError('RC_PUT_UNSAFE', 'unsafe')],
    ['anything', 'text'],
    ['nothing', undefined],
  ])('of %s means a rollback', (_, error) => expect(isOutcomeUnknown(error)).toBe(false));

  it('that is its own cause is looked through once', () => {
    const circle = new Error('a circle');
    circle.cause = { cause: circle };
    expect(isOutcomeUnknown(circle)).toBe(false);
  });
});
