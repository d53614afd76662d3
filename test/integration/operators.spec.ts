import 'reflect-metadata';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type LoggerService, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cluster, Redis } from 'ioredis';
import { cacheClientOptions, RedisCache, RedisCacheModule, type RedisCacheOptions } from '../../lib/index.js';
import { startCluster } from '../support/servers/cluster.js';
import { freePort } from '../support/servers/free-port.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import { startProxy } from '../support/servers/proxy.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function aServer(conf: readonly string[] = [], port?: number): Promise<RedisServer> {
  const server = await startRedis({ conf: ['save ""', ...conf], ...(port === undefined ? {} : { port }) });
  cleanups.push(
    () => server.remove(),
    () => server.thaw(),
  );
  return server;
}

/** A server in cluster mode that owns every slot by itself. */
async function aLonelyCluster(port?: number): Promise<RedisServer> {
  port ??= await freePort();
  const server = await aServer(['cluster-enabled yes', 'cluster-config-file nodes.conf'], port);
  redisCli(server.port, ['CLUSTER', 'ADDSLOTSRANGE', 0, 16_383]);
  await waitUntil(() => /cluster_state:ok/.test(redisCli(server.port, ['CLUSTER', 'INFO'])), { what: 'the cluster' });
  return server;
}

/** An application with one cache, and what that said. */
async function boot(redis: RedisCacheOptions['redis'], options: Partial<RedisCacheOptions> = {}) {
  const lines: string[] = [];
  const put = (...said: unknown[]) => {
    if (said.at(-1) === 'RedisCache') lines.push(String(said[0]));
  };
  const logger: LoggerService = { log: put, warn: put, error: put, debug: () => {} };
  class App {}
  Module({ imports: [RedisCacheModule.forRoot({ service: 'user', redis, ...options })] })(App);
  const app = await NestFactory.createApplicationContext(App, { logger, abortOnError: false });
  cleanups.push(() => app.close());
  const cache = app.get(RedisCache);
  const region = cache.region<number>('r');
  let n = 0;
  /** True when a second read of a key of its own is a hit. */
  const caches = async () => {
    const key = `k${n++}`;
    await region.getOrLoad(key, async () => 1);
    return (await region.getOrLoad(key, async () => 2)) === 1;
  };
  return { app, cache, region, lines, caches };
}

/** A user who gets in, whatever becomes of the others. */
const ADMIN = 'user admin on >admin ~* &* +@all';
const asAdmin = ({ port }: RedisServer, ...command: (string | number)[]) =>
  redisCli(port, ['--user', 'admin', '--pass', 'admin', '--no-auth-warning', ...command]);
const connectionsTo = (server: RedisServer) =>
  Number(/total_connections_received:(\d+)/.exec(asAdmin(server, 'INFO', 'stats'))![1]);

const subscribersOf = (server: RedisServer) =>
  Number(redisCli(server.port, ['PUBSUB', 'NUMSUB', 'user:~events']).split('\n')[1]);

describe('a Cluster that is given by one address', () => {
  it('stops the boot, with the form that reaches it', async () => {
    const server = await aLonelyCluster();
    await expect(boot({ url: server.url })).rejects.toMatchObject({
      code: 'RC_INVALID_OPTION',
      message: expect.stringMatching(
        new RegExp(`Redis Cluster .*nodes: \\[\\{ host: '127.0.0.1', port: ${server.port} \\}\\].*hashTag: true`),
      ),
    });
  });

  it('stops the boot at a node that does not own the slot', async () => {
    const cluster = await startCluster({ masters: 3, replicas: 0 });
    cleanups.push(() => cluster.stop());
    const outcomes = await Promise.allSettled(cluster.ports.map((port) => boot({ host: '127.0.0.1', port })));
    expect(outcomes.map((one) => one.status === 'rejected' && (one.reason as { code: string }).code)).toEqual(
      cluster.ports.map(() => 'RC_INVALID_OPTION'),
    );
  });

  it('is told when it was away at the boot', async () => {
    const port = await freePort();
    const { lines } = await boot({ host: '127.0.0.1', port });
    await aLonelyCluster(port);
    await waitUntil(() => lines.some((line) => /the cache cannot use it: .*belongs to a Redis Cluster/.test(line)), {
      what: 'the line',
      timeoutMs: 10_000,
    });
  });

  it('caches with hashTag where one server is all there is to see', async () => {
    const server = await aLonelyCluster();
    const { region, caches } = await boot({ url: server.url }, { hashTag: true, l1: false });
    expect(await caches()).toBe(true);
    await region.evict('k0');
    expect(await region.get('k0')).toBeUndefined();
    expect(
      redisCli(server.port, ['KEYS', '*'])
        .split('\n')
        .every((key) => key.startsWith('{user}:')),
    ).toBe(true);
  });
});

