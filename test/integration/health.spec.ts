import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type RedisCacheOptions, RedisCache, RedisCacheModule } from '../../lib/index.js';
import { RedisCacheHealthIndicator, RedisCacheHealthModule } from '../../lib/health/index.js';
import { RedisCacheTestingModule, CacheTesting } from '../../lib/testing/index.js';
import { freePort } from '../support/servers/free-port.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A check waits 300 ms; a busy machine may be late with the rest. */
const DEADLINE_MS = 300;
const SLACK_MS = 250;

async function aServer(conf: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedis({ conf: ['save ""', ...conf] });
  cleanups.push(
    () => server.remove(),
    () => server.thaw(),
  );
  return server;
}

async function boot(options: Partial<RedisCacheOptions>): Promise<INestApplicationContext> {
  const app = await Test.createTestingModule({
    imports: [RedisCacheModule.forRoot({ service: 'user', ...options }), RedisCacheHealthModule],
  })
    .setLogger(false as never)
    .compile();
  cleanups.push(() => app.close());
  await app.init();
  return app;
}

const indicatorOf = (app: INestApplicationContext) => app.get(RedisCacheHealthIndicator);

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; tookMs: number }> {
  const from = performance.now();
  const result = await work();
  return { result, tookMs: performance.now() - from };
}

describe('a cache that works', () => {
  it('is up, and tells of its server, of L1 and of evictions, without any login', async () => {
    const server = await aServer([
      'maxmemory 100mb',
      'maxmemory-policy volatile-lru',
      'user app on >s3cret ~* &* +@all',
    ]);
    const app = await boot({ redis: { url: server.url, username: 'app', password: 's3cret' } });
    const { cache } = await indicatorOf(app).check('cache');
    expect(cache).toEqual({
      status: 'up',
      degraded: false,
      reason: null,
      store: 'redis',
      endpoints: [
        {
          address: `127.0.0.1:${server.port}`,
          circuit: 'closed',
          openForMs: null,
          why: null,
          latencyMs: expect.any(Number),
          version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
          usedMemoryBytes: expect.any(Number),
          maxMemoryBytes: 100 * 1024 ** 2,
          evictionPolicy: 'volatile-lru',
          evictedKeys: 0,
          advice: null,
        },
      ],
      l1: { verifiedAgeMs: expect.any(Number), maxAgeMs: 1_000 },
      pendingEvictions: 0,
      oldestPendingEvictionMs: null,
    });
    expect(JSON.stringify(cache)).not.toContain('s3cret');
  });

  it('counts what its server evicts for room from then on', async () => {
    const server = await aServer(['maxmemory 4mb', 'maxmemory-policy allkeys-lru']);
    const fill = (prefix: string) => {
      // the server makes room before a script, not in it
      const script = `for i = 1, 500 do redis.call('SET', ARGV[1] .. i, string.rep('x', 1000)) end`;
      for (let n = 0; n < 10; n++) redisCli(server.port, ['EVAL', script, 0, prefix + n]);
    };
    fill('before');
    const app = await boot({ redis: { url: server.url } });
    const evicted = async () => {
      const { cache } = await indicatorOf(app).check('cache');
      return (cache as unknown as { endpoints: { evictedKeys: number }[] }).endpoints[0]!.evictedKeys;
    };
    expect(await evicted()).toBe(0);
    fill('after');
    expect(await evicted()).toBeGreaterThan(1_000);
  });

  it('is up without facts where the user may not ask for them', async () => {
    const server = await aServer(['user app on >s3cret ~* &* +@all -info']);
    const app = await boot({ redis: { url: server.url, username: 'app', password: 's3cret' } });
    expect((await indicatorOf(app).check('cache')).cache).toMatchObject({
      status: 'up',
      degraded: false,
      endpoints: [{ version: null, evictedKeys: null, latencyMs: expect.any(Number) }],
    });
  });

  it('is up on the embedded store, and degraded in an outage of a test', async () => {
    const app = await Test.createTestingModule({
      imports: [RedisCacheTestingModule.forRoot(), RedisCacheHealthModule],
    }).compile();
    cleanups.push(() => app.close());
    await app.init();
    const healthy = { status: 'up', degraded: false, store: 'embedded', endpoints: [] };
    expect((await indicatorOf(app).check('cache')).cache).toMatchObject(healthy);
    const outage = app.get(CacheTesting).outage();
    expect((await indicatorOf(app).check('cache')).cache).toMatchObject({ status: 'up', degraded: true });
    outage.end();
    expect((await indicatorOf(app).check('cache')).cache).toMatchObject(healthy);
  });

  it('is found by its name', async () => {
    const app = await boot({});
    await expect(indicatorOf(app).check('cache', { cache: 'orders' })).rejects.toMatchObject({
      code: 'RC_MODULE_MISSING',
    });
  });
});

