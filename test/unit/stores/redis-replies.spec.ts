import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Keyspace } from '../../../lib/keys/keyspace.js';
import { isCacheError } from '../../../lib/shared/errors.js';
import { silentLogger } from '../../../lib/shared/logger.js';
import { Endpoints } from '../../../lib/stores/redis/endpoints.js';
import { KnownPositions } from '../../../lib/stores/redis/known-positions.js';
import { RedisNode } from '../../../lib/stores/redis/redis-node.js';
import { RedisRemoteStore } from '../../../lib/stores/redis/redis-remote-store.js';
import { FakeClock, gate, settle } from '../../support/fake-clock.js';
import { FakeRedisClient } from '../../support/fake-redis-client.js';

const keyspace = new Keyspace({ service: 'user', bucketCount: 1, maxKeyLength: 200 });
const key = keyspace.key('profile', '1', 'json');
const entry = {
  payload: '1',
  format: 'json',
  ttlMs: 1_000,
  staleMs: 0,
  tags: [],
  loadMicros: 1,
  version: '',
  key,
  region: 'profile',
};
const LEASE = { key, region: 'profile', binary: false, token: 'a', leaseMs: 2_000, keepMs: 1_000 };

/** A store whose server answers as the test says. */
function aStore(answer: (name: string, args: readonly unknown[]) => unknown) {
  const clock = new FakeClock();
  const endpoints = new Endpoints(clock, silentLogger);
  const client = new FakeRedisClient(answer);
  const node = new RedisNode(client.asRedis, {
    keyspace,
    positions: new KnownPositions(1),
    channelOf: () => 'user:~events',
    timeoutMs: 250,
    endpoints,
    trustMs: 1_000,
    clock,
    isCluster: false,
    onRedirect: () => {},
  });
  const store = new RedisRemoteStore({
    topology: {
      open: () => Promise.resolve(null),
      nodeOf: () => node,
      refresh: () => Promise.resolve(false),
      owners: () => [],
      onChange: () => {},
      lastError: null,
      close: () => {},
    },
    keyspace,
    timeoutMs: 250,
    clock,
    endpoints,
    stampLifetimeMs: 1_000,
    preflight: () => Promise.resolve(true),
    lateCheck: () => Promise.resolve(true),
  });
  return { clock, client, store };
}

const callsOf = (store: RedisRemoteStore): Promise<unknown>[] => [
  Promise.resolve(store.read({ key, region: 'profile', binary: false })),
  Promise.resolve(store.read({ key, region: 'profile', binary: false })),
  Promise.resolve(store.read({ key, region: 'profile', binary: true })),
  store.readOrLease(LEASE),
  store.readOrLease({ ...LEASE, binary: true }),
  store.fill({ ...entry, token: 'a' }),
  store.release({ key, token: 'a' }),
  store.renew({ key, token: 'a', leaseMs: 1_000, keepMs: 1_000 }),
  store.evict({ keys: [key], tombstoneMs: 1_000 }),
  store.softEvict({ keys: [key], tombstoneMs: 1_000 }),
  store.fence({ keys: [key], fence: 'f', fenceMs: 1_000, tombstoneMs: 1_000 }),
  store.unfence({ keys: [key], fence: 'f', tombstoneMs: 1_000 }),
  store.put({ ...entry, fence: 'f', tombstoneMs: 1_000 }),
  store.stamp({ bucket: 0, marks: ['*'] }),
  store.poll({ bucket: 0, marks: ['*', 't:a'] }),
];

/** What no Redis of ours answers: scalars, bytes, lists, maps of RESP3, in lists too. */
const reply = fc.anything({ withMap: true, withSet: true, withTypedArray: true, withBigInt: true, maxDepth: 3 });
const nearly = fc.oneof(
  reply,
  fc.constant('QUEUED'),
  fc.constant(Buffer.from('QUEUED')),
  fc.tuple(fc.constantFrom<unknown>(7, '7', Buffer.from('7')), fc.nat(), reply, reply, reply),
  fc.tuple(
    fc.constant(7),
    fc.constant(3),
    fc.nat(),
    fc.constantFrom('H', 'L', 'l', 'W', 'w', 'B', 'N', 'O', 'M', 'X', 'LL'),
    reply,
    reply,
  ),
);

