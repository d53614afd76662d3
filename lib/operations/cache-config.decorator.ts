import { CacheError } from '../shared/errors.js';
import { checkOperation } from './check-operation.js';
import { refuseBare } from './decorator-target.js';
import { ownConfigOf, recordConfig } from './operation-metadata.js';
import type { CacheConfigOptions } from './operation-options.js';

/**
 * Sets cache, region and defaults for all cached methods of the class, and of classes that extend it and have no
 * `@CacheConfig` of their own.
 *
 * @throws CacheError when the class is read: RC_INVALID_OPTION, RC_DECORATOR_TARGET
 * @publicApi
 */
export function CacheConfig(options: CacheConfigOptions): ClassDecorator;
export function CacheConfig(options: CacheConfigOptions, ...beside: unknown[]): ClassDecorator {
  refuseBare('CacheConfig', [options, ...beside]);
  return (target) => {
    checkOperation('CacheConfig', options, target.name);
    refuseSecond(target);
    recordConfig(target, Object.freeze({ ...options }));
  };
}

/** The upper one would hide the lower one, with all that it says. */
function refuseSecond(target: { readonly name: string }): void {
  if (ownConfigOf(target) === null) return;
  throw new CacheError(
    'RC_DECORATOR_TARGET',
    `@CacheConfig stands twice on ${target.name}: the upper one would hide the lower one. Write one that says all.`,
  );
}
