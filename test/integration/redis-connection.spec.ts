import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RemoteStore } from '../../lib/stores/remote-store.js';
import { cached, evict, fill, lease, type Place } from '../contract/remote-store/actions.js';
import { aRedisStore, openRedisStore, type OpenedStore, type StoreArgs } from '../support/redis-store.js';
import { freePort } from '../support/servers/free-port.js';
import { waitUntil } from '../support/servers/processes.js';
import { startProxy } from '../support/servers/proxy.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';
import { startSentinelTrio } from '../support/servers/sentinel.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(port?: number): Promise<RedisServer> {
  const server = await startRedis(port === undefined ? {} : { port });
  cleanups.push(() => server.remove());
  return server;
}
async function open(connection: Parameters<typeof openRedisStore>[0], args: StoreArgs = {}): Promise<OpenedStore> {
  const one = await openRedisStore(connection, args);
  cleanups.push(() => one.close());
  return one;
}
const placeIn = ({ keyspace }: OpenedStore, identifier = '1'): Place => ({
  key: keyspace.key('profile', identifier, 'json'),
  region: 'profile',
});
const read = async (one: OpenedStore) => one.store.read({ ...placeIn(one), binary: false });
const isIdentified = (one: OpenedStore) =>
  waitUntil(async () => (await read(one)).identified, { timeoutMs: 20_000, what: 'identification' });
const poll = (store: RemoteStore) => store.poll({ bucket: 0, marks: [] });

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** The code of the failure, and how long it took. */
async function failureOf(call: Promise<unknown>): Promise<{ code: string; ms: number; message: string }> {
  const from = performance.now();
  const error = await call.then(
    () => new Error('it resolved'),
    (caught: Error) => caught,
  );
  return { code: (error as Error & { code: string }).code, ms: performance.now() - from, message: error.message };
}

describe('a server that is away', () => {
  it('does not keep the store from opening; calls fail at once with the reason, until it comes', async () => {
    const port = await freePort();
    const one = await open({ port });
    expect(one.logged.join('\n')).toMatch(/Redis is away: connect ECONNREFUSED/);
    for (const call of [() => read(one), () => poll(one.store), () => evict(one.store, placeIn(one))]) {
      const failure = await failureOf(call());
      expect(failure).toMatchObject({ code: 'RC_STORE_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') });
      expect(failure.ms).toBeLessThan(50);
    }
    await start(port);
    await waitUntil(() => isIdentified(one));
    await cached(one.store, placeIn(one));
    expect((await read(one)).entry).not.toBeNull();
    // the channel listens too
    await waitUntil(async () => {
      await evict(one.store, placeIn(one));
      return one.messages.some(({ kind }) => kind === 'entry');
    });
  });

  it('is found again within half a second of its return, with its subscription', async () => {
    const server = await start();
    const one = await open({ url: server.url });
    await server.stop('SIGKILL');
    await waitUntil(async () => (await failureOf(poll(one.store))).code === 'RC_STORE_UNAVAILABLE');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await server.restart().then((again) => cleanups.push(() => again.remove()));
    const from = performance.now();
    await waitUntil(() => poll(one.store), { what: 'the server' });
    expect(performance.now() - from).toBeLessThan(700);
    await waitUntil(async () => {
      await evict(one.store, placeIn(one));
      return one.messages.some(({ kind }) => kind === 'entry');
    });
  }, 15_000);

  it('ends calls in flight at once, and does not send them again', async () => {
    const server = await start();
    const proxy = await startProxy(server.port);
    cleanups.push(() => proxy.stop());
    const one = await open({ port: proxy.port });
    const token = await lease(one.store, placeIn(one));
    proxy.set({ mode: 'blackhole' });
    const calls = [failureOf(poll(one.store)), failureOf(read(one)), failureOf(fill(one.store, placeIn(one), token))];
    await new Promise((resolve) => setTimeout(resolve, 20));
    proxy.heal();
    proxy.reset();
    for (const { code, ms } of await Promise.all(calls)) {
      expect(code).toBe('RC_STORE_UNAVAILABLE');
      expect(ms).toBeLessThan(500);
    }
    await isIdentified(one);
    expect((await read(one)).entry).toBeNull();
  });
});

describe('a server that hangs', () => {
  it('fails calls after the command timeout; the dead socket is left, and the thawed server is used again', async () => {
    const server = await start();
    const one = await open({ url: server.url }, { commandTimeoutMs: 100 });
    server.freeze();
    cleanups.push(() => server.thaw());
    for (const call of [() => read(one), () => poll(one.store), () => evict(one.store, placeIn(one))]) {
      const failure = await failureOf(call());
      expect(failure).toMatchObject({
        code: 'RC_STORE_UNAVAILABLE',
        message: expect.stringContaining('No answer within 100 ms'),
      });
      expect(failure.ms).toBeGreaterThan(80);
      expect(failure.ms).toBeLessThan(400);
    }
    // the socket timeout makes the connection new: from then on calls fail without a wait
    await waitUntil(async () => (await failureOf(poll(one.store))).ms < 20, {
      timeoutMs: 5_000,
      what: 'the new connection',
    });
    server.thaw();
    await isIdentified(one);
  }, 15_000);
});

