import { engineOf, type RedisCache } from '../../lib/cache/redis-cache.js';
import { createCache } from '../../lib/create-cache.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { silentLogger } from '../../lib/shared/logger.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import { type Proxy, startProxy } from '../support/servers/proxy.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';

/** What a process holds when nothing is under way. */
export interface Held {
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** Sockets and timers by their kind, as Node counts what is active. */
  readonly resources: Readonly<Record<string, number>>;
  /** Flights, tickets, waiters, background work, pending evictions. */
  readonly underWay: Readonly<Record<string, number>>;
  /** Calls so far; each round has keys and tags that no round had before. */
  readonly calls: number;
  readonly failures: number;
}

interface Stage {
  server: RedisServer;
  readonly proxy: Proxy;
}

/** One each round, in turn. */
const OUTAGES: readonly { begin(stage: Stage): unknown; end(stage: Stage): unknown }[] = [
  { begin: ({ server }) => server.freeze(), end: ({ server }) => server.thaw() },
  { begin: ({ proxy }) => proxy.reset(), end: () => {} },
  { begin: ({ proxy }) => proxy.set({ mode: 'blackhole' }), end: ({ proxy }) => (proxy.heal(), proxy.reset()) },
  {
    begin: ({ server }) => server.stop('SIGKILL'),
    end: async (stage) => void (stage.server = await stage.server.restart()),
  },
  { begin: ({ proxy }) => proxy.set({ isCorrupt: true }), end: ({ proxy }) => (proxy.heal(), proxy.reset()) },
];

const CALLERS = 8;
const WELL_MS = 200;
const AWAY_MS = 500;

/** Rounds of an application whose keys never come again, with an outage of Redis in each. */
export class OutageRounds {
  private serial = 0;
  private calls = 0;
  private failures = 0;
  private round = 0;

  private constructor(
    private readonly stage: Stage,
    private readonly cache: RedisCache,
    private readonly collectGarbage: (() => void) | null,
  ) {}

  /** @param collectGarbage so that `heapBytes` says what is held; null: it says what garbage there is, too */
  static async start(collectGarbage: (() => void) | null = null): Promise<OutageRounds> {
    const server = await startRedis();
    const proxy = await startProxy(server.port);
    const options = { service: 'grow', redis: { host: '127.0.0.1', port: proxy.port }, l1: { maxEntries: 200 } };
    const cache = createCache(resolveOptions({ ...options, ttl: '2s', staleIfError: '1s' }), { logger: silentLogger });
    await engineOf(cache).open();
    return new OutageRounds({ server, proxy }, cache, collectGarbage);
  }

  /** One round, and what is held when all has come to rest after it. */
  async next(): Promise<Held> {
    const { stage, cache } = this;
    const outage = OUTAGES[this.round++ % OUTAGES.length]!;
    const work = { isEnding: false };
    const callers = Array.from({ length: CALLERS }, () => this.caller(work));
    await sleep(WELL_MS);
    await outage.begin(stage);
    await sleep(AWAY_MS);
    await outage.end(stage);
    await sleep(WELL_MS);
    work.isEnding = true;
    await Promise.all(callers);
    await waitUntil(() => this.isWell(), { what: 'the return of Redis' });
    await waitUntil(() => cache.status().pendingEvictions === 0, { what: 'the evictions' });
    await engineOf(cache).settled();
    return this.held();
  }

  async end(): Promise<void> {
    const { cache, stage } = this;
    await engineOf(cache).close();
    await stage.proxy.stop();
    await stage.server.remove();
  }

  private async caller(work: { readonly isEnding: boolean }): Promise<void> {
    const region = this.cache.region<{ id: number; text: string }>('r');
    while (!work.isEnding) {
      const id = (this.serial += 1);
      const value = { id, text: `the text of ${id}` };
      const tags = [`tag:${id}`];
      try {
        await region.getOrLoad(`key:${id}`, async () => value, { tags });
        await Promise.all([region.getOrLoad(`key:${id}`, async () => value), region.get(`key:${id}`)]);
        await region.write(`key:${id}`, async () => value, { tags });
        if (id % 3 === 0) await region.evict(`key:${id}`);
        if (id % 50 === 0) await this.cache.evictTags(tags);
        await region.getOrLoad(`bad:${id}`, () => Promise.reject(new Error('the source'))).catch(() => {});
      } catch {
        this.failures += 1;
      }
      this.calls += 1;
      await sleep(1);
    }
  }

  private async isWell(): Promise<boolean> {
    const region = this.cache.region<number>('probe');
    const key = (this.serial += 1);
    await region.getOrLoad(key, async () => 1);
    return (await region.getOrLoad(key, async () => 2)) === 1;
  }

  private async held(): Promise<Held> {
    // timers of what was given up end, and sockets close
    await sleep(300);
    for (let n = 0; n < 3 && this.collectGarbage; n++) {
      this.collectGarbage();
      await sleep(5);
    }
    const { heapUsed, rss } = process.memoryUsage();
    const resources: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
    const { calls, failures, cache } = this;
    return {
      heapBytes: heapUsed,
      rssBytes: rss,
      resources,
      underWay: { ...engineOf(cache).underWay, pendingEvictions: cache.status().pendingEvictions },
      calls,
      failures,
    };
  }
}
