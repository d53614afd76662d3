import type { Version } from '../entries/version.js';
import { canonicalVersion } from '../entries/version.js';
import type { CacheKey } from '../keys/cache-key.js';
import { KeyMemo } from '../keys/key-memo.js';
import { PolicyMemo } from './policy-memo.js';
import { identifierOf, type KeyValue } from '../keys/key-segment.js';
import type { CacheEngine } from './cache-engine.js';
import { checkCallback, checkCallOptions } from './check-call.js';
import type { LoadContext } from './load-context.js';
import {
  isOfRegionsShape,
  type ReadOptions,
  type ReadPolicy,
  resolveReadPolicy,
  type StatedOptions,
} from './read-policy.js';
import type { Asked, ReadReport } from './read-report.js';
import type { Region } from './region.js';

/**
 * Options of `put`: its version is required, since a value read earlier cannot be put safely without one.
 *
 * @publicApi
 */
export type PutOptions<T = unknown> = Omit<ReadOptions<T>, 'version' | 'tags' | 'unless'> & { version: Version };

/** Options of `getOrLoad`. @publicApi */
export interface GetOrLoadOptions<T = unknown> extends ReadOptions<T> {
  /**
   * Gets how the read was answered, before it resolves: from where, whether the value is stored, how long it stays
   * fresh.
   */
  report?: (report: ReadReport) => void;
  /** True: the source is asked, and the cache is left alone: for support and debugging. @default false */
  bypass?: boolean;
  /**
   * True: a load that begins after the call, and whose value the cache gets. It evicts nothing: L1 of other instances
   * keeps what it has until its ttl. @default false
   */
  forceFresh?: boolean;
}

/** What functions among the options get: the region's type, and in a region without one what this call gives. */
type Loaded<T, R extends T> = NoInfer<unknown extends T ? R : T>;

const NO_ARGS: readonly unknown[] = Object.freeze([]);
const NO_OPTIONS = Object.freeze({});

/**
 * A named set of entries with one policy. The same object for the same name.
 *
 * Keys are what identifies a value in the region: a string, number, bigint, boolean, or an array of these.
 * Every method throws CacheError RC_INVALID_KEY for other keys. None fails because Redis is away: reads load, evictions
 * are queued and retried.
 *
 * @publicApi
 */
export class CacheRegion<T = unknown> {
  readonly #region: Region;
  readonly #engine: Pick<CacheEngine, 'setRegionEnabled'>;
  readonly #where: string;
  readonly #defaultPolicy: ReadPolicy;
  readonly #keys = new KeyMemo();
  readonly #makeKey: (key: unknown) => CacheKey;
  /** What one call takes the other may refuse. */
  readonly #policies = { getOrLoad: new PolicyMemo(), write: new PolicyMemo() };

  /** @internal Made by RedisCache. */
  constructor(region: Region, engine: Pick<CacheEngine, 'setRegionEnabled'>) {
    this.#region = region;
    this.#engine = engine;
    this.#where = `region "${region.name}"`;
    this.#defaultPolicy = resolveReadPolicy(region.options, {}, this.#where);
    this.#makeKey = (key) => region.keyOf(identifierOf(key, this.#where));
  }

  get name(): string {
    return this.#region.name;
  }