describe('an event loop that is busy', () => {
  it('does not make an answer late that has long arrived', async () => {
    const server = await start();
    const one = await open({ url: server.url }, { commandTimeoutMs: 50 });
    await cached(one.store, placeIn(one));
    await isIdentified(one);
    const [plain, polled] = [read(one), poll(one.store)];
    await new Promise((resolve) => process.nextTick(resolve));
    block(200);
    expect((await plain).entry).not.toBeNull();
    expect((await polled).sequence).toBeGreaterThan(0);
  });

  it('for a second costs no call its answer, and not the connection', async () => {
    const server = await start();
    const one = await open({ url: server.url }, { commandTimeoutMs: 100 });
    await cached(one.store, placeIn(one));
    const connections = () => redisCli(server.port, ['INFO', 'stats']).match(/total_connections_received:(\d+)/)![1];
    const before = Number(connections());
    // sent, and blocked in the turn of sending and in later ones
    const calls = [read(one), poll(one.store), evict(one.store, placeIn(one, 'other'))];
    block(1_000);
    await new Promise((resolve) => process.nextTick(resolve));
    calls.push(read(one), poll(one.store));
    await new Promise((resolve) => process.nextTick(() => process.nextTick(resolve)));
    block(1_000);
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(calls.map(() => 'fulfilled'));
    expect(Number(connections())).toBe(before + 1); // the one that asked
  });
});

describe('identification of connections', () => {
  it('a plain read does not count until a function was answered on its connection', async () => {
    const server = await start();
    const one = aRedisStore({ url: server.url });
    cleanups.push(() => one.close());
    await one.store.open();
    await cached(one.store, placeIn(one));
    expect(await read(one)).toMatchObject({ identified: true, entry: { format: 'json' } });

    // the server is another one from now on, behind the same address, and holds the same bytes
    const bytes = redisCli(server.port, ['GET', placeIn(one).key.entry]);
    const fields = redisCli(server.port, ['HGETALL', 'user:~m']).split('\n');
    await server.stop('SIGKILL');
    const other = await start(server.port);
    redisCli(other.port, ['SET', placeIn(one).key.entry, bytes]);
    redisCli(other.port, ['HSET', 'user:~m', ...fields]);
    const reads: { identified: boolean; fresh: boolean }[] = [];
    await waitUntil(async () => {
      const { identified, entry, position } = await read(one);
      reads.push({ identified, fresh: entry?.incarnation === position?.incarnation });
      return identified;
    });
    // whatever was read as identified had seen the new incarnation
    expect(reads.filter(({ identified }) => identified)).toEqual([{ identified: true, fresh: false }]);
  });
});

describe('a client of the application', () => {
  it('says where Redis is, and stays open', async () => {
    const server = await start();
    const client = new Redis(server.url);
    cleanups.push(() => client.disconnect());
    await waitUntil(() => client.status === 'ready');
    const before = client.listenerCount('ready') + client.listenerCount('close') + client.listenerCount('error');
    const one = await openRedisStore({ client }, { commandTimeoutMs: 100 });
    await cached(one.store, placeIn(one));
    expect((await read(one)).identified).toBe(true);
    server.freeze();
    expect((await failureOf(poll(one.store))).ms).toBeLessThan(300);
    expect((await failureOf(read(one))).ms).toBeLessThan(300);
    server.thaw();
    await one.close();
    expect(client.listenerCount('ready') + client.listenerCount('close') + client.listenerCount('error')).toBe(before);
    expect(await client.ping()).toBe('PONG');
  });

  it('is never waited for when it is not connected', async () => {
    const client = new Redis({
      port: await freePort(),
      lazyConnect: true,
      retryStrategy: () => 50,
      disconnectTimeout: 100,
    });
    client.on('error', () => {});
    cleanups.push(() => client.disconnect());
    const one = await open(client);
    const failure = await failureOf(poll(one.store));
    expect(failure.code).toBe('RC_STORE_UNAVAILABLE');
    expect(failure.ms).toBeLessThan(50);
  });
});

describe('Sentinel', () => {
  it('is followed through a failover: a new incarnation on the promoted replica, for data and channel', async () => {
    const trio = await startSentinelTrio();
    cleanups.push(() => trio.stop());
    const one = await open({ sentinels: trio.addresses, name: trio.name });
    await cached(one.store, placeIn(one));
    await isIdentified(one);
    const before = await poll(one.store);
    await trio.failover('kill-and-force');
    const after = await waitUntil(() => poll(one.store), { timeoutMs: 20_000, what: 'the promoted replica' });
    expect(after.incarnation).toBeGreaterThan(before.incarnation);
    await isIdentified(one);
    await waitUntil(
      async () => {
        one.messages.length = 0;
        await evict(one.store, placeIn(one));
        await new Promise((resolve) => setTimeout(resolve, 20));
        return one.messages.some(({ kind }) => kind === 'entry');
      },
      { timeoutMs: 20_000, what: 'the subscription' },
    );
  }, 60_000);
});

describe('close', () => {
  it('ends both connections, also while the server is away, and nothing connects again', async () => {
    const server = await start();
    const one = await openRedisStore({ url: server.url });
    const clients = () => Number(/connected_clients:(\d+)/.exec(redisCli(server.port, ['INFO', 'clients']))![1]);
    expect(clients()).toBe(3);
    await one.close();
    await one.close();
    await waitUntil(() => clients() === 1, { what: 'the end of the connections' });

    const away = await openRedisStore({ port: await freePort() });
    await away.close();
    expect(await failureOf(poll(away.store))).toMatchObject({ code: 'RC_CLOSED' });
  });
});