describe('a cache whose Redis hangs', () => {
  it('is up and degraded within the deadline of the check, and healthy soon after', async () => {
    const server = await aServer();
    const app = await boot({ redis: { url: server.url } });
    server.freeze();
    for (let n = 0; n < 5; n++) {
      const { result, tookMs } = await timed(() => indicatorOf(app).check('cache'));
      expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
      expect(result.cache).toMatchObject({ status: 'up', degraded: true, reason: expect.stringMatching(/^Redis /) });
    }
    expect((await indicatorOf(app).check('cache')).cache).toMatchObject({
      endpoints: [{ circuit: expect.stringMatching(/open$/) }],
    });
    server.thaw();
    await waitUntil(async () => !degradedIn(await indicatorOf(app).check('cache')), { what: 'a healthy cache' });
  });

  it('is down where it is required, in no more time than the check is given', async () => {
    const server = await aServer();
    const app = await boot({ redis: { url: server.url }, commandTimeout: '5s' });
    server.freeze();
    const check = () => indicatorOf(app).check('cache', { required: true, timeout: '50ms' });
    const { result, tookMs } = await timed(check);
    expect(tookMs).toBeLessThan(50 + SLACK_MS);
    expect(result.cache).toMatchObject({ status: 'down', reason: 'Redis did not answer within 50 ms' });
  });
});

describe('a cache whose Redis is away', () => {
  it('is degraded, and says what the connection said', async () => {
    const server = await aServer();
    const app = await boot({ redis: { url: server.url } });
    await server.stop('SIGKILL');
    await waitUntil(async () => degradedIn(await indicatorOf(app).check('cache')), { what: 'a degraded cache' });
    await waitUntil(async () => /ECONNREFUSED/.test(String((await indicatorOf(app).check('cache')).cache['reason'])), {
      what: 'the reason',
    });
  });

  it('is degraded when its server refuses writes, although it answers', async () => {
    const server = await aServer();
    const app = await boot({ redis: { url: server.url } });
    redisCli(server.port, ['REPLICAOF', '127.0.0.1', await freePort()]);
    await waitUntil(
      async () => /has accepted nothing for/.test(String((await indicatorOf(app).check('cache')).cache['reason'])),
      { what: 'the reason' },
    );
  });
});

describe('the check of a start', () => {
  it('is down until Redis has taken part, but not for long', async () => {
    const port = await freePort();
    const app = await boot({ redis: { host: '127.0.0.1', port } });
    const check = (within?: string) => indicatorOf(app).checkStartup('cache', within === undefined ? {} : { within });
    expect((await check('10m')).cache.status).toBe('down');
    expect((await check('1ms')).cache).toMatchObject({ status: 'up', degraded: true });
    const server = await startRedis({ port });
    cleanups.push(() => server.remove());
    await waitUntil(async () => (await check('10m')).cache.status === 'up', { what: 'the first answer' });
    expect((await check()).cache).toEqual({ status: 'up', degraded: false });
    await server.stop('SIGKILL');
    await sleep(300);
    expect((await check()).cache).toEqual({ status: 'up', degraded: false });
    expect(app.get(RedisCache).status().name).toBe('default');
  });
});

function degradedIn({ cache }: Awaited<ReturnType<RedisCacheHealthIndicator['check']>>): boolean {
  return (cache as { degraded?: boolean }).degraded === true;
}