describe('a reply of another kind than the command gives', () => {
  it('is a read of nothing, or a call that was not answered, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(nearly, { minLength: 1, maxLength: 6 }), async (replies) => {
        let n = 0;
        const { store } = aStore(() => replies[n++ % replies.length]);
        for (const outcome of await Promise.allSettled(callsOf(store))) {
          if (outcome.status === 'rejected') expect(isCacheError(outcome.reason)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never acknowledges an eviction, and never shows what it holds', async () => {
    for (const foreign of ['QUEUED', 'OK', null, 1, [], ['a', 'b'], { i: 1 }, [7], [7, 'secret'], [-1, 3], [7, NaN]]) {
      const { store } = aStore(() => foreign);
      await expect(store.evict({ keys: [key], tombstoneMs: 1_000 })).rejects.toMatchObject({
        code: 'RC_STORE_UNAVAILABLE',
        message: expect.not.stringContaining('secret'),
      });
      expect(await store.read({ key, region: 'profile', binary: false })).toMatchObject({
        identified: false,
        entry: null,
      });
    }
  });
});

describe('a mistake of the program', () => {
  it('is passed on as it is, so that nobody takes it for an outage', async () => {
    const mistake = new TypeError('x is not a function');
    const { store } = aStore(() => Promise.reject(mistake));
    for (const outcome of await Promise.allSettled(callsOf(store))) {
      expect(outcome).toEqual({ status: 'rejected', reason: mistake });
    }
  });

  it('is told apart from what a connection rejects with', async () => {
    for (const name of ['Error', 'ReplyError', 'AbortError', 'MaxRetriesPerRequestError']) {
      const error = Object.assign(new Error('no'), { name });
      const { store } = aStore(() => Promise.reject(error));
      for (const outcome of await Promise.allSettled(callsOf(store))) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'RC_STORE_UNAVAILABLE', cause: error } });
      }
    }
  });
});

describe('a lease that was granted to a call that had given up', () => {
  const GRANTED = [7, 3, 1, 'L'];

  it('is released when the late answer grants it', async () => {
    const late = gate<unknown>();
    const { store, clock, client } = aStore((name) => (name === 'getl' ? late.promise : [7, 3, 1]));
    const call = store.readOrLease(LEASE).catch((error: Error) => error);
    await clock.advance(300);
    expect(await call).toMatchObject({ code: 'RC_STORE_UNAVAILABLE' });
    late.open(GRANTED);
    await settle();
    expect(client.writes).toEqual([['getl'], ['release']]);
  });

  it.each([
    ['a hit', [7, 3, 1, 'H', '1|1|7|9|1|||json\n1'], false],
    ['nothing of ours', 'QUEUED', true],
  ])(
    'is released after the next poll unless the late answer says that there is none: %s',
    async (_, answer, isReleased) => {
      const late = gate<unknown>();
      const { store, clock, client } = aStore((name) => (name === 'getl' ? late.promise : [7, 3, 1, 1, 1, '']));
      store.readOrLease(LEASE).catch(() => {});
      await clock.advance(300);
      late.open(answer);
      await settle();
      await store.poll({ bucket: 0, marks: [] });
      await settle();
      expect(client.writes.flat().includes('release')).toBe(isReleased);
    },
  );

  it('is released where the connection was lost, after the next polls, while it may stand', async () => {
    const { store, clock, client } = aStore((name) => {
      if (name === 'getl') throw new Error('Connection is closed.');
      return [7, 3, 1, 1, 1, ''];
    });
    const lose = () => store.readOrLease(LEASE).catch(() => {});
    const releases = async () => {
      client.writes.length = 0;
      await store.poll({ bucket: 0, marks: [] });
      await settle();
      return client.writes.flat().filter((name) => name === 'release').length;
    };
    await lose();
    expect([await releases(), await releases(), await releases()]).toEqual([1, 1, 0]);
    await lose();
    await clock.advance(LEASE.leaseMs + 1);
    expect(await releases()).toBe(0);
  });
});
