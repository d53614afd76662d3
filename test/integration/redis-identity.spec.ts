import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RemoteStore } from '../../lib/stores/remote-store.js';
import { ask, fill, lease, type Place } from '../contract/remote-store/actions.js';
import { openRedisStore, type OpenedStore } from '../support/redis-store.js';
import { waitUntil } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

let servers: RedisServer[] = [];
let opened: OpenedStore[] = [];

const start = async (...conf: string[]) => {
  const server = await startRedis({ conf: conf.length > 0 ? conf : ['save ""'] });
  servers.push(server);
  return server;
};
const open = async (server: RedisServer) => {
  const one = await openRedisStore({ url: server.url });
  opened.push(one);
  return one;
};
const placeIn = ({ keyspace }: OpenedStore, identifier = '1'): Place => ({
  key: keyspace.key('profile', identifier, 'json'),
  region: 'profile',
});
const incarnationOf = async (store: RemoteStore) => (await store.poll({ bucket: 0, marks: [] })).incarnation;
/** The connection is back, and has identified the server. */
const isBack = (one: OpenedStore) =>
  waitUntil(async () => (await one.store.read({ ...placeIn(one), binary: false })).identified, {
    what: 'identification',
  });

async function fillOne(one: OpenedStore, payload = 'v1') {
  const place = placeIn(one);
  const token = await lease(one.store, place);
  expect(await fill(one.store, place, token, { payload })).toMatchObject({ kind: 'filled' });
}

beforeEach(() => {
  servers = [];
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await Promise.all(servers.map((server) => server.remove()));
});

