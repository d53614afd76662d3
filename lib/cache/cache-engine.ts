import type { Codec } from '../codecs/codec.js';
import type { Keyspace } from '../keys/keyspace.js';
import { checkName } from '../options/names.js';
import type { CodecName } from '../options/policy-options.js';
import type { ResolvedOptions, ResolvedRegionOptions } from '../options/resolved-options.js';
import { CacheError } from '../shared/errors.js';
import { type Clock, keepAlive } from '../shared/clock.js';
import type { Broadcast } from '../stores/broadcast.js';
import type { RemoteStore, ServerReport } from '../stores/remote-store.js';
import type { CacheStatus } from './cache-status.js';
import { Bulkhead } from './bulkhead.js';
import type { CallMode } from './call-modes.js';
import type { Engine } from './engine.js';
import { EngineRegion } from './engine-region.js';
import type { EvictionCounts, Wanted } from './eviction-group.js';
import { KillSwitch } from './kill-switch.js';
import type { Reader } from './reader.js';
import type { Refreshes } from './refreshes.js';
import type { Region } from './region.js';
import { RegionState } from './region-state.js';
import type { Writer } from './writer.js';

/** How long each step of closing waits for work under way. */
const CLOSE_WITHIN_MS = 2_000;

interface Parts {
  readonly engine: Engine;
  readonly reader: Reader;
  readonly writer: Writer;
  readonly refreshes: Refreshes;
  readonly store: RemoteStore;
  readonly broadcast?: Broadcast | null;
  readonly options: ResolvedOptions;
  readonly keyspace: Keyspace;
  readonly codecOf: (codec: CodecName | Codec) => Codec;
}

/** One cache at work: its regions, its life from open to close, and what it tells of itself. RedisCache is its face. */
export class CacheEngine {
  private readonly regions = new Map<string, { state: RegionState; region: EngineRegion }>();
  private readonly killSwitch: KillSwitch;
  /** Of tags and of the whole cache. */
  private readonly counts: EvictionCounts = { evictions: 0, evictionsFailed: 0 };
  /** Whether identifiers of some region are to be read nowhere (`keys: 'hashed'`). */
  readonly hidesIdentifiers: boolean;
  private opening: Promise<void> | null = null;
  private closing: Promise<void> | null = null;

  constructor(private readonly parts: Parts) {
    this.hidesIdentifiers = [...parts.options.regions.values()].some(({ keys }) => keys === 'hashed');
    this.killSwitch = new KillSwitch(parts.options, parts.engine.logger);
    parts.engine.modes.onChange = () => {
      for (const { region } of this.regions.values()) region.modesChanged();
    };
  }

  get name(): string {
    return this.parts.options.name;
  }

  /** `embedded`: in this process, which a server has no part in. */
  get store(): 'redis' | 'embedded' {
    return this.parts.options.redis === null ? 'embedded' : 'redis';
  }

  /**
   * Made when it is first asked for.
   *
   * @param codec of a door whose values have a form of their own, in the place of the region's
   * @throws CacheError RC_INVALID_OPTION, RC_REGION_CONFLICT
   */
  region(name: string, codec?: Codec): Region {
    const known = this.regions.get(name);
    if (known === undefined) return this.createRegion(name, codec);
    if (codec !== undefined && !known.state.codec.id.startsWith(codec.id)) throw otherForm(name);
    return known.region;
  }

  /**
   * For names from outside (messages, boards): what nobody uses does not come into being, since a region lasts as long
   * as the process and is polled for.
   */
  knownRegion(name: string): Region | undefined {
    return this.regions.get(name)?.region;
  }

  /** As {@link knownRegion}, and those that the options name. */
  namedRegion(name: string): Region | undefined {
    return this.knownRegion(name) ?? (this.parts.options.regions.has(name) ? this.region(name) : undefined);
  }

  /** Reads a name that somebody else wrote; null: no name of this cache. See {@link Keyspace.parsePath}. */
  parsePath(text: string): ReturnType<Keyspace['parsePath']> {
    return this.parts.keyspace.parsePath(text);
  }

  /** What others publish on the server of this cache; null: it has none. Ends with the cache. */
  get broadcast(): Broadcast | null {
    return this.parts.broadcast ?? null;
  }

  /** Writes and evicts for every region. */
  get writer(): Writer {
    return this.parts.writer;
  }

  /** What a call evicts by tags. */
  wantedTags(tags: readonly string[]): Wanted[] {
    return tags.map((tag) => ({ kind: 'mark', mark: `t:${tag}`, counts: this.counts }));
  }

  /** Resolves when acknowledged, or queued. */
  evictTags(tags: readonly string[]): Promise<void> {
    return this.parts.writer.evictAll(this.wantedTags(tags));
  }

  /** Voids every entry of every region. Resolves when acknowledged, or queued. */
  clear(): Promise<void> {
    return this.parts.writer.evictAll([this.wantedClear()]);
  }

  /** Every entry of every region. */
  wantedClear(): Wanted {
    return { kind: 'mark', mark: '*', counts: this.counts };
  }

  /** The kill switch of the whole cache. */
  setEnabled(isEnabled: boolean): void {
    if (!this.killSwitch.set(isEnabled)) return;
    for (const name of this.regions.keys()) this.applySwitch(name);
  }

  /** The kill switch of one region, which stands beside that of the cache. */
  setRegionEnabled(name: string, isEnabled: boolean): void {
    if (this.killSwitch.setRegion(name, isEnabled)) this.applySwitch(name);
  }

