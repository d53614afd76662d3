import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { engineOf, type RedisCache } from '../../lib/cache/redis-cache.js';
import { createCache } from '../../lib/create-cache.js';
import type { RedisCacheOptions } from '../../lib/options/redis-cache-options.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { freePort } from '../support/servers/free-port.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import { type Proxy, startProxy } from '../support/servers/proxy.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';

/** What is between an application and its Redis, and a client that gets in whatever happens. */
interface Stage {
  server: RedisServer;
  readonly proxy: Proxy;
  readonly admin: Redis;
  cache: RedisCache;
}

interface Fault {
  /** Before any caller is there. */
  readonly prepare?: (stage: Stage) => Promise<void>;
  readonly begin: (stage: Stage) => unknown;
  readonly end: (stage: Stage) => unknown;
  /** Lines of the server's configuration. */
  readonly conf?: readonly string[];
  /** What the log says of it; null: the cache works, for reads at least. */
  readonly reason: RegExp | null;
}

const cleanups: (() => unknown)[] = [];
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', onUnhandled);
});
afterEach(async () => {
  process.off('unhandledRejection', onUnhandled);
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const ADMIN = 'user admin on >admin ~* &* +@all';
const dns = createRequire(import.meta.url)('node:dns') as { lookup: (...args: unknown[]) => void };
const lookup = dns.lookup;

/** Resolves names of this suite, until it does not. */
function resolveNames(error: NodeJS.ErrnoException | null): void {
  dns.lookup = (name: unknown, options: unknown, answer: unknown) => {
    if (name !== 'cache.test') return lookup(name, options, answer);
    const callback = answer as (error: Error | null, found?: unknown, family?: number) => void;
    const isAll = (options as { all?: boolean }).all === true;
    process.nextTick(() =>
      error
        ? callback(error)
        : isAll
          ? callback(null, [{ address: '127.0.0.1', family: 4 }])
          : callback(null, '127.0.0.1', 4),
    );
  };
}

const FAULTS: Record<string, Fault> = {
  'is killed': {
    begin: ({ server }) => server.stop('SIGKILL'),
    end: async (stage) => void (stage.server = await stage.server.restart()),
    reason: /ECONNREFUSED|ECONNRESET|is closed|EPIPE/,
  },
  'refuses connections': {
    begin: ({ proxy }) => {
      proxy.set({ mode: 'refuse' });
      proxy.reset();
    },
    end: ({ proxy }) => proxy.heal(),
    reason: /ECONNRESET|is closed|EPIPE/,
  },
  hangs: {
    begin: ({ server }) => server.freeze(),
    end: ({ server }) => server.thaw(),
    reason: /No answer within/,
  },
  'takes longer than a call may wait': {
    begin: ({ proxy }) => proxy.set({ delayMs: 300 }),
    end: ({ proxy }) => proxy.heal(),
    reason: /No answer within/,
  },
  'takes 100 ms': {
    begin: ({ proxy }) => proxy.set({ delayMs: 50 }),
    end: ({ proxy }) => proxy.heal(),
    reason: null,
  },
  'is half-open: packets are swallowed': {
    begin: ({ proxy }) => proxy.set({ mode: 'blackhole' }),
    end: ({ proxy }) => proxy.heal(),
    reason: /No answer within/,
  },
  'is cut in the midst of replies': {
    begin: ({ proxy }) => proxy.set({ cutAfter: 200 }),
    end: ({ proxy }) => proxy.heal(),
    reason: /./,
  },
  'answers garbage': {
    begin: ({ proxy }) => proxy.set({ isCorrupt: true }),
    end: ({ proxy }) => proxy.heal(),
    reason: /./,
  },
  'is full': {
    begin: ({ admin }) => admin.config('SET', 'maxmemory', '1'),
    end: ({ admin }) => admin.config('SET', 'maxmemory', '0'),
    reason: null,
  },
  'is demoted to a replica': {
    begin: ({ admin }) => admin.replicaof('127.0.0.1', 1),
    end: ({ admin }) => admin.replicaof('NO', 'ONE'),
    reason: /READONLY.*replica/,
  },
  'loads its data': {
    conf: ['key-load-delay 2000', 'loading-process-events-interval-bytes 1024', 'save 3600 1'],
    // on a busy machine this alone may keep callers waiting, which is another fault
    prepare: async ({ admin }) => {
      await admin.eval("for i = 1, 1500 do redis.call('SET', 'x' .. i, string.rep('x', 100)) end", 0);
      await admin.save();
    },
    begin: async (stage) => {
      await stage.server.stop('SIGKILL');
      void stage.server.restart().then((server) => (stage.server = server));
      await sleep(1_000);
    },
    end: () => undefined,
    reason: /LOADING|ECONNREFUSED|ECONNRESET|is closed|EPIPE|does not get ready/,
  },
  'runs a script that does not end': {
    conf: ['busy-reply-threshold 50'],
    begin: ({ admin }) =>
      void admin
        .duplicate()
        .eval('while true do end', 0)
        .catch(() => {}),
    end: ({ admin }) => admin.script('KILL'),
    reason: /BUSY|No answer within/,
  },
  'could not save': {
    begin: async ({ server, admin }) => {
      mkdirSync(join(server.dir, 'dump.rdb', 'x'), { recursive: true });
      await admin.config('SET', 'save', '3600 1');
      await admin.bgsave();
      await waitUntil(async () => (await admin.info('persistence')).includes('rdb_last_bgsave_status:err'), {
        what: 'the failure',
      });
    },
    end: ({ admin }) => admin.config('SET', 'stop-writes-on-bgsave-error', 'no'),
    reason: /MISCONF/,
  },
  'has no room for clients': {
    begin: async ({ admin }) => {
      await admin.config('SET', 'maxclients', '1');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    end: ({ admin }) => admin.config('SET', 'maxclients', '1000'),
    reason: /max number of clients|is closed|EPIPE/,
  },
  'knows the password no more': {
    begin: async ({ admin }) => {
      await admin.acl('SETUSER', 'default', 'resetpass', '>other');
      await admin.call('CLIENT', 'KILL', 'USER', 'default');
    },
    end: ({ admin }) => admin.acl('SETUSER', 'default', 'nopass'),
    reason: /WRONGPASS|NOAUTH|is closed|EPIPE/,
  },
  'has a name that is not resolved any more': {
    begin: ({ proxy }) => {
      resolveNames(Object.assign(new Error('getaddrinfo ENOTFOUND cache.test'), { code: 'ENOTFOUND' }));
      proxy.reset();
    },
    end: () => resolveNames(null),
    reason: /ENOTFOUND|ECONNRESET|is closed|EPIPE/,
  },
};

async function aStage(
  conf: readonly string[],
  lines: string[],
  options: Partial<RedisCacheOptions> = {},
): Promise<Stage> {
  const server = await startRedis({ conf: ['save ""', ADMIN, ...conf] });
  const proxy = await startProxy(server.port);
  const admin = new Redis({ port: server.port, username: 'admin', password: 'admin' });
  admin.on('error', () => {});
  resolveNames(null);
  const cache = aCache(proxy.port, lines, options);
  const stage: Stage = { server, proxy, admin, cache };
  cleanups.push(
    () => void (dns.lookup = lookup),
    () => stage.server.remove(),
    () => proxy.stop(),
    () => admin.disconnect(),
    () => engineOf(cache).close(),
    () => stage.server.thaw(),
  );
  await engineOf(cache).open();
  return stage;
}

function aCache(port: number, lines: string[], options: Partial<RedisCacheOptions>): RedisCache {
  const write = (line: string) => void lines.push(line);
  const redis = { host: 'cache.test', port };
  return createCache(resolveOptions({ service: 'user', redis, ...options }), {
    logger: { log: write, warn: write, error: write, debug: () => {} },
  });
}

/** Callers who read keys of many kinds and evict now and then, until the end. */
function load(cache: RedisCache) {
  const region = cache.region<number>('r');
  const seen = { calls: 0, failures: [] as unknown[], longestMs: 0, isEnding: false };
  const caller = async (start: number) => {
    for (let n = start; !seen.isEnding; n++) {
      const from = performance.now();
      try {
        if (n % 10 === 0) await region.evict(n % 50);
        else expect(await region.getOrLoad(n % 50, async () => n % 50)).toBe(n % 50);
      } catch (error) {
        seen.failures.push(error);
      }
      seen.calls += 1;
      seen.longestMs = Math.max(seen.longestMs, performance.now() - from);
      await sleep(1);
    }
  };
  const callers = [0, 11, 22, 33].map(caller);
  return {
    seen,
    async end() {
      seen.isEnding = true;
      await Promise.all(callers);
    },
  };
}

let serial = 0;
async function caches(cache: RedisCache): Promise<boolean> {
  const region = cache.region<number>('probe');
  const key = serial++;
  await region.getOrLoad(key, async () => 1);
  return (await region.getOrLoad(key, async () => 2)) === 1;
}

describe.each(Object.entries(FAULTS))('while Redis %s', (_, { conf = [], prepare, begin, end, reason }) => {
  it.each([{ l1: false }, {}] as const)(
    'every call is answered, bounded and without an error; the cache works again after it (%j)',
    async (options) => {
      const lines: string[] = [];
      const stage = await aStage(conf, lines, options);
      await prepare?.(stage);
      await waitUntil(() => caches(stage.cache), { what: 'a hit' });
      lines.length = 0;
      const callers = load(stage.cache);
      await sleep(100);
      await begin(stage);
      await sleep(1_200);
      // on a busy machine the callers themselves may be slow
      await waitUntil(() => callers.seen.calls > 20, { what: 'calls that go on' });
      const during = [...lines];
      await end(stage);
      await waitUntil(() => caches(stage.cache), { what: 'a hit after it', timeoutMs: 15_000 });
      await callers.end();
      expect(callers.seen.failures).toEqual([]);
      expect(unhandled).toEqual([]);
      // several waits at most, on a machine that may be busy
      expect(callers.seen.longestMs).toBeLessThan(3_000);
      if (reason !== null) expect(during.join('\n')).toMatch(reason);
      await waitUntil(() => stage.cache.status().pendingEvictions === 0, { what: 'the evictions', timeoutMs: 10_000 });
      await engineOf(stage.cache).settled();
      expect(engineOf(stage.cache).underWay).toEqual(
        expect.objectContaining({ flights: 0, tickets: 0, waiters: 0, background: 0 }),
      );
    },
    60_000,
  );
});

describe('a Redis that is away at the start', () => {
  it('is told in one line; the cache works from its coming on', async () => {
    const lines: string[] = [];
    resolveNames(null);
    const port = await freePort();
    const cache = aCache(port, lines, { l1: false });
    cleanups.push(
      () => void (dns.lookup = lookup),
      () => engineOf(cache).close(),
    );
    await engineOf(cache).open();
    const callers = load(cache);
    await sleep(1_000);
    expect(lines).toEqual([
      expect.stringMatching(/^Redis does not answer: connect ECONNREFUSED .*Calls load until it does\.$/),
      expect.stringMatching(/RC_EVICTION_PENDING/),
    ]);
    const server = await startRedis({ port });
    cleanups.push(() => server.remove());
    await waitUntil(() => caches(cache), { what: 'a hit', timeoutMs: 5_000 });
    await callers.end();
    expect(callers.seen.failures).toEqual([]);
    expect(unhandled).toEqual([]);
  }, 30_000);
});
