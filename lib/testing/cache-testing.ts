import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { RedisCache } from '../cache/redis-cache.js';
import type { EmbeddedServer } from '../embedded-wiring.js';
import { CacheError } from '../shared/errors.js';
import type { RemoteStore } from '../stores/remote-store.js';
import { type CacheEviction, evictionsOf } from './cache-eviction.js';
import { settled, TestClock } from './test-clock.js';

/** What a store answers without asking its server. */
const AT_ONCE: ReadonlySet<string | symbol> = new Set<keyof RemoteStore>(['endpoints', 'witnesses']);

/**
 * What a test does with the embedded store of its application: `module.get(CacheTesting)`, or by {@link
 * getCacheTestingToken} for a cache with a name.
 *
 * @publicApi
 */
export class CacheTesting implements BeforeApplicationShutdown {
  /** The time of the cache and of its store. */
  readonly clock = new TestClock();
  /**
   * What was evicted since the start or the last `flush`, in order, however it was: by decorators, by hand, strictly.
   */
  readonly evictions: CacheEviction[] = [];
  /** @internal */
  readonly nowMicros = (): number => Math.floor(this.clock.now() * 1_000);
  private server: EmbeddedServer | null = null;
  private isOut = false;
  private isFlushing = false;

  constructor(private readonly cacheOf: () => RedisCache) {}

  /** Empties the cache and {@link evictions}: between two tests. Time stays where it is. */
  async flush(): Promise<void> {
    this.isFlushing = true;
    try {
      this.server?.flush();
      // this instance's own memory as well, at once
      await this.cacheOf().clear();
    } finally {
      this.isFlushing = false;
    }
    this.evictions.length = 0;
  }

  /** The server restarts with its data: `onFailover` says what becomes of the entries. */
  async restart(): Promise<void> {
    this.server?.restart();
    await settled();
  }

  /** From now on no call reaches the server, as when Redis is down. @returns what ends it */
  outage(): { end(): void } {
    this.isOut = true;
    return { end: () => void (this.isOut = false) };
  }

  /** @internal */
  wire(server: EmbeddedServer, store: RemoteStore): RemoteStore {
    this.server = server;
    return new Proxy(store, {
      get: (target, operation) => {
        const member: unknown = Reflect.get(target, operation);
        if (typeof member !== 'function' || AT_ONCE.has(operation)) return member;
        return async (...args: unknown[]): Promise<unknown> => {
          const isCall = operation !== 'open' && operation !== 'close';
          if (isCall && this.isOut) throw new CacheError('RC_STORE_UNAVAILABLE', 'The test has an outage.');
          const reply: unknown = await Reflect.apply(member, target, args);
          if (isCall && !this.isFlushing) this.evictions.push(...evictionsOf(String(operation), args[0]));
          return reply;
        };
      },
    });
  }

  /** Called by Nest. Nobody moves the time of an application that closes. */
  beforeApplicationShutdown(): void {
    this.isOut = false;
    this.clock.release();
  }
}