it('refuses { nodes } of a server that is no Cluster, without waiting', async () => {
  const server = await aServer();
  const from = performance.now();
  await expect(boot({ nodes: [{ host: '127.0.0.1', port: server.port }] })).rejects.toMatchObject({
    code: 'RC_INVALID_OPTION',
    message: expect.stringMatching(/not a Cluster .*cluster support disabled.*\{ url \}/),
  });
  expect(performance.now() - from).toBeLessThan(2_500);
});

it.each([0, 0.999])(
  'finds the Cluster where another server has the address of one of its nodes, whichever is asked first (%d)',
  async (random) => {
    const stranger = await aServer();
    const cluster = await startCluster({ replicas: 0 });
    cleanups.push(() => cluster.stop());
    const nodes = [stranger.port, cluster.ports[0]!].map((port) => ({ host: '127.0.0.1', port }));
    // by which ioredis puts the addresses in order
    const chance = jest.spyOn(Math, 'random').mockReturnValue(random);
    try {
      const { caches } = await boot({ nodes }, { l1: false });
      expect(await caches()).toBe(true);
    } finally {
      chance.mockRestore();
    }
  },
);

describe('credentials that change', () => {
  const rotate = (server: RedisServer, password: string, old: string) =>
    redisCli(server.port, ['ACL', 'SETUSER', 'app', `>${password}`, `<${old}`]);
  const cutAll = (server: RedisServer) => {
    redisCli(server.port, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    redisCli(server.port, ['CLIENT', 'KILL', 'TYPE', 'pubsub']);
  };
  const USER = ['user app on >one ~* &* +@all'];

  it('are asked for before each connection, the channel’s included', async () => {
    const server = await aServer(USER);
    let password = 'one';
    let asked = 0;
    const credentials = async () => {
      asked += 1;
      await sleep(5);
      return { username: 'app', password };
    };
    const { caches } = await boot({ url: server.url, credentials }, { l1: false });
    expect(await caches()).toBe(true);
    expect(asked).toBe(2);
    rotate(server, 'two', 'one');
    password = 'two';
    cutAll(server);
    await waitUntil(() => subscribersOf(server) === 1, { what: 'the channel' });
    await waitUntil(caches, { what: 'a hit' });
    expect(asked).toBe(4);
  });

  it('may come late, fail, or be wrong for a while: the reason is told, and the cache comes back', async () => {
    const server = await aServer(USER);
    let answer: () => Promise<{ username: string; password: string }> = async () => {
      throw new Error('the vault is sealed');
    };
    const { caches, lines } = await boot({ url: server.url, credentials: () => answer() }, { l1: false });
    expect(lines.filter((line) => line.includes('redis.credentials failed: the vault is sealed'))).toHaveLength(1);
    answer = async () => ({ username: 'app', password: 5 }) as never;
    await sleep(300);
    answer = async () => ({ username: 'app', password: 'one' });
    await waitUntil(caches, { what: 'a hit' });
    await waitUntil(() => lines.some((line) => line.startsWith('Redis answers again')), { what: 'the line' });
  });

  it('reach every node of a Cluster', async () => {
    const cluster = await startCluster({ masters: 3, replicas: 0, conf: ['user app on >one ~* &* +@all'] });
    cleanups.push(() => cluster.stop());
    let password = 'one';
    const credentials = () => ({ username: 'app', password });
    for (const port of cluster.ports) redisCli(port, ['ACL', 'SETUSER', 'default', 'on']);
    const { caches } = await boot({ nodes: cluster.rootNodes, credentials }, { l1: false });
    await waitUntil(caches, { what: 'a hit' });
    password = 'two';
    for (const port of cluster.ports) {
      redisCli(port, ['ACL', 'SETUSER', 'app', '>two', '<one']);
      redisCli(port, ['CLIENT', 'KILL', 'USER', 'app']);
    }
    const hits = async () => (await Promise.all(Array.from({ length: 20 }, caches))).every(Boolean);
    await waitUntil(hits, { what: 'hits on every node' });
  });

  it.each(['client', '{ client }'])('of a passed %s are taken from it before each connection', async (form) => {
    const server = await aServer(USER);
    const client = new Redis({ port: server.port, username: 'app', password: 'one' });
    cleanups.push(() => client.disconnect());
    client.on('error', () => {});
    const { caches } = await boot(form === 'client' ? client : { client }, { l1: false });
    rotate(server, 'two', 'one');
    client.options.password = 'two';
    cutAll(server);
    await waitUntil(() => subscribersOf(server) === 1, { what: 'the channel' });
    await waitUntil(caches, { what: 'a hit' });
  });

  it('refuses a login beside them, what is no function, and a client beside them', async () => {
    const credentials = () => ({ password: 'one' });
    for (const redis of [
      { url: 'redis://app:one@localhost', credentials },
      { host: 'localhost', password: 'one', credentials },
      { host: 'localhost', credentials: 'one' },
      { nodes: [{ port: 7_000 }], redisOptions: { password: 'one' }, credentials },
      { client: new Redis({ lazyConnect: true }), credentials },
    ]) {
      await expect(boot(redis as never)).rejects.toMatchObject({ code: 'RC_INVALID_OPTION' });
    }
  });
});

describe('a server that refuses', () => {
  const refusals: [string, (server: RedisServer) => void, RegExp][] = [
    ['a replica', ({ port }) => redisCli(port, ['REPLICAOF', '127.0.0.1', 1]), /READONLY.*this server is a replica/],
    ['one whose save failed', (server) => failSaving(server), /MISCONF.*its last save failed/],
    [
      'one without its replicas',
      ({ port }) => redisCli(port, ['CONFIG', 'SET', 'min-replicas-to-write', 1]),
      /NOREPLICAS.*min-replicas/,
    ],
    ['a wrong password', (server) => lockOut(server), /(WRONGPASS|NOAUTH).*check user name and password/],
  ];

  it.each(refusals)(
    'such as %s costs it few connections, and is told in one line by its reason',
    async (_, refuse, reason) => {
      const server = await aServer([ADMIN]);
      const { lines } = await boot({ url: server.url }, { l1: false });
      const before = connectionsTo(server);
      refuse(server);
      await waitUntil(() => lines.some((line) => reason.test(line)), { what: 'the line', timeoutMs: 5_000 });
      await sleep(4_000);
      // two connections, seven attempts each, and those of this test
      expect(connectionsTo(server) - before).toBeLessThan(24);
      expect(lines.filter((line) => line.startsWith('Redis does not answer'))).toHaveLength(1);
      expect(lines.filter((line) => line.startsWith('Redis answers again'))).toHaveLength(0);
    },
  );

  it('is used again when it accepts, and only then is said to answer', async () => {
    const server = await aServer();
    const { lines, caches } = await boot({ url: server.url }, { l1: false });
    redisCli(server.port, ['REPLICAOF', '127.0.0.1', 1]);
    await waitUntil(() => lines.some((line) => line.includes('READONLY')), { what: 'the line' });
    await sleep(1_500);
    expect(lines.some((line) => line.startsWith('Redis answers again'))).toBe(false);
    redisCli(server.port, ['REPLICAOF', 'NO', 'ONE']);
    await waitUntil(caches, { what: 'a hit', timeoutMs: 5_000 });
    await waitUntil(() => lines.some((line) => line.startsWith('Redis answers again')), { what: 'the line' });
  });

  /** The default user has a password from now on, and its connections are cut. */
  function lockOut(server: RedisServer): void {
    asAdmin(server, 'ACL', 'SETUSER', 'default', 'resetpass', '>other');
    asAdmin(server, 'CLIENT', 'KILL', 'USER', 'default');
  }

  function failSaving(server: RedisServer): void {
    // where the snapshot is to be put stands a folder that is not empty
    mkdirSync(join(server.dir, 'dump.rdb', 'x'), { recursive: true });
    asAdmin(server, 'CONFIG', 'SET', 'save', '3600 1');
    asAdmin(server, 'BGSAVE');
  }
});

describe('an outage', () => {
  it('of a server that hangs is one line when it begins, by the address, and one when it is over', async () => {
    const server = await aServer();
    const { lines, region, caches } = await boot({ url: server.url }, { l1: false });
    lines.length = 0;
    server.freeze();
    for (let n = 0; n < 10; n++) await region.getOrLoad(n, async () => 1);
    await sleep(1_000);
    server.thaw();
    await waitUntil(caches, { what: 'a hit' });
    await waitUntil(() => lines.some((line) => line.startsWith('Redis answers again')), { what: 'the line' });
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(
          `^Redis does not answer: .*No answer within 250 ms from 127.0.0.1:${server.port}\\. Calls load until it does\\.$`,
        ),
      ),
      expect.stringMatching(/^Redis answers again, after \d+\.\d s\.$/),
    ]);
  });

  it.each([
    [
      'killed',
      (server: RedisServer) => server.stop('SIGKILL'),
      /connect ECONNREFUSED 127\.0\.0\.1:\d+|the connection to 127\.0\.0\.1:\d+ is closed/,
    ],
    [
      'of a Cluster',
      async (server: RedisServer) => server.stop('SIGKILL'),
      /ECONNREFUSED|is closed|no server is known/,
    ],
  ])('%s is told by its reason, not by what ioredis says of itself', async (name, end, reason) => {
    const isCluster = name === 'of a Cluster';
    const server = isCluster ? await aLonelyCluster() : await aServer();
    const node = { host: '127.0.0.1', port: server.port };
    const { lines } = await boot(isCluster ? { nodes: [node] } : node, { l1: false });
    lines.length = 0;
    await end(server);
    await waitUntil(() => lines.length > 0, { what: 'the line' });
    expect(lines[0]).toMatch(reason);
    expect(lines[0]).not.toMatch(/max retries|slots cache|isn't writeable/);
  });

  it('at the boot names what the name service, or the socket, said', async () => {
    const { lines } = await boot({ host: 'no-such-host.invalid', port: 6_379 });
    expect(lines.join('\n')).toMatch(/Redis does not answer: .*(ENOTFOUND|EAI_AGAIN).*the name is not resolved/);
  });
});

