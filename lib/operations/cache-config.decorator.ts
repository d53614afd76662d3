import { checkOperation } from './check-operation.js';
import { refuseBare } from './decorator-target.js';
import { recordConfig } from './operation-metadata.js';
import type { CacheConfigOptions } from './operation-options.js';

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
