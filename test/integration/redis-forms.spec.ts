import { afterEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RedisConnectionOptions } from '../../lib/options/redis-connection.js';
import { cached, evict } from '../contract/remote-store/actions.js';
import { openRedisStore } from '../support/redis-store.js';
import { startCluster } from '../support/servers/cluster.js';
import { freePort } from '../support/servers/free-port.js';
import { tempDir, waitUntil } from '../support/servers/processes.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';
import { startSentinelTrio } from '../support/servers/sentinel.js';
import { makeCerts, tlsConf } from '../support/servers/tls.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function aServer(conf: string[] = [], options: { dir?: string; port?: number } = {}): Promise<RedisServer> {
  const server = await startRedis({ ...options, conf: ['save ""', ...conf] });
  cleanups.push(() => server.remove());
  return server;
}

/** Of all characters that a URL, a configuration file or a shell might take for something else. */
const SECRET = 'p#s/w@r:d?%20&=+é';
const inUrl = encodeURIComponent(SECRET);

/** The configuration file of Redis quotes with ", and has no other special character in here. */
const USER = `user app1 on >${SECRET} ~* &* +@all`;

const secure = async (authClients: 'yes' | 'no') => {
  const [dir, port] = [tempDir(), await freePort()];
  const certificates = makeCerts(dir);
  await aServer(tlsConf(dir, port, { authClients }), { dir, port: 0 });
  return { port, certificates };
};

const onSocket = async (conf: string[] = []) => {
  const dir = tempDir();
  await aServer([`unixsocket ${dir}/redis.sock`, 'unixsocketperm 700', ...conf], { dir, port: 0 });
  return `${dir}/redis.sock`;
};

const FORMS: [string, () => Promise<{ connection: RedisConnectionOptions; bucketCount?: number }>][] = [
  ['a url', async () => ({ connection: { url: (await aServer()).url } })],
  [
    'a url with a login of special characters and a database',
    async () => ({
      connection: { url: `redis://app1:${inUrl}@127.0.0.1:${(await aServer([USER])).port}/3` },
    }),
  ],
  [
    'options with such a login',
    async () => ({
      connection: { port: (await aServer([USER])).port, username: 'app1', password: SECRET, db: 3 },
    }),
  ],
  [
    'a password without a user',
    async () => ({
      connection: {
        url: `redis://:${encodeURIComponent('s3#cret')}@127.0.0.1:${(await aServer(['requirepass "s3#cret"'])).port}`,
      },
    }),
  ],
  [
    'a rediss url, with certificates beside it',
    async () => {
      const { port, certificates } = await secure('yes');
      return { connection: { url: `rediss://127.0.0.1:${port}`, tls: certificates } };
    },
  ],
  [
    'TLS without a client certificate',
    async () => {
      const { port, certificates } = await secure('no');
      return { connection: { host: '127.0.0.1', port, tls: { ca: certificates.ca } } };
    },
  ],
  ['a unix socket', async () => ({ connection: { path: await onSocket() } })],
  [
    'a unix socket with a login and a database',
    async () => ({
      connection: { path: await onSocket([USER]), username: 'app1', password: SECRET, db: 2 },
    }),
  ],
  [
    'IPv6 in a url',
    async () => ({ connection: { url: `redis://[::1]:${(await aServer(['bind 127.0.0.1 ::1'])).port}` } }),
  ],
  ['IPv6 as a host', async () => ({ connection: { host: '::1', port: (await aServer(['bind 127.0.0.1 ::1'])).port } })],
  [
    'sentinels',
    async () => {
      const trio = await startSentinelTrio();
      cleanups.push(() => trio.stop());
      return { connection: { sentinels: trio.addresses, name: trio.name } };
    },
  ],
  [
    'nodes with a login',
    async () => {
      const cluster = await startCluster({ replicas: 0, conf: [USER] });
      cleanups.push(() => cluster.stop());
      const login = { username: 'app1', password: SECRET };
      return { connection: { nodes: cluster.rootNodes, redisOptions: login }, bucketCount: 16 };
    },
  ],
  [
    'a client with a login and a database',
    async () => {
      const { port } = await aServer([USER]);
      const client = new Redis({ port, username: 'app1', password: SECRET, db: 4 });
      cleanups.push(() => client.disconnect());
      return { connection: { client } };
    },
  ],
];

it.each(FORMS)(
  '%s caches, evicts, and hears of evictions',
  async (_, make) => {
    const { connection, bucketCount = 1 } = await make();
    const one = await openRedisStore(connection, { bucketCount });
    cleanups.push(() => one.close());
    const place = { key: one.keyspace.key('profile', '1', 'json'), region: 'profile' };
    await cached(one.store, place);
    await waitUntil(async () => (await one.store.read({ ...place, binary: false })).identified, {
      what: 'the identity',
    });
    expect((await one.store.read({ ...place, binary: false })).entry).not.toBeNull();
    await waitUntil(
      async () => {
        await evict(one.store, place);
        return one.messages.some(({ kind }) => kind === 'entry');
      },
      { what: 'a message' },
    );
    expect((await one.store.read({ ...place, binary: false })).entry).toBeNull();
  },
  60_000,
);
