import { randomBytes } from 'node:crypto';
import type { Codec } from '../codecs/codec.js';
import { checkTags } from '../entries/tags.js';
import type { Keyspace } from '../keys/keyspace.js';
import type { CodecName } from '../options/redis-cache-options.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import type { Clock } from '../shared/clock.js';
import { CacheError } from '../shared/errors.js';
import type { LoggerPort } from '../shared/logger.js';
import type { Channel } from '../stores/channel.js';
import type { LocalStore } from '../stores/local-store.js';
import type { RemoteStore } from '../stores/remote-store.js';
import { Background } from './background.js';
import { CacheRegion } from './cache-region.js';
import type { CacheStatus } from './cache-status.js';
import { Coherence } from './coherence.js';
import type { Engine } from './engine.js';
import { EvictionDelivery } from './eviction-delivery.js';
import type { EvictionCounts, Wanted } from './eviction-group.js';
import { EvictionJournal } from './eviction-journal.js';
import { Evictions } from './evictions.js';
import { Faults } from './faults.js';
import { Flights } from './flights.js';
import { LoadRun } from './load-run.js';
import { FullServerNotice } from './full-server-notice.js';
import { type LoadScopes, processScopes } from './load-scopes.js';
import { LocalTier } from './local-tier.js';
import { Lookup } from './lookup.js';
import { Reader } from './reader.js';
import { RegionState } from './region-state.js';
import { RemoteTier } from './remote-tier.js';
import { Tickets } from './tickets.js';
import { Waiters } from './waiters.js';
import { Writer } from './writer.js';

/** P of the protocol: how often each bucket's position is polled, at most. A quarter of D leaves three tries to prove L1. */
const POLL_EVERY_MS = 250;

/** How long each step of closing waits for work under way. */
const CLOSE_WITHIN_MS = 2_000;

/** What a cache is made of; wired by the module. */
export interface RedisCacheParts {
  readonly options: ResolvedOptions;
  readonly keyspace: Keyspace;
  readonly store: RemoteStore;
  readonly channel: Channel;
  /** Null: no L1. */
  readonly local: LocalStore | null;
  readonly codecOf: (codec: CodecName | Codec) => Codec;
  readonly clock: Clock;
  readonly logger: LoggerPort;
  /** 0 <= x < 1; jitter and waiting times. @default Math.random */
  readonly random?: () => number;
  /** @default those of the process */
  readonly scopes?: LoadScopes;
}

/**
 * One cache: L1 in this process, L2 in Redis (or embedded), coherent over all instances.
 *
 * Inject it with `@InjectCache() cache: RedisCache`; the module opens and closes it.
 *
 * @publicApi
 */
export class RedisCache {
  private readonly regions = new Map<string, CacheRegion>();
  private readonly states = new Map<string, RegionState>();
  private readonly engine: Engine;
  private readonly coherence: Coherence;
  private readonly reader: Reader;
  private readonly writer: Writer;
  private readonly counts: EvictionCounts = { evictions: 0, evictionsFailed: 0 };
  private opening: Promise<void> | null = null;
  private closing: Promise<void> | null = null;

  /** @internal */
  constructor(private readonly parts: RedisCacheParts) {
    const { options, store, channel, local, clock, logger, scopes = processScopes } = parts;
    const faults = new Faults(logger);
    const tickets = new Tickets();
    const waiters = new Waiters(clock);
    const pollEveryMs = options.l1 ? Math.min(POLL_EVERY_MS, options.l1.maxAgeMs / 4) : POLL_EVERY_MS;
    const { onFailover } = options;
    this.coherence = new Coherence({
      store,
      channel,
      local,
      tickets,
      waiters,
      clock,
      logger,
      faults,
      pollEveryMs,
      onFailover,
    });
    const instance = randomBytes(8).toString('base64url');
    let tokens = 0;
    let moments = 0;
    const remote = new RemoteTier(store, this.coherence, faults);
    const background = new Background(faults);
    const nextToken = () => `${instance}.${++tokens}.${randomBytes(8).toString('base64url')}`;
    const delivery = new EvictionDelivery({ remote, background, nextToken });
    const journal = new EvictionJournal(clock, (group, suspects) => delivery.deliver(group, suspects));
    this.engine = {
      remote,
      localTier: local && options.l1 ? new LocalTier(local, this.coherence, clock, options.l1.maxAgeMs, scopes) : null,
      coherence: this.coherence,
      tickets,
      waiters,
      flights: new Flights(scopes),
      scopes,
      journal,
      evictions: new Evictions(delivery, journal, logger),
      fullServer: new FullServerNotice(clock, logger),
      background,
      clock,
      logger,
      faults,
      reads: options.reads,
      onFailover,
      nextMoment: () => ++moments,
      nextToken,
      random: parts.random ?? Math.random,
    };
    this.reader = new Reader({
      ...this.engine,
      lookup: new Lookup(this.engine),
      loads: new LoadRun(this.engine),
    });
    this.writer = new Writer(this.engine, options);
  }

