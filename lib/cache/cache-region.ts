import type { Version } from '../entries/version.js';
import { canonicalVersion } from '../entries/version.js';
import type { CacheKey } from '../keys/cache-key.js';
import { identifierOf, type KeyValue } from '../keys/key-segment.js';
import { hashedIdentifier, type Keyspace } from '../keys/keyspace.js';
import type { ResolvedRegionOptions } from '../options/resolved-options.js';
import { checkCallback, checkCallOptions } from './check-call.js';
import type { FencedKey } from './call-fences.js';
import type { Engine } from './engine.js';
import type { EntryCall } from './entry-call.js';
import type { Wanted } from './eviction-group.js';
import type { LoadContext } from './load-context.js';
import type { LocalTier } from './local-tier.js';
import { type ReadOptions, type ReadPolicy, resolveReadPolicy, type StatedOptions } from './read-policy.js';
import type { Reader } from './reader.js';
import type { RegionState } from './region-state.js';
import type { Writer } from './writer.js';

/** Options of `put`: its version is required, since a value read earlier cannot be put safely without one. @publicApi */
export type PutOptions<T = unknown> = Omit<ReadOptions<T>, 'version' | 'tags' | 'unless'> & { version: Version };

/** What functions among the options get: the region's type, and in a region without one what this call gives. */
type Loaded<T, R extends T> = NoInfer<unknown extends T ? R : T>;

const NO_ARGS: readonly unknown[] = Object.freeze([]);
const NO_OPTIONS = Object.freeze({});

/** L1 has no value for this caller. */
const NOTHING = Symbol('nothing');

/**
 * A named set of entries with one policy. The same object for the same name.
 *
 * Keys are what identifies a value in the region: a string, number, bigint, boolean, or an array of these.
 * Every method throws CacheError RC_INVALID_KEY for other keys. None fails because Redis is away: reads load, evictions are queued and retried.
 *
 * @publicApi
 */
export class CacheRegion<T = unknown> {
  private readonly where: string;
  private readonly defaultPolicy: ReadPolicy;

  /** @internal */
  constructor(
    private readonly state: RegionState,
    private readonly parts: {
      engine: Engine;
      reader: Reader;
      writer: Writer;
      keyspace: Keyspace;
      /** False: the cache is off. */
      isEnabled: boolean;
    },
  ) {
    this.where = `region "${state.name}"`;
    this.defaultPolicy = resolveReadPolicy(state.options, {}, this.where);
    const keyOf = parts.keyspace.keysOf(state.name, state.options.attribute);
    this.keyOf = state.options.keys === 'hashed' ? (identifier) => keyOf(hashedIdentifier(identifier)) : keyOf;
  }

  get name(): string {
    return this.state.name;
  }

  get options(): ResolvedRegionOptions {
    return this.state.options;
  }

  /** The value, or undefined when it is not cached, stale or undecodable, or Redis is away. Never loads. */
  async get(key: KeyValue): Promise<T | undefined> {
    return (await this.peek(this.keyOf(identifierOf(key, this.where)), this.defaultPolicy)) as T | undefined;
  }

  /**
   * The value; loaded, cached and shared by all who ask for it meanwhile when it is not there. The loader's error is passed on as it is.
   *
   * @throws CacheError RC_INVALID_OPTION
   */
  async getOrLoad<R extends T>(
    key: KeyValue,
    loader: (context: LoadContext) => Promise<R>,
    options?: ReadOptions<Loaded<T, R>>,
  ): Promise<T> {
    const cacheKey = this.keyOf(identifierOf(key, this.where));
    if (isOfRegionsShape(options)) {
      // a hit asks nothing else of the options: a literal at each call need not be checked for it
      const local = this.takeLocal(cacheKey, this.defaultPolicy);
      if (local !== NOTHING) return local as T;
    }
    checkCallback('getOrLoad(key, loader)', loader, this.where);
    const policy = this.policyOf(options);
    if (policy.tags) this.declareTags();
    return (await this.read(cacheKey, policy, NO_ARGS, loader)) as T;
  }

  /**
   * Puts a value the caller has. The highest version wins, in any order of calls; the key is left absent where that cannot be proven.
   *
   * @throws CacheError RC_INVALID_OPTION, RC_INVALID_VERSION, RC_PUT_UNSAFE (the region uses tags: use `write`)
   */
  async put(key: KeyValue, value: T, options: PutOptions<T>): Promise<void> {
    canonicalVersion(options?.version, `put in ${this.where}`);
    const policy = this.policyOf(options);
    await this.parts.writer.put(
      { region: this.state, key: this.keyOf(identifierOf(key, this.where)), policy, args: NO_ARGS },
      value,
    );
  }

  /**
   * Write-through: fences the key, runs `write` against the source, puts its result. What `@CachePut` does.
   *
   * @throws CacheError RC_INVALID_OPTION, before `write` runs
   */
  async write<R extends T>(key: KeyValue, write: () => Promise<R>, options?: ReadOptions<Loaded<T, R>>): Promise<R> {
    checkCallback('write(key, write)', write, this.where);
    const policy = this.policyOf(options);
    const call = this.entryCall(this.keyOf(identifierOf(key, this.where)), policy, NO_ARGS);
    return (await this.parts.writer.writeThrough(call, write)) as R;
  }

