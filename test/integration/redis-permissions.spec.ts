import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { libraryText } from '../../lib/stores/redis/functions/library.js';
import { neededCommands } from '../../lib/stores/redis/preflight.js';
import { openRedisStore, type OpenedStore } from '../support/redis-store.js';
import { tempDir } from '../support/servers/processes.js';
import { freePort } from '../support/servers/free-port.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';
import { makeCerts, tlsConf } from '../support/servers/tls.js';
import { anEntry, aToken, lease } from '../contract/remote-store/actions.js';

let server: RedisServer;
let opened: OpenedStore[] = [];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.remove());
afterEach(async () => {
  await Promise.all(opened.map((one) => one.close()));
  opened = [];
  redisCli(server.port, ['FLUSHALL']);
  redisCli(server.port, ['FUNCTION', 'FLUSH', 'SYNC']);
});

const SCOPE = ['on', '>secret', 'resetkeys', 'resetchannels', '~user:*', '&user:~events', 'nocommands'];
const ALL = [...neededCommands(false), 'function|load', 'info'];

/** Opens the store as a user with these rights and no others. */
async function openAs(rights: readonly string[], scope: readonly string[] = SCOPE): Promise<OpenedStore> {
  redisCli(server.port, ['ACL', 'DELUSER', 'app']);
  redisCli(server.port, ['ACL', 'SETUSER', 'app', ...scope, ...rights.map((right) => `+${right}`)]);
  const one = await openRedisStore({
    port: server.port,
    username: 'app',
    password: 'secret',
    enableReadyCheck: rights.includes('info'),
  });
  opened.push(one);
  return one;
}

/** Calls every operation once. */
async function useAll({ store, keyspace }: OpenedStore): Promise<void> {
  const place = { key: keyspace.key('profile', '1', 'json'), region: 'profile' };
  const { key } = place;
  const tombstoneMs = 1_000;
  const token = await lease(store, place);
  await store.renew({ key, token, leaseMs: 1_000, keepMs: 1_000 });
  await store.fill({ ...place, token, ...anEntry({ tags: ['a'] }) });
  expect(await store.read({ ...place, binary: false })).toMatchObject({ identified: true, entry: { format: 'json' } });
  await Promise.all([store.read({ ...place, binary: false }), store.read({ ...place, binary: false })]);
  await store.softEvict({ keys: [key], tombstoneMs });
  await store.evict({ keys: [key], versions: ['7'], tombstoneMs });
  await store.fence({ keys: [key], fence: 'a', fenceMs: 1_000, tombstoneMs });
  await store.put({ ...place, fence: 'a', tombstoneMs, ...anEntry() });
  await store.unfence({ keys: [key], fence: 'a', tombstoneMs });
  await store.release({ key, token: aToken() });
  await store.stamp({ bucket: 0, marks: ['t:a'] });
  await store.poll({ bucket: 0, marks: ['t:a', '*'] });
}

describe('ACL rights', () => {
  it('the documented ones suffice for everything', async () => {
    await useAll(await openAs(ALL));
  });

  it('FUNCTION LOAD is not needed where the library was loaded by an administrator, nor is INFO', async () => {
    redisCli(server.port, ['FUNCTION', 'LOAD', libraryText]);
    await useAll(await openAs(neededCommands(false)));
  });

  it.each(ALL.filter((right) => right !== 'info'))(
    'without %s the store does not open, and says what to grant',
    async (right) => {
      const error: unknown = await openAs(ALL.filter((other) => other !== right)).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'RC_REDIS_PERMISSION' });
      const { message } = error as Error;
      expect(message.toLowerCase()).toContain(right === 'function|load' ? 'function|load' : right);
      expect(message).toContain('ACL SETUSER');
      expect(message).toContain('&user:~events');
    },
  );

  it('without the keys the store does not open', async () => {
    const scope = SCOPE.map((rule) => (rule === '~user:*' ? '~other:*' : rule));
    await expect(openAs(ALL, scope)).rejects.toMatchObject({
      code: 'RC_REDIS_PERMISSION',
      message: expect.stringContaining('~user:*'),
    });
  });

  it('without the channel the store does not open', async () => {
    const scope = SCOPE.map((rule) => (rule === '&user:~events' ? '&other' : rule));
    await expect(openAs(ALL, scope)).rejects.toMatchObject({
      code: 'RC_REDIS_PERMISSION',
      message: expect.stringContaining('&user:~events'),
    });
  });

  it('a wrong password is told at once', async () => {
    redisCli(server.port, ['ACL', 'SETUSER', 'app', ...SCOPE]);
    const url = `redis://app:wrong@127.0.0.1:${server.port}`;
    await expect(openRedisStore({ url })).rejects.toMatchObject({
      code: 'RC_REDIS_PERMISSION',
      message: expect.stringContaining('WRONGPASS'),
    });
  });
});

