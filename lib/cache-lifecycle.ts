import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { CacheEngine } from './cache/cache-engine.js';
import { adviceOnClient, adviceOnServers } from './boot-advice.js';
import { connectionFormOf } from './options/connection-form.js';
import type { ResolvedOptions } from './options/resolved-options.js';
import type { LoggerPort } from './shared/logger.js';

/** Longest wait for Redis at boot; then the application starts without, and the cache joins when Redis comes. */
const OPEN_WITHIN_MS = 5_000;

/** Opens a cache when its application starts, and closes it when nobody can call it any more. */
export class CacheLifecycle implements OnModuleInit, OnApplicationShutdown {
  private isClosed = false;

  /** @param planMethods plans every decorated method of the application, and tells how many there are */
  constructor(
    private readonly cache: Pick<CacheEngine, 'open' | 'close' | 'status' | 'inspect'>,
    private readonly options: ResolvedOptions,
    private readonly planMethods: () => number,
    private readonly logger: LoggerPort,
    private readonly closeAll: () => Promise<void>,
  ) {}

  /** @throws CacheError RC_REDIS_UNSUPPORTED, RC_REDIS_PERMISSION; an unreachable Redis does not stop the boot */
  async onModuleInit(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      // nobody has an application that did not start: connections that stayed open would keep the process alive
      await this.closeAll();
      throw error;
    }
  }

  /** The last hook of all: HTTP and microservice listeners are closed, and requests in flight have ended. */
  async onApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    await this.cache.close();
  }

  private async start(): Promise<void> {
    const methodCount = this.planMethods();
    const opened = await within(OPEN_WITHIN_MS, this.cache.open());
    if (opened) this.tellStart(methodCount);
    else this.startWithout(methodCount);
  }

  /** Whether Redis answers by then is told by the cache's own watch over it. */
  private startWithout(methodCount: number): void {
    this.logger.warn('Redis has not answered yet. The application starts without it: calls load until it answers.');
    this.cache.open().then(
      () => this.isClosed || this.tellStart(methodCount),
      (error: unknown) => this.logger.error(String(error)),
    );
  }

  private tellStart(methodCount: number): void {
    this.logger.log(this.bootLine(methodCount));
    if (!this.options.advice) return;
    const ofClient = adviceOnClient(this.options.redis);
    if (ofClient !== null) this.logger.warn(ofClient);
    this.cache.inspect().then(
      (reports) => {
        if (!this.isClosed) for (const line of adviceOnServers(reports)) this.logger.warn(line);
      },
      // what cannot be asked is away, and told as such
      () => undefined,
    );
  }

  private bootLine(methodCount: number): string {
    const { enabled, redis, l1, service, regions, onFailover } = this.options;
    if (!enabled) {
      return `Cache of service "${service}" is off (enabled: false): ${methodCount} cached methods run as they are, evictions do nothing`;
    }
    const store = redis === null ? 'embedded store (one process)' : `Redis (${connectionFormOf(redis)})`;
    const memory =
      l1 === null
        ? 'no L1'
        : `L1 ${l1.maxEntries} entries, ${Math.round(l1.maxBytes / 1024 ** 2)} MiB, at most ${l1.maxAgeMs} ms behind`;
    const failover = onFailover === 'keep' ? ' · onFailover keep: evictions lost in a failover may come back' : '';
    const regionCount = new Set([...regions.keys(), ...Object.keys(this.cache.status().regions)]).size;
    return `Cache of service "${service}" starts: ${store} · ${regionCount} regions, ${methodCount} cached methods · ${memory}${failover}`;
  }
}

/** False when it takes longer. */
async function within(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
    timer.unref();
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