describe('a passed client', () => {
  it('made by cacheClientOptions does not hang while Redis does, and leaves a demoted master', async () => {
    const [first, second] = [await aServer(), await aServer()];
    redisCli(second.port, ['REPLICAOF', '127.0.0.1', first.port]);
    const endpoint = await startProxy(first.port);
    cleanups.push(() => endpoint.stop());
    const client = new Redis({ port: endpoint.port, ...cacheClientOptions() });
    cleanups.push(() => client.disconnect());
    client.on('error', () => {});
    await waitUntil(() => client.status === 'ready', { what: 'the client' });
    first.freeze();
    const from = performance.now();
    await expect(client.get('k')).rejects.toThrow();
    expect(performance.now() - from).toBeLessThan(2_500);
    first.thaw();
    const options = cacheClientOptions({ commandTimeout: 50 });
    expect(options.commandTimeout).toBe(50);
    expect(options.reconnectOnError!(new Error("READONLY You can't write against a read only replica."))).toBe(2);
    expect(options.reconnectOnError!(new Error('ERR'))).toBe(false);
  });

  it('with the habits of BullMQ never makes a call hang', async () => {
    const server = await aServer();
    const client = new Redis({ port: server.port, maxRetriesPerRequest: null });
    cleanups.push(() => client.disconnect());
    client.on('error', () => {});
    const { region } = await boot({ client }, { l1: false });
    await server.stop('SIGKILL');
    const from = performance.now();
    for (let n = 0; n < 50; n++) expect(await region.getOrLoad(n, async () => n)).toBe(n);
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(client).not.toBeInstanceOf(Cluster);
  });
});
