import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis, type RedisOptions } from 'ioredis';
import { cached, evict, type Place } from '../contract/remote-store/actions.js';
import { openRedisStore, type OpenedStore } from '../support/redis-store.js';
import { waitUntil } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

let server: RedisServer;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.remove());
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  redisCli(server.port, ['FLUSHALL']);
});

async function open(connection: Parameters<typeof openRedisStore>[0]): Promise<OpenedStore> {
  const one = await openRedisStore(connection, { commandTimeoutMs: 200 });
  cleanups.push(() => one.close());
  return one;
}
const placeIn = ({ keyspace }: OpenedStore): Place => ({
  key: keyspace.key('profile', '1', 'json'),
  region: 'profile',
});

type State = (client: Redis) => unknown;

/** What the application does with its own client is not the cache's, and the other way round. */
const STATES: [string, RedisOptions, State][] = [
  ['is inside a MULTI', {}, (client) => client.multi({ pipeline: false })],
  ['was SELECTed away to another database', {}, (client) => client.select(3)],
  ['was SELECTed away behind the back of ioredis', {}, (client) => client.call('SELECT', '3')],
  ['subscribes', {}, (client) => client.subscribe('news')],
  ['waits in a blocking command', {}, (client) => void client.blpop('never', 0).catch(() => {})],
  ['pipelines by itself', { enableAutoPipelining: true }, () => {}],
  ['queues and retries for ever', { enableOfflineQueue: true, maxRetriesPerRequest: null }, () => {}],
  ['is read-only', { readOnly: true }, () => {}],
  ['gives numbers as text', { stringNumbers: true }, () => {}],
  ['was quit by the application', {}, (client) => client.quit()],
  ['never connected', { lazyConnect: true }, () => {}],
];

describe('a client of the application that', () => {
  it.each(STATES)('%s carries nothing of the cache, and the cache works', async (_name, options, bring) => {
    const client = new Redis(server.port, '127.0.0.1', options);
    cleanups.push(() => client.disconnect());
    if (client.status !== 'wait') await waitUntil(() => client.status === 'ready');
    const one = await open(client);
    await bring(client);
    const other = await open({ url: server.url });
    await cached(one.store, placeIn(one));
    const read = () => one.store.read({ ...placeIn(one), binary: false });
    expect(await read()).toMatchObject({ identified: true, entry: { format: 'json' } });
    // acknowledged in the database where everyone looks
    await evict(one.store, placeIn(one));
    expect((await other.store.read({ ...placeIn(other), binary: false })).entry).toBeNull();
    await waitUntil(() => other.messages.some(({ kind }) => kind === 'entry'));
  });

  it('queues for ever makes no call wait while Redis hangs', async () => {
    const client = new Redis(server.url, { maxRetriesPerRequest: null });
    cleanups.push(() => client.disconnect());
    client.on('error', () => {});
    await waitUntil(() => client.status === 'ready');
    const one = await open({ client });
    server.freeze();
    cleanups.push(() => server.thaw());
    const from = performance.now();
    await expect(evict(one.store, placeIn(one))).rejects.toMatchObject({ code: 'RC_STORE_UNAVAILABLE' });
    expect(performance.now() - from).toBeLessThan(1_000);
    server.thaw();
  });
});
