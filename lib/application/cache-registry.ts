import { Injectable, type InjectionToken } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { engineOf, type RedisCache } from '../cache/redis-cache.js';
import { CacheError } from '../shared/errors.js';
import { DEFAULT_CACHE, getCacheToken } from '../shared/tokens.js';
import { isInModuleTree } from './module-tree.js';

/** A cache as its module declares it. */
export interface RegisteredCache {
  readonly name: string;
  readonly service: string;
  /**
   * Where its Redis is: two caches that have one place in common share a server. Empty: the embedded store, of its own.
   */
  readonly places: readonly string[];
  readonly cache: RedisCache;
  /** Names of the regions that its options name. */
  readonly regions: ReadonlySet<string>;
  /** Whether risky settings are told. */
  readonly tellsRisks: boolean;
  /** A provider that this cache's module alone has. */
  readonly providedIn: InjectionToken;
}

/** Finds a cache by its name. */
export interface CacheFinder {
  /**
   * @param where what needs the cache, for the message
   * @throws CacheError RC_MODULE_MISSING
   */
  find(name: string, where: string): RedisCache;
}

/** The caches of one application, by name. */
@Injectable()
export class CacheRegistry implements CacheFinder {
  private readonly caches = new Map<string, RegisteredCache>();

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly modules: ModulesContainer,
  ) {}

  /**
   * @throws CacheError RC_DUPLICATE_CACHE when a cache of this name, or of this service on this Redis, was registered
   * before
   * @throws CacheError RC_MODULE_MISSING when its module was loaded lazily
   */
  register(one: RegisteredCache): void {
    if (!isInModuleTree(this.modules, one.providedIn)) {
      throw new CacheError(
        'RC_MODULE_MISSING',
        `RedisCacheModule was imported in a module that was loaded lazily, with the name "${one.name}". Nest runs no lifecycle hooks there: the cache would be neither opened nor closed. ` +
          `Import it in the root module; decorated classes of lazy modules find it there.`,
      );
    }
    if (this.caches.has(one.name)) {
      throw new CacheError(
        'RC_DUPLICATE_CACHE',
        `RedisCacheModule was imported twice with the name "${one.name}". Import it once, in the root module: it is global. Give a second cache a name of its own.`,
      );
    }
    for (const other of this.caches.values()) {
      const place = other.service === one.service && other.places.find((known) => one.places.includes(known));
      if (!place) continue;
      throw new CacheError(
        'RC_DUPLICATE_CACHE',
        `The caches "${other.name}" and "${one.name}" both have the service "${one.service}" on one Redis (${place}), so that each would read what the other wrote. ` +
          `Give one of them another service, such as '${`${one.service}-${one.name}`.slice(0, 100)}'.`,
      );
    }
    this.caches.set(one.name, one);
  }

  /** In the order in which they were declared. */
  all(): readonly RegisteredCache[] {
    return [...this.caches.values()];
  }

  /** Whether the options of the cache's module name this region. */
  isConfigured(cache: RedisCache, region: string): boolean {
    return this.all().some((one) => one.cache === cache && one.regions.has(region));
  }

  /** Closes every cache of an application that does not start: nobody else could. */
  async closeAll(): Promise<void> {
    await Promise.allSettled([...this.caches.values()].map(({ cache }) => engineOf(cache).close()));
  }

  /**
   * Looked up in the container, so that a provider overridden in a test is found.
   *
   * @param where what needs the cache, for the message
   * @throws CacheError RC_MODULE_MISSING
   */
  find(name: string, where: string): RedisCache {
    try {
      return this.moduleRef.get<RedisCache>(getCacheToken(name), { strict: false });
    } catch (cause) {
      const known = [...this.caches.keys()].map((one) => `"${one}"`).join(', ') || 'none';
      const argument = name === DEFAULT_CACHE ? `{ service: '…' }` : `{ name: '${name}', service: '…' }`;
      throw new CacheError(
        'RC_MODULE_MISSING',
        `${where} uses the cache "${name}", which this application does not have (it has: ${known}). Import RedisCacheModule.forRoot(${argument}), or name another cache.`,
        { cause },
      );
    }
  }
}
