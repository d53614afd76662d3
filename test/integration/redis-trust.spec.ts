import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, evict, type Place } from '../contract/remote-store/actions.js';
import { openRedisStore, type OpenedStore } from '../support/redis-store.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(...conf: string[]): Promise<RedisServer> {
  const server = await startRedis({ conf: ['save ""', 'repl-diskless-sync-delay 0', ...conf] });
  cleanups.push(() => server.remove());
  return server;
}
async function open(server: RedisServer): Promise<OpenedStore> {
  const one = await openRedisStore({ url: server.url });
  cleanups.push(() => one.close());
  return one;
}
const placeIn = ({ keyspace }: OpenedStore): Place => ({
  key: keyspace.key('profile', '1', 'json'),
  region: 'profile',
});
const read = (one: OpenedStore) => one.store.read({ ...placeIn(one), binary: false });
const poll = (one: OpenedStore) => one.store.poll({ bucket: 0, marks: [] });
const isOnline = (server: RedisServer) =>
  waitUntil(() => /state=online/.test(redisCli(server.port, ['INFO', 'replication'])), { what: 'the replica' });
const isLinked = (server: RedisServer) =>
  waitUntil(() => /master_link_status:up/.test(redisCli(server.port, ['INFO', 'replication'])), { what: 'the link' });

describe('a master that may not be written to (R20)', () => {
  it('is not believed once it refused a poll, though it still answers reads', async () => {
    const master = await start();
    const replica = await start(`replicaof 127.0.0.1 ${master.port}`);
    await isOnline(master);
    redisCli(master.port, ['CONFIG', 'SET', 'min-replicas-to-write', 1]);
    redisCli(master.port, ['CONFIG', 'SET', 'min-replicas-max-lag', 1]);
    const one = await open(master);
    await cached(one.store, placeIn(one));
    expect(await read(one)).toMatchObject({ identified: true, entry: { format: 'json' } });

    redisCli(replica.port, ['REPLICAOF', 'NO', 'ONE']);
    const refused = await waitUntil(
      () =>
        poll(one).then(
          () => null,
          (error: Error) => error.message,
        ),
      { what: 'the refusal' },
    );
    expect(refused).toMatch(/NOREPLICAS/);
    expect(await read(one)).toMatchObject({ identified: false, entry: { format: 'json' } });

    redisCli(master.port, ['CONFIG', 'SET', 'min-replicas-to-write', 0]);
    await poll(one);
    expect((await read(one)).identified).toBe(true);
  }, 20_000);

  it('is not believed for longer than D when nobody asks it to write: the next read asks, in the same write', async () => {
    const master = await start();
    const one = await open(master);
    await cached(one.store, placeIn(one));
    redisCli(master.port, ['CONFIG', 'SET', 'min-replicas-to-write', 1]);
    expect((await read(one)).identified).toBe(true);
    await sleep(1_050);
    expect((await read(one)).identified).toBe(false);
    redisCli(master.port, ['CONFIG', 'SET', 'min-replicas-to-write', 0]);
    await waitUntil(async () => (await read(one)).identified);
  });
});

describe('a server that is rolled back under a living connection (R21)', () => {
  it('is another one: demoted and promoted between two polls, it serves nothing that was evicted', async () => {
    const first = await start('repl-diskless-sync yes', 'repl-diskless-load swapdb');
    const second = await start(`replicaof 127.0.0.1 ${first.port}`);
    await isOnline(first);
    const one = await open(first);
    await cached(one.store, placeIn(one));
    const at = (server: RedisServer) => redisCli(server.port, ['HGET', 'user:~m', 'q']);
    await waitUntil(() => at(second) === at(first), { what: 'replication' });
    redisCli(second.port, ['REPLICAOF', 'NO', 'ONE']);
    await evict(one.store, placeIn(one)); // acknowledged by the first alone

    const before = await read(one);
    expect(before).toMatchObject({ identified: true, entry: null });
    redisCli(first.port, ['REPLICAOF', '127.0.0.1', second.port]);
    await isLinked(first);
    redisCli(first.port, ['REPLICAOF', 'NO', 'ONE']);
    expect(redisCli(first.port, ['EXISTS', placeIn(one).key.entry])).toBe('1');

    const after = await read(one);
    expect(after.position!.incarnation).toBe(before.position!.incarnation);
    expect(after.identified).toBe(false);
    expect((await poll(one)).incarnation).toBeGreaterThan(before.position!.incarnation);
  }, 20_000);
});
