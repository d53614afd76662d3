import { deepEqual, ok } from 'node:assert/strict';
import { NOTHING, type Region } from '../../lib/cache/region.js';
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

/** What the engine does with values holds for text and bytes alike. */
export const CODECS = ['json', 'msgpack'] as const;

/** Instances of one application on one embedded server; the test owns the time. No jitter unless asked for. */
export class World {
  readonly clock = new FakeClock();
  readonly server: MemoryServer;
  private readonly open: { cache: RedisCache; lookups: ReadonlyMap<string, number> }[] = [];

  /** @param byDefault options of every instance */
  constructor(
    bucketCount = 1,
    private readonly byDefault: Partial<RedisCacheOptions> = {},
  ) {
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
    const resolved = resolveOptions({ service: 'test', jitter: 0, ...this.byDefault, ...options });
    const { store, faults } = faulty(new MemoryRemoteStore(this.server));
    const channel = new LossyChannel(new MemoryChannel(this.server));
    const drivers = { store, channel };
    const cache = createCache(resolved, { drivers, clock: this.clock, logger, random: () => 0.5, scopes });
    const engine = engineOf(cache);
    this.open.push({ cache, lookups: countLookups(engine) });
    return { cache, engine, faults, channel, log };
  }

  /** Closes all instances, and checks that nothing of them is left, and that they counted what happened. */
  async end(): Promise<void> {
    for (const { cache, lookups } of this.open) {
      const engine = engineOf(cache);
      await engine.settled();
      deepEqual(engine.underWay, { flights: 0, tickets: 0, waiters: 0, background: 0 });
      const { regions } = cache.status();
      for (const [name, c] of Object.entries(regions)) {
        const counted = c.hitsL1 + c.hitsL2 + c.stale + c.misses + c.bypasses;
        deepEqual({ name, counted }, { name, counted: lookups.get(name) ?? 0 });
        ok(c.loads >= c.loadFailures + c.fills + c.fillsRefused, `region ${name} counts more ends of loads than loads`);
      }
      await engine.close();
    }
    deepEqual({ timers: this.clock.pendingTimers }, { timers: 0 });
  }
}

/** Look-ups that ended, by region: what the counts of a region must add up to. */
function countLookups(engine: CacheEngine): ReadonlyMap<string, number> {
  const lookups = new Map<string, number>();
  const regionOf = engine.region.bind(engine);
  const watched = new Map<Region, Region>();
  engine.region = (name, codec) => {
    const region = regionOf(name, codec);
    const known = watched.get(region);
    if (known) return known;
    const count = () => void lookups.set(name, (lookups.get(name) ?? 0) + 1);
    const told = (answer: Promise<unknown>) => {
      answer.then(count, count);
      return answer;
    };
    const counting: Partial<Region> = {
      read: (...args) => told(region.read(...args)),
      readBehind: (...args) => told(region.readBehind(...args)),
      peek: (...args) => told(region.peek(...args)),
      answerLocal: (...args) => {
        const answer = region.answerLocal(...args);
        if (answer !== null) count();
        return answer;
      },
      takeLocal: (...args) => {
        const value = region.takeLocal(...args);
        if (value !== NOTHING) count();
        return value;
      },
    };
    const proxy = new Proxy(region, {
      get: (target, member) => Reflect.get(Object.hasOwn(counting, member) ? counting : target, member) as unknown,
    });
    watched.set(region, proxy);
    return proxy;
  };
  return lookups;
}