describe('a database other than 0', () => {
  it('is used with the documented rights, and no other instance is misled', async () => {
    redisCli(server.port, ['ACL', 'DELUSER', 'app']);
    const scope = SCOPE.map((rule) => (rule === '&user:~events' ? '&user:~events:2' : rule));
    redisCli(server.port, ['ACL', 'SETUSER', 'app', ...scope, ...[...ALL, 'select'].map((right) => `+${right}`)]);
    const one = await openRedisStore({ url: `redis://app:secret@127.0.0.1:${server.port}/2` });
    opened.push(one);
    await useAll(one);
    expect(redisCli(server.port, ['-n', '2', 'EXISTS', 'user:~m'])).toBe('1');
    expect(redisCli(server.port, ['EXISTS', 'user:~m'])).toBe('0');
  });

  it('that the user may not select stops the boot, and does not lead to database 0', async () => {
    redisCli(server.port, ['ACL', 'DELUSER', 'app']);
    redisCli(server.port, ['ACL', 'SETUSER', 'app', ...SCOPE, ...ALL.map((right) => `+${right}`)]);
    const url = `redis://app:secret@127.0.0.1:${server.port}/2`;
    await expect(openRedisStore({ url })).rejects.toMatchObject({
      code: 'RC_REDIS_PERMISSION',
      message: expect.stringMatching(/'select' command.* &user:~events:2 .* \+info \+select/),
    });
    expect(redisCli(server.port, ['EXISTS', 'user:~m'])).toBe('0');
  });

  it.each([
    ['redis.url', () => ({ url: `${server.url}/99` })],
    ['redis.db', () => ({ port: server.port, db: 99 })],
  ])('that the server does not have stops the boot: %s', async (_option, connection) => {
    await expect(openRedisStore(connection())).rejects.toMatchObject({
      code: 'RC_INVALID_OPTION',
      message: expect.stringMatching(
        /^The database, redis\.db or the path of redis\.url, .*, got 99: ERR DB index is out of range\. Choose one /,
      ),
    });
    expect(redisCli(server.port, ['EXISTS', 'user:~m'])).toBe('0');
  });
});

describe('servers without functions', () => {
  it('are refused with their version and the cure', async () => {
    const old = await startRedis({ conf: ['save ""', 'rename-command FCALL ""', 'rename-command FUNCTION ""'] });
    try {
      await expect(openRedisStore({ url: old.url })).rejects.toMatchObject({
        code: 'RC_REDIS_UNSUPPORTED',
        message: expect.stringMatching(/Redis 7\.\S+ answers "ERR unknown command.*needs Redis >= 7\.0 or Valkey/),
      });
    } finally {
      await old.remove();
    }
  });

  const REDIS_6 = '.services/redis-6/bin/redis-server';
  (existsSync(REDIS_6) ? it : it.skip)(`Redis 6 is refused (needs ${REDIS_6})`, async () => {
    const old = await startRedis({ bin: REDIS_6 });
    try {
      await expect(openRedisStore({ url: old.url })).rejects.toMatchObject({
        code: 'RC_REDIS_UNSUPPORTED',
        message: expect.stringContaining('Redis 6.'),
      });
    } finally {
      await old.remove();
    }
  });
});

describe('TLS', () => {
  it('is spoken by both connections, with a client certificate', async () => {
    const dir = tempDir();
    const port = await freePort();
    const certificates = makeCerts(dir);
    const secure = await startRedis({ dir, port: 0, conf: ['save ""', ...tlsConf(dir, port)] });
    try {
      const one = await openRedisStore({ host: '127.0.0.1', port, tls: certificates });
      await useAll(one);
      await one.close();
    } finally {
      await secure.remove();
    }
  });

  it('a certificate that nobody vouches for is told in the log, and does not fail the start', async () => {
    const dir = tempDir();
    const port = await freePort();
    makeCerts(dir);
    const secure = await startRedis({ dir, port: 0, conf: ['save ""', ...tlsConf(dir, port, { authClients: 'no' })] });
    try {
      const one = await openRedisStore({ host: '127.0.0.1', port, tls: {} });
      expect(one.logged.join('\n')).toMatch(/self.signed certificate/);
      await one.close();
    } finally {
      await secure.remove();
    }
  });
});

it('a client of the application with a key prefix is refused', async () => {
  const client = new Redis(server.url, { keyPrefix: 'app:', lazyConnect: true });
  await expect(openRedisStore(client)).rejects.toMatchObject({
    code: 'RC_INVALID_OPTION',
    message: expect.stringContaining('keyPrefix'),
  });
  client.disconnect();
});