  /**
   * Removes the value and voids loads under way. Resolves when Redis acknowledged it: no read that begins later, anywhere, gets a value from before
   * (from another instance's L1: D later). With a version, a value of that version or newer stays.
   *
   * @throws CacheError RC_INVALID_OPTION, RC_INVALID_VERSION
   */
  async evict(key: KeyValue, options: { version?: Version } = NO_OPTIONS): Promise<void> {
    if (options !== NO_OPTIONS) checkCallOptions('evict', options, this.where);
    const version = options.version === undefined ? '' : canonicalVersion(options.version, `evict in ${this.where}`);
    await this.parts.writer.evict(this.state, [this.keyOf(identifierOf(key, this.where))], version);
  }

  /** Voids every entry of the region, in constant time. Resolves as `evict`. */
  async clear(): Promise<void> {
    await this.parts.writer.evictAll([this.wantedClear()]);
  }

  /** @internal The key of an identifier that is escaped already. */
  readonly keyOf: (identifier: string) => CacheKey;

  /** @internal Read-through. An L1 hit costs one look-up and a resolved promise. */
  read(
    key: CacheKey,
    policy: ReadPolicy,
    args: readonly unknown[],
    load: (context: LoadContext) => Promise<unknown>,
  ): Promise<unknown> {
    const local = this.takeLocal(key, policy);
    if (local !== NOTHING) return Promise.resolve(local);
    if (!this.parts.isEnabled) return this.loadStraight(key, load);
    return this.parts.reader.read({ region: this.state, key, policy, args, load });
  }

  /** @internal The value as `policy` gives it back, or undefined. Never loads. */
  async peek(key: CacheKey, policy: ReadPolicy): Promise<unknown> {
    if (!this.parts.isEnabled) return undefined;
    const local = this.takeLocal(key, policy);
    if (local !== NOTHING) return local;
    return this.parts.reader.peek({ region: this.state, key, policy, args: NO_ARGS });
  }

  /** @internal Writes and evicts for every region of the cache. */
  get writer(): Writer {
    return this.parts.writer;
  }

  /** @internal What a call evicts by keys. */
  wantedKeys(keys: readonly CacheKey[], version = ''): Wanted[] {
    return keys.map((key) => ({ kind: 'key', region: this.state, key, version }));
  }

  /** @internal The region's clear. */
  wantedClear(): Wanted {
    return { kind: 'mark', mark: `r:${this.state.name}`, counts: this.state.counts };
  }

  /** @internal A strict eviction's keys. */
  fencedKeys(keys: readonly CacheKey[]): FencedKey[] {
    return keys.map((key) => ({ region: this.state, key }));
  }

  /** @internal One call that puts its result. */
  entryCall(key: CacheKey, policy: ReadPolicy, args: readonly unknown[]): EntryCall {
    return { region: this.state, key, policy, args };
  }

  /** @internal Closing waits for this write. */
  tracked<W>(writing: Promise<W>): Promise<W> {
    return this.parts.writer.tracked(writing);
  }

  /** @internal Some operation gives this region's entries tags: versioned puts are fenced from now on. */
  declareTags(): void {
    this.state.usesTags = true;
  }

  /** @internal `condition` was false. */
  countBypass(): void {
    this.state.counts.bypasses += 1;
  }

  /** The cache is off. */
  private async loadStraight(key: CacheKey, load: (context: LoadContext) => Promise<unknown>): Promise<unknown> {
    this.countBypass();
    return load({ signal: new AbortController().signal, region: this.name, key: key.entry });
  }

  /** The value for one caller, or NOTHING. */
  private takeLocal(key: CacheKey, policy: ReadPolicy): unknown {
    const { localTier, journal } = this.parts.engine;
    if (localTier === null || (journal.size > 0 && journal.covers(key, this.state))) return NOTHING;
    const entry = localTier.find(key, policy.shape);
    if (entry === undefined) return NOTHING;
    const value = entry.revive === null ? entry.value : this.revived(entry.revive, localTier, key, policy);
    if (value !== NOTHING) this.state.counts.hitsL1 += 1;
    return value;
  }

  /** What fitted type and schema when it was read may fit no longer: it is a miss then, as in L2. */
  private revived(revive: () => unknown, localTier: LocalTier, key: CacheKey, policy: ReadPolicy): unknown {
    try {
      return revive();
    } catch (error) {
      localTier.drop(key);
      this.state.countUndecodable(policy.where, error);
      return NOTHING;
    }
  }

  /** @throws CacheError RC_INVALID_OPTION */
  private policyOf(options: StatedOptions | undefined): ReadPolicy {
    if (options === undefined) return this.defaultPolicy;
    checkCallOptions('read', options, this.where);
    return resolveReadPolicy(this.state.options, options, this.where);
  }
}

/** True when values are handed out as the region's options say. */
function isOfRegionsShape(options: object | undefined): boolean {
  if (options === undefined) return true;
  return (
    typeof options === 'object' &&
    options !== null &&
    !('type' in options || 'schema' in options || 'mutable' in options)
  );
}
