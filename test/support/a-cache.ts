import type { Region } from '../../lib/cache/region.js';
import { engineOf, type RedisCache } from '../../lib/cache/redis-cache.js';
import type { CacheEngine } from '../../lib/cache/cache-engine.js';
import { LoadScopes } from '../../lib/cache/load-scopes.js';
import { createCache } from '../../lib/create-cache.js';
import type { RedisCacheOptions } from '../../lib/options/redis-cache-options.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Channel, ChannelMessage } from '../../lib/stores/channel.js';
import { MemoryChannel } from '../../lib/stores/memory/memory-channel.js';
import { MemoryRemoteStore } from '../../lib/stores/memory/memory-remote-store.js';
import { MemoryServer } from '../../lib/stores/memory/memory-server.js';
import { FakeClock } from './fake-clock.js';
import { type Faults, faulty } from './faulty-store.js';

/** One instance of an application's cache, on a server it may share with others. */
export interface Instance {
  readonly cache: RedisCache;
  readonly engine: CacheEngine;
  readonly faults: Faults;
  readonly channel: LossyChannel;
  readonly log: string[];
}

/** A channel that loses messages when the test says so. */
export class LossyChannel implements Channel {
  /** Messages for which it returns true are lost. */
  loses: (message: ChannelMessage) => boolean = () => false;
  isOpen = false;
  private listener: (message: ChannelMessage) => void = () => {};
  constructor(private readonly inner: Channel) {}
  open(listener: (message: ChannelMessage) => void): Promise<void> {
    this.isOpen = true;
    this.listener = listener;
    return this.inner.open((message) => {
      if (!this.loses(message)) listener(message);
    });
  }
  /** A message arrives, whoever sent it and whenever. */
  deliver(message: ChannelMessage): void {
    this.listener(message);
  }
  close(): Promise<void> {
    this.isOpen = false;
    return this.inner.close();
  }
}

/** A strict eviction of keys around `run`, as of a decorated method with that and nothing else. */
export function evictStrictly(
  region: Region,
  identifiers: readonly string[],
  run: () => Promise<unknown>,
): Promise<unknown> {
  const strict = region.fencedKeys(identifiers.map((identifier) => region.keyOf(identifier)));
  return region.writer.writeAll({ strict, puts: [], evictsNothing: true, after: () => [] }, run);
}

/** Instances of one application on one embedded server; the test owns the time. No jitter unless asked for. */
export class World {
  readonly clock = new FakeClock();
  readonly server: MemoryServer;
  private readonly open: RedisCache[] = [];

  constructor(bucketCount = 1) {
    this.server = new MemoryServer({ nowMicros: this.clock.nowMicros, bucketCount });
  }

  async start(options: Partial<RedisCacheOptions> = {}, scopes = new LoadScopes()): Promise<Instance> {
    const instance = await this.make(options, scopes);
    await instance.engine.open();
    return instance;
  }

  /** As start, without opening it. Each instance is a process of its own: so are its scopes. */
  async make(options: Partial<RedisCacheOptions> = {}, scopes = new LoadScopes()): Promise<Instance> {
    const log: string[] = [];
    const write = (message: string) => void log.push(message);
    const logger = { log: write, warn: write, error: write, debug() {} };
    const resolved = resolveOptions({ service: 'test', jitter: 0, ...options });
    const { store, faults } = faulty(new MemoryRemoteStore(this.server));
    const channel = new LossyChannel(new MemoryChannel(this.server));
    const drivers = { store, channel };
    const cache = createCache(resolved, { drivers, clock: this.clock, logger, random: () => 0.5, scopes });
    this.open.push(cache);
    return { cache, engine: engineOf(cache), faults, channel, log };
  }

  /** Closes all instances, and checks that nothing of them is left. */
  async end(): Promise<void> {
    for (const cache of this.open) {
      await engineOf(cache).settled();
      const { regions, readsInFlight } = cache.status();
      for (const [name, c] of Object.entries(regions)) {
        if (c.loads < c.loadFailures) throw new Error(`region ${name} counts more failures than loads`);
      }
      if (readsInFlight > 0) throw new Error(`${readsInFlight} reads are still in flight`);
      await engineOf(cache).close();
    }
    if (this.clock.pendingTimers > 0) throw new Error(`${this.clock.pendingTimers} timers are left`);
  }
}