  /** The value, or undefined when it is not cached, stale or undecodable, or Redis is away. Never loads. */
  get(key: KeyValue): Promise<T | undefined> {
    let cacheKey: CacheKey;
    try {
      cacheKey = this.#keyOf(key);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#region.peek(cacheKey, this.#defaultPolicy) as Promise<T | undefined>;
  }

  /**
   * The value; loaded, cached and shared by all who ask for it meanwhile when it is not there. The loader's error is
   * passed on as it is.
   *
   * @throws CacheError RC_INVALID_OPTION
   */
  getOrLoad<R extends T>(
    key: KeyValue,
    loader: (context: LoadContext) => Promise<R>,
    options?: GetOrLoadOptions<Loaded<T, R>>,
  ): Promise<T> {
    // not async: the promise of the read is the call's
    try {
      const cacheKey = this.#keyOf(key);
      // a hit asks nothing else of the options: a literal at each call need not be checked for it
      const isPlain = isNothingAsked(options);
      if (isPlain) {
        const answer = this.#region.answerLocal(cacheKey, this.#defaultPolicy);
        if (answer !== null) return answer as Promise<T>;
      }
      checkCallback('getOrLoad(key, loader)', loader, this.#where);
      const policy = this.#policyOf(options, 'getOrLoad');
      if (policy.tags) this.#region.declareTags();
      const asked = options === undefined ? undefined : askedOf(options);
      const read = isPlain
        ? this.#region.readBehind(cacheKey, policy, NO_ARGS, loader, asked)
        : this.#region.read(cacheKey, policy, NO_ARGS, loader, asked);
      return read as Promise<T>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Puts a value the caller has. The highest version wins, in any order of calls; the key is left absent where that
   * cannot be proven.
   *
   * @throws CacheError RC_INVALID_OPTION, RC_INVALID_VERSION, RC_PUT_UNSAFE (the region uses tags: use `write`)
   */
  async put(key: KeyValue, value: T, options: PutOptions<T>): Promise<void> {
    canonicalVersion(options?.version, `put in ${this.#where}`);
    const policy = this.#policyOf(options);
    await this.#region.put(this.#keyOf(key), policy, value);
  }

  /**
   * Write-through: fences the key, runs `write` against the source, puts its result. What `@CachePut` does.
   *
   * @throws CacheError RC_INVALID_OPTION, before `write` runs
   */
  async write<R extends T>(key: KeyValue, write: () => Promise<R>, options?: ReadOptions<Loaded<T, R>>): Promise<R> {
    checkCallback('write(key, write)', write, this.#where);
    const policy = this.#policyOf(options);
    return (await this.#region.writeThrough(this.#keyOf(key), policy, NO_ARGS, write)) as R;
  }

  /**
   * Removes the value and voids loads under way. Resolves when Redis acknowledged it: no read that begins later,
   * anywhere, gets a value from before (from another instance's L1: D later). With a version, a value of that version
   * or newer stays.
   *
   * @throws CacheError RC_INVALID_OPTION, RC_INVALID_VERSION
   */
  async evict(key: KeyValue, options: { version?: Version } = NO_OPTIONS): Promise<void> {
    if (options !== NO_OPTIONS) checkCallOptions('evict', options, this.#where);
    const version = options.version === undefined ? '' : canonicalVersion(options.version, `evict in ${this.#where}`);
    await this.#region.evictKeys([this.#keyOf(key)], { version });
  }

  /** Voids every entry of the region, in constant time. Resolves as `evict`. */
  async clear(): Promise<void> {
    await this.#region.clear();
  }

  /** As `disable` of the cache, for this region. Both switches have to be on. */
  disable(): void {
    this.#engine.setRegionEnabled(this.name, false);
  }

  /** Ends `disable`. */
  enable(): void {
    this.#engine.setRegionEnabled(this.name, true);
  }

  /** @throws CacheError RC_INVALID_KEY */
  #keyOf(key: KeyValue): CacheKey {
    return this.#keys.of(key, this.#makeKey);
  }

  /** @throws CacheError RC_INVALID_OPTION */
  #policyOf(options: StatedOptions | undefined, call: 'getOrLoad' | 'write' = 'write'): ReadPolicy {
    if (options === undefined) return this.#defaultPolicy;
    return this.#policies[call].of(options, () => {
      checkCallOptions(call, options, this.#where);
      return resolveReadPolicy(this.#region.options, options, this.#where);
    });
  }
}

type Asking = Pick<GetOrLoadOptions, 'report' | 'bypass' | 'forceFresh'>;

function askedOf({ report, bypass = false, forceFresh = false }: Asking): Asked {
  return { report, isBypass: bypass, isForced: forceFresh };
}

/**
 * True when a hit in L1 needs nothing of the options: values are handed out as the region's say, and nobody asks from
 * where.
 */
function isNothingAsked(options: object | undefined): boolean {
  if (options === undefined) return true;
  return (
    typeof options === 'object' &&
    options !== null &&
    !('report' in options || 'bypass' in options || 'forceFresh' in options) &&
    isOfRegionsShape(options)
  );
}