  /** Name under which the module registered it; `default` when none was given. */
  get name(): string {
    return this.parts.options.name;
  }

  /** The region of this name, with the options of `regions[name]`, else the cache's. */
  region<T = unknown>(name: string): CacheRegion<T> {
    let region = this.regions.get(name);
    if (!region) {
      region = this.createRegion(name);
      this.regions.set(name, region);
    }
    return region as CacheRegion<T>;
  }

  /**
   * Voids every entry that carries one of these tags, however many, in constant time. Resolves when Redis acknowledged it
   * for every bucket: no read that begins later gets a value from before (from another instance's L1: D later).
   *
   * @throws CacheError RC_INVALID_TAG
   */
  async evictTags(tags: readonly string[]): Promise<void> {
    await this.writer.evictAll(this.wantedTags(checkTags(tags, 'evictTags')));
  }

  /** Voids every entry of every region of this cache. Resolves as `evictTags`. */
  async clear(): Promise<void> {
    await this.writer.evictAll([{ kind: 'mark', mark: '*', counts: this.counts }]);
  }

  /** A snapshot for health checks and boards; plain data. */
  status(): CacheStatus {
    const { verifiedAtMs } = this.coherence;
    const { local, options } = this.parts;
    return {
      name: this.name,
      l1: local && {
        entries: local.size,
        bytes: local.bytes,
        evictions: local.evictions,
        verifiedAgeMs: verifiedAtMs === -Infinity ? null : Math.max(0, this.parts.clock.now() - verifiedAtMs),
        maxAgeMs: options.l1!.maxAgeMs,
      },
      endpoints: this.parts.store.endpoints(),
      ...this.counts,
      pendingEvictions: this.engine.journal.size,
      readsInFlight: this.engine.flights.size,
      regions: Object.fromEntries([...this.states].map(([name, state]) => [name, { ...state.counts }])),
    };
  }

  /** @internal Connects; resolves also when Redis is away. @throws CacheError RC_REDIS_UNSUPPORTED, RC_REDIS_PERMISSION */
  open(): Promise<void> {
    if (this.opening === null) {
      this.engine.scopes.opened(this.reach);
      this.opening = this.parts.store.open().then(() => (this.closing ? undefined : this.coherence.open()));
    }
    return this.opening;
  }

  /** @internal Ends what `open` began; background work gets the chance to end first. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** @internal What a call evicts by tags. */
  wantedTags(tags: readonly string[]): Wanted[] {
    return tags.map((tag) => ({ kind: 'mark', mark: `t:${tag}`, counts: this.counts }));
  }

  /** @internal Some load is expected to read its own key after an `await`, as an override that calls `super` does: it shall not wait for itself. */
  trackOwners(): void {
    this.engine.scopes.track();
  }

  /** @internal For tests: resolves when no refresh, release or retry runs any more. */
  settled(): Promise<void> {
    return this.engine.background.settled();
  }

  private async shutDown(): Promise<void> {
    const { journal, background, clock, logger } = this.engine;
    await within(clock, CLOSE_WITHIN_MS, this.writer.settled());
    await within(clock, CLOSE_WITHIN_MS, journal.close(CLOSE_WITHIN_MS));
    if (journal.size > 0) {
      logger.warn(
        `${journal.size} evictions were never acknowledged by Redis and are given up: other instances may serve what they cover until its ttl.`,
      );
    }
    await this.coherence.close();
    await within(clock, CLOSE_WITHIN_MS, background.settled());
    await this.parts.store.close();
    this.parts.local?.clear();
    if (this.opening !== null) this.engine.scopes.closed(this.reach);
  }

  private get reach() {
    return { bucketCount: this.parts.store.bucketCount, hasLocal: this.parts.local !== null };
  }

  private createRegion(name: string): CacheRegion {
    if (typeof name !== 'string' || !REGION_NAME.test(name)) {
      throw new CacheError(
        'RC_INVALID_OPTION',
        `A region's name must be 1 to 100 letters, digits, "-", "_" or ".", got ${JSON.stringify(name)}. Rename the region.`,
      );
    }
    const { options, codecOf, logger, keyspace } = this.parts;
    const regionOptions = options.regions.get(name) ?? options.defaults;
    const state = new RegionState(name, regionOptions, codecOf(regionOptions.codec), logger);
    this.states.set(name, state);
    this.coherence.declareRegion(name);
    return new CacheRegion(state, {
      engine: this.engine,
      reader: this.reader,
      writer: this.writer,
      keyspace,
      isEnabled: options.enabled,
    });
  }
}

const REGION_NAME = /^[\w.-]{1,100}$/;

/** Resolves when the work has ended, or when its time is over. */
function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, resolve);
    void work.finally(() => {
      timer.cancel();
      resolve();
    });
  });
}
