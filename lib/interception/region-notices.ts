import type { CacheRegistry } from '../application/cache-registry.js';
import { targetOf } from '../application/operation-target.js';
import { engineOf } from '../cache/redis-cache.js';
import type { CachedMethod } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { methodsOf } from '../operations/operation-metadata.js';

/**
 * Tells the engine, before a method's first call, what it cannot see by itself: that tags are used, that a load may
 * read its own key.
 */
export function notifyRegions(method: CachedMethod, runtimeClass: AnyFunction, caches: CacheRegistry): void {
  for (const { kind, options, key } of method.operations.filter((operation) => operation.kind !== 'evict')) {
    const { cache, region } = targetOf(options, method, runtimeClass, caches);
    if (options.tags !== undefined) region.declareTags();
    if (kind !== 'cacheable' || key === null) continue;
    if (callsItsOwnKey(region, method, runtimeClass, caches)) engineOf(cache).trackOwners();
  }
}

/**
 * An override and the cached method it may call by `super`, or the other way round, with one key: that load reads the
 * key which it loads.
 */
function callsItsOwnKey(
  region: object,
  method: CachedMethod,
  runtimeClass: AnyFunction,
  caches: CacheRegistry,
): boolean {
  return methodsOf(runtimeClass.prototype as object).some(
    (other) =>
      other !== method &&
      other.name === method.name &&
      other.operations.some(
        (operation) =>
          operation.kind === 'cacheable' &&
          operation.key !== null &&
          targetOf(operation.options, other, runtimeClass, caches).region === region,
      ),
  );
}
