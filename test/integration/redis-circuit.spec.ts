import { afterEach, describe, expect, it } from '@jest/globals';
import { cached, evict, type Place } from '../contract/remote-store/actions.js';
import { openRedisStore, type OpenedStore } from '../support/redis-store.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const TIMEOUT_MS = 100;

async function hanging(): Promise<{ server: RedisServer; one: OpenedStore; place: Place }> {
  const server = await startRedis();
  const one = await openRedisStore({ url: server.url }, { commandTimeoutMs: TIMEOUT_MS });
  cleanups.push(
    () => server.remove(),
    () => one.close(),
    () => server.thaw(),
  );
  const place = { key: one.keyspace.key('profile', '1', 'json'), region: 'profile' };
  await cached(one.store, place);
  server.freeze();
  return { server, one, place };
}

describe('a server that hangs', () => {
  it('costs a process three waits, one after the other or at once, whatever is called', async () => {
    const { one, place } = await hanging();
    const call = [
      async () => one.store.read({ ...place, binary: false }),
      () => evict(one.store, place),
      () => one.store.stamp({ bucket: 0, marks: ['*'] }),
    ];
    let waited = 0;
    for (let n = 0; n < 300; n++) {
      const error = await call[n % call.length]!().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'RC_STORE_UNAVAILABLE' });
      // by what is said, not by a clock: this machine may stall as well
      if (!String(error).includes('nothing is sent')) waited += 1;
    }
    expect(waited).toBe(3);
    expect(one.store.endpoints()).toMatchObject([
      { circuit: 'open', why: expect.stringContaining('No answer within') },
    ]);
    expect(one.logged.filter((line) => line.includes('is silent'))).toHaveLength(1);
  });

  it('is used again from its first answer to a poll on; evictions of before are not sent meanwhile', async () => {
    const { server, one, place } = await hanging();
    await Promise.allSettled([1, 2, 3].map(() => evict(one.store, place)));
    const poll = () => one.store.poll({ bucket: 0, marks: [] });
    await expect(poll()).rejects.toMatchObject({ code: 'RC_STORE_UNAVAILABLE' });
    for (let n = 0; n < 100; n++) await evict(one.store, place).catch(() => {});
    server.thaw();
    await waitUntil(poll, { what: 'an answer' });
    expect(one.store.endpoints()).toMatchObject([{ circuit: 'closed', openForMs: null, why: null }]);
    expect(one.logged.filter((line) => line.includes('is used again'))).toHaveLength(1);
    await evict(one.store, place);
    const calls = Number(/cmdstat_fcall:calls=(\d+)/.exec(redisCli(server.port, ['INFO', 'commandstats']))![1]);
    expect(calls).toBeLessThan(30);
  });

  it('does not open because of a busy event loop, or because Redis refuses', async () => {
    const { server, one, place } = await hanging();
    server.thaw();
    for (let n = 0; n < 5; n++) {
      const calls = [1, 2, 3, 4].map(() => one.store.read({ ...place, binary: false }));
      await sleep(0);
      const until = performance.now() + 3 * TIMEOUT_MS;
      while (performance.now() < until);
      expect((await Promise.allSettled(calls)).map(({ status }) => status)).not.toContain('rejected');
    }
    redisCli(server.port, ['REPLICAOF', '127.0.0.1', 1]);
    for (let n = 0; n < 5; n++) await evict(one.store, place).catch(() => {});
    expect(one.store.endpoints()).toMatchObject([{ circuit: 'closed' }]);
  });
});