describe('server identity', () => {
  it('stays the same over calls, connections and instances', async () => {
    const server = await start();
    const one = await open(server);
    const before = await incarnationOf(one.store);
    await fillOne(one);
    const two = await open(server);
    await two.store.evict({ keys: [placeIn(one).key], tombstoneMs: 1_000 });
    redisCli(server.port, ['CLIENT', 'KILL', 'TYPE', 'normal']);
    await isBack(one);
    expect(await incarnationOf(one.store)).toBe(before);
    expect(await incarnationOf((await open(server)).store)).toBe(before);
  });

  it('changes when the server is started again with its data: nothing from before is fresh', async () => {
    const server = await start('appendonly yes', 'appendfsync always');
    const one = await open(server);
    await fillOne(one);
    const before = await incarnationOf(one.store);
    await server.stop('SIGKILL');
    servers.push(await server.restart());
    await isBack(one);
    expect(await incarnationOf(one.store)).toBeGreaterThan(before);
    expect(redisCli(server.port, ['EXISTS', placeIn(one).key.entry])).toBe('1');
    expect(await ask(one.store, placeIn(one))).toMatchObject({ kind: 'lease', stale: null });
  });

  it.each([
    ['FLUSHALL', ['FLUSHALL']],
    ['the loss of M alone', ['DEL', 'user:~m']],
    ['a rename of M', ['RENAME', 'user:~m', 'elsewhere']],
    ['FUNCTION FLUSH', ['FUNCTION', 'FLUSH', 'SYNC']],
    ['M as a key of another type', ['SET', 'user:~m', 'x']],
    ['a damaged field of M', ['HSET', 'user:~m', 'c', 'x']],
    ['an incarnation that is no number', ['HSET', 'user:~m', 'i', '1e300']],
  ])('changes after %s: nothing from before is a hit, and new loads fill', async (_, command) => {
    const server = await start();
    const one = await open(server);
    await fillOne(one, 'v1');
    const before = await incarnationOf(one.store);
    redisCli(server.port, command);
    expect(await ask(one.store, placeIn(one), { token: 'next' })).toMatchObject({ kind: 'lease', stale: null });
    const after = await incarnationOf(one.store);
    expect(after).toBeGreaterThan(before);
    expect(await fill(one.store, placeIn(one), 'next', { payload: 'v2' })).toMatchObject({ kind: 'filled' });
    expect(await ask(one.store, placeIn(one))).toMatchObject({
      kind: 'hit',
      entry: { payload: 'v2', incarnation: after },
    });
    expect(await incarnationOf(one.store)).toBe(after);
  });

  it.each([
    ['the loss of M alone', ['DEL', 'user:~m']],
    ['a damaged field of M', ['HSET', 'user:~m', 'c', 'x']],
    ['an incarnation that is no number', ['HSET', 'user:~m', 'i', '1e300']],
  ])('leaves nothing to be served as stale after %s: its marks are lost', async (_, command) => {
    const server = await start();
    const one = await open(server);
    await fillOne(one, 'v1');
    redisCli(server.port, command);
    for (const onFailover of ['stale', 'keep'] as const) {
      const reply = await ask(one.store, placeIn(one), { token: 'next', onFailover });
      expect(reply).toMatchObject({ kind: 'lease', stale: null });
    }
  });

  it('leaves nothing of a lost M, also where a clock made its incarnation greater than the next ones', async () => {
    const server = await start();
    const one = await open(server);
    const future = String((Date.now() + 3_600_000) * 1_000);
    redisCli(server.port, ['HSET', 'user:~m', 'i', future]);
    await fillOne(one, 'v1');
    redisCli(server.port, ['DEL', 'user:~m']);
    const other = await open(server);
    expect(await incarnationOf(other.store)).toBeLessThan(Number(future));
    for (const onFailover of ['stale', 'keep'] as const) {
      const reply = await ask(one.store, placeIn(one), { token: 'next', onFailover });
      expect(reply).toMatchObject({ kind: 'lease', stale: null });
      expect(reply.incarnation).toBeGreaterThan(Number(future));
    }
  });

  it('leaves entries to be served as stale, or kept, when only the process is another one', async () => {
    const server = await start('appendonly yes', 'appendfsync always');
    const one = await open(server);
    await fillOne(one, 'v1');
    await server.stop('SIGKILL');
    servers.push(await server.restart());
    await isBack(one);
    expect(await ask(one.store, placeIn(one), { onFailover: 'keep' })).toMatchObject({ kind: 'hit' });
    expect(await ask(one.store, placeIn(one), { onFailover: 'stale' })).toMatchObject({
      kind: 'lease',
      stale: { payload: 'v1' },
    });
  });

  it('loads the library again when it is missing, in the same call', async () => {
    const server = await start();
    const one = await open(server);
    redisCli(server.port, ['FUNCTION', 'FLUSH', 'SYNC']);
    await Promise.all([fillOne(one), incarnationOf(one.store), incarnationOf(one.store)]);
    expect(redisCli(server.port, ['FUNCTION', 'LIST'])).toContain('nestjs_redis_cache_');
  });

  it('changes when an older snapshot is restored, although its sequence was seen before', async () => {
    const server = await start('save ""');
    const one = await open(server);
    await fillOne(one, 'v1');
    redisCli(server.port, ['SAVE']);
    await one.store.evict({ keys: [placeIn(one).key], tombstoneMs: 1_000 });
    const before = await incarnationOf(one.store);
    await server.stop('SIGKILL');
    servers.push(await server.restart());
    await isBack(one);
    expect(await ask(one.store, placeIn(one))).toMatchObject({ kind: 'lease', stale: null });
    expect(await incarnationOf(one.store)).toBeGreaterThan(before);
  });

  it('changes when an older snapshot is loaded into the running process', async () => {
    const server = await start('enable-debug-command local', 'save ""');
    const one = await open(server);
    await fillOne(one, 'v1');
    redisCli(server.port, ['SAVE']);
    await one.store.evict({ keys: [placeIn(one).key], tombstoneMs: 1_000 });
    redisCli(server.port, ['DEBUG', 'RELOAD', 'NOSAVE']);
    expect(await ask(one.store, placeIn(one))).toMatchObject({ kind: 'lease', stale: null });
  });

  it('changes when a replica without the newest evict is promoted, and again when the first server is promoted back', async () => {
    const quick = ['save ""', 'repl-diskless-sync-delay 0', 'repl-ping-replica-period 1'];
    const first = await start(...quick);
    const second = await start(...quick, `replicaof 127.0.0.1 ${first.port}`);
    await waitUntil(() => /state=online/.test(redisCli(first.port, ['INFO', 'replication'])), { what: 'the replica' });
    const onFirst = await open(first);
    await fillOne(onFirst, 'v1');
    const place = placeIn(onFirst);
    const at = (server: RedisServer) => redisCli(server.port, ['HGET', 'user:~m', 'q']);
    await waitUntil(() => at(second) === at(first), { what: 'replication' });
    const seen = [await incarnationOf(onFirst.store)];

    // the evict is acknowledged and does not reach the replica (R9)
    redisCli(second.port, ['REPLICAOF', '127.0.0.1', 1]);
    await onFirst.store.evict({ keys: [place.key], tombstoneMs: 1_000 });
    first.freeze();
    redisCli(second.port, ['REPLICAOF', 'NO', 'ONE']);
    expect(redisCli(second.port, ['EXISTS', place.key.entry])).toBe('1');
    const onSecond = await open(second);
    expect(await ask(onSecond.store, place)).toMatchObject({ kind: 'lease', stale: null });
    seen.push(await incarnationOf(onSecond.store));

    expect(seen[1]).toBeGreaterThan(seen[0]!);

    // the first server comes back as a replica and is promoted again (R10)
    first.thaw();
    redisCli(first.port, ['REPLICAOF', '127.0.0.1', second.port]);
    await waitUntil(() => /master_link_status:up/.test(redisCli(first.port, ['INFO', 'replication'])), {
      what: 'the link',
    });
    redisCli(first.port, ['REPLICAOF', 'NO', 'ONE']);
    const back = await open(first);
    seen.push(await incarnationOf(back.store));
    expect(seen[2]).toBeGreaterThan(seen[1]!);
  }, 20_000);

  it('changes when the server is behind what the caller has seen', async () => {
    const ahead = await start();
    const one = await open(ahead);
    const known = await incarnationOf(one.store);
    const M = one.keyspace.bucketKey(0);
    // as after a promotion of a server with a state from before, in which boot and sequence fit
    redisCli(ahead.port, ['HSET', M, 'i', '5']);
    expect(await incarnationOf(one.store)).toBeGreaterThan(known);
  });

  it.each([
    ['what the server held', ['HSET', 'user:~m', 'i', '4000000000000000', 'b', 'another process']],
    ['what a message said', ['PUBLISH', 'user:~events', '0|4000000000000000|1|F|']],
  ])('is greater than %s, although its clock is behind', async (_, command) => {
    const server = await start();
    const one = await open(server);
    one.messages.length = 0;
    redisCli(server.port, command);
    if (command[0] === 'PUBLISH') await waitUntil(() => one.messages.length > 0);
    expect(await incarnationOf(one.store)).toBe(4000000000000001);
  });

  it('is one per database of a server', async () => {
    const server = await start();
    const zero = await open(server);
    const one = await openRedisStore({ url: `${server.url}/1` });
    opened.push(one);
    const before = [await incarnationOf(zero.store), await incarnationOf(one.store)];
    await fillOne(zero);
    await zero.store.evict({ keys: [placeIn(zero).key], tombstoneMs: 1_000 });
    await fillOne(one);
    expect([await incarnationOf(zero.store), await incarnationOf(one.store)]).toEqual(before);
  });
});