  private applySwitch(name: string): void {
    const region = this.regions.get(name)?.region;
    if (region) region.isOff = this.killSwitch.isOffFor(name);
  }

  /** Resolves as `run`, whose reads go past this cache. */
  runPast<T>(mode: CallMode, run: () => Promise<T> | T): Promise<T> {
    return this.parts.engine.modes.run(mode, run);
  }

  status(): CacheStatus {
    const { options, engine } = this.parts;
    const { localTier } = engine;
    const { oldestSinceMs } = engine.journal;
    return {
      name: this.name,
      enabled: options.enabled && !this.killSwitch.isOff,
      disabledRegions: this.killSwitch.offRegions,
      l1: localTier && {
        ...localTier.size,
        verifiedAgeMs: ageOf(engine.coherence.verifiedAtMs, engine.clock),
        maxAgeMs: options.l1!.maxAgeMs,
      },
      endpoints: this.parts.store.endpoints(),
      incarnations: engine.coherence.identityChanges,
      ...this.counts,
      pendingEvictions: engine.journal.size,
      oldestPendingEvictionMs: oldestSinceMs === null ? null : engine.clock.now() - oldestSinceMs,
      readsInFlight: engine.flights.size,
      regions: Object.fromEntries([...this.regions].map(([name, { state }]) => [name, { ...state.counts }])),
    };
  }

  /** Asks each server about itself; none for the embedded store. Takes as long as one answer may. */
  inspect(): Promise<readonly ServerReport[]> {
    return this.parts.store.inspect();
  }

  /** How long ago Redis last took part, by accepting a poll of any bucket, ms; null: not yet. */
  get lastProvenAgeMs(): number | null {
    const { coherence, clock } = this.parts.engine;
    return ageOf(coherence.lastProvenAtMs, clock);
  }

  /** Connects; resolves also when Redis is away. @throws CacheError RC_REDIS_UNSUPPORTED, RC_REDIS_PERMISSION */
  open(): Promise<void> {
    if (this.opening === null) {
      const { engine, store } = this.parts;
      engine.scopes.opened(this.reach);
      this.opening = store.open().then(() => (this.closing ? undefined : engine.coherence.open()));
    }
    return this.opening;
  }

  /** Ends what `open` began; background work gets the chance to end first. */
  close(): Promise<void> {
    if (this.closing === null) {
      // the last retries wait for timers alone: without this a process that has nothing else to do would end in the
      // midst of them
      const letGo = keepAlive();
      this.closing = this.shutDown().finally(letGo);
    }
    return this.closing;
  }

  /**
   * Some load is expected to read its own key after an `await`, as an override that calls `super` does: it shall not
   * wait for itself.
   */
  trackOwners(): void {
    this.parts.engine.scopes.track();
  }

  /** Resolves when no refresh, release or retry runs any more. */
  settled(): Promise<void> {
    return this.parts.engine.background.settled();
  }

  /** What is under way, by kind; nothing of it is left when no call runs. */
  get underWay(): Readonly<Record<string, number>> {
    const { flights, tickets, waiters, background } = this.parts.engine;
    return { flights: flights.size, tickets: tickets.size, waiters: waiters.size, background: background.size };
  }

  private async shutDown(): Promise<void> {
    const { engine, writer, store } = this.parts;
    const { journal, background, clock, logger } = engine;
    this.broadcast?.close();
    await within(clock, CLOSE_WITHIN_MS, writer.settled());
    await within(clock, CLOSE_WITHIN_MS, journal.close(CLOSE_WITHIN_MS));
    if (journal.size > 0) {
      logger.warn(
        `${journal.size} evictions were never acknowledged by Redis and are given up: other instances may serve the entries they cover until their ttl.`,
      );
    }
    await engine.coherence.close();
    await within(clock, CLOSE_WITHIN_MS, background.settled());
    await store.close();
    engine.running.close();
    engine.localTier?.clear();
    if (this.opening !== null) engine.scopes.closed(this.reach);
  }

  private get reach() {
    return { bucketCount: this.parts.store.bucketCount, hasLocal: this.parts.engine.localTier !== null };
  }

  private bulkheadOf({ maxConcurrentLoads, maxQueuedLoads }: ResolvedRegionOptions): Bulkhead | null {
    if (maxConcurrentLoads === null) return null;
    const { scopes, clock } = this.parts.engine;
    // a load inside a load must be known as such, else it would wait for the place of its own
    scopes.track();
    return new Bulkhead({ running: maxConcurrentLoads, queued: maxQueuedLoads }, clock);
  }

  private createRegion(name: string, codec?: Codec): Region {
    checkName('The name of a region', name);
    const { options, codecOf, engine } = this.parts;
    const regionOptions = options.regions.get(name) ?? options.defaults;
    const state = new RegionState(
      name,
      regionOptions,
      codec ?? codecOf(regionOptions.codec),
      engine.logger,
      this.bulkheadOf(regionOptions),
    );
    const region = new EngineRegion(state, { ...this.parts, ...engine, isEnabled: options.enabled });
    this.regions.set(name, { state, region });
    this.applySwitch(name);
    region.modesChanged();
    engine.coherence.declareRegion(name);
    return region;
  }
}

function otherForm(name: string): CacheError {
  return new CacheError(
    'RC_REGION_CONFLICT',
    `The region "${name}" would hold values of two forms: HTTP responses, and what methods return. Give one of them a region of another name.`,
  );
}

/** ms; null: never. */
function ageOf(atMs: number, clock: Clock): number | null {
  return atMs === -Infinity ? null : Math.max(0, clock.now() - atMs);
}

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
