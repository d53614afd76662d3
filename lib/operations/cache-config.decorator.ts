import type { Duration } from '../options/duration.js';
import { checkOperation } from './check-operation.js';
import { refuseBare } from './decorator-target.js';
import { recordConfig } from './operation-metadata.js';

/**
 * What the cached methods of a class share.
 *
 * @publicApi
 */
export interface CacheConfigOptions {
  /** Name of the cache. @default the default cache */
  cache?: string;
  /** Name of the region. @default the name of the instance's class */
  region?: string;
  /** Defaults of the methods' own options; they override the region's. */
  ttl?: Duration;
  jitter?: number;
  negativeTtl?: Duration;
  staleWhileRevalidate?: Duration;
  staleIfError?: Duration;
  mutable?: boolean;
}

/**
 * Sets cache, region and defaults for all cached methods of the class, and of classes that extend it and have no `@CacheConfig` of their own.
 *
 * @throws CacheError when the class is read: RC_INVALID_OPTION, RC_DECORATOR_TARGET
 * @publicApi
 */
export function CacheConfig(options: CacheConfigOptions): ClassDecorator;
export function CacheConfig(options: CacheConfigOptions, ...beside: unknown[]): ClassDecorator {
  refuseBare('CacheConfig', [options, ...beside]);
  return (target) => {
    checkOperation('CacheConfig', options, target.name);
    recordConfig(target, Object.freeze({ ...options }));
  };
}
