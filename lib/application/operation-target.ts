import { engineOf, type RedisCache } from '../cache/redis-cache.js';
import type { Region } from '../cache/region.js';
import type { CachedMethod } from '../operations/cached-method.js';
import { configOf } from '../operations/operation-metadata.js';
import type { CacheConfigOptions, TargetOptions } from '../operations/operation-options.js';
import { classNameOf } from '../shared/class-name.js';
import { CacheError } from '../shared/errors.js';
import { DEFAULT_CACHE } from '../shared/tokens.js';
import type { CacheFinder } from './cache-registry.js';

/** The class of an instance; for keys, regions and messages its name counts. */
export interface RuntimeClass {
  readonly name: string;
}

/** Where one operation of a method reads and writes. */
export interface OperationTarget {
  readonly cache: RedisCache;
  readonly region: Region;
  /** The class's defaults for its methods. */
  readonly config: Readonly<CacheConfigOptions>;
  /** No region was named: it is the class's own. */
  readonly isClassRegion: boolean;
}

export function targetOf(
  options: TargetOptions,
  method: Pick<CachedMethod, 'where'>,
  runtimeClass: RuntimeClass,
  caches: CacheFinder,
): OperationTarget {
  const config = configOf(runtimeClass);
  const cache = caches.find(options.cache ?? config.cache ?? DEFAULT_CACHE, method.where);
  const named = options.region ?? config.region;
  const region = engineOf(cache).region(named ?? classRegionOf(runtimeClass, method.where));
  return { cache, region, config, isClassRegion: named === undefined };
}

/**
 * The class's name; characters that a region's name may not have are spelled out, so that different classes keep
 * different regions.
 */
function classRegionOf(runtimeClass: RuntimeClass, where: string): string {
  const name = classNameOf(runtimeClass);
  const region = name.replace(/[^A-Za-z0-9_]/g, (character) => `-${character.charCodeAt(0).toString(16)}-`);
  if (region !== '' && region.length <= 100) return region;
  throw new CacheError(
    'RC_DECORATOR_TARGET',
    `${where} is cached, but its class has ${name === '' ? 'no name' : 'too long a name'} to name its region after. Name one: @CacheConfig({ region: '…' }).`,
  );
}
