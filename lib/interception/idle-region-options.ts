import type { CacheRegistry } from '../application/cache-registry.js';
import type { DeclaredMethod } from '../application/declared-methods.js';
import { targetOf } from '../application/operation-target.js';
import type { RedisCache } from '../cache/redis-cache.js';
import { nearestName } from '../shared/nearest-name.js';

/**
 * Finds regions of the module's options that no cache decorator names, where one that is nearly the same has no
 * options: those were probably meant for it. A region may be used by hand or by `@HttpCache`, so that it is one line at
 * boot.
 */
export function warnOfIdleRegionOptions(
  declared: readonly DeclaredMethod[],
  caches: CacheRegistry,
  warn: (message: string) => void,
): void {
  const used = new Map<RedisCache, Set<string>>();
  for (const { method, runtimeClass } of declared) {
    for (const { options } of method.operations) {
      const { cache, region } = targetOf(options, method, runtimeClass, caches);
      used.set(cache, (used.get(cache) ?? new Set()).add(region.name));
    }
  }
  for (const { cache, regions } of caches.all()) {
    const names = used.get(cache) ?? new Set();
    const without = [...names].filter((name) => !regions.has(name));
    for (const name of regions) {
      const near = names.has(name) ? undefined : nearestName(name, without);
      if (near === undefined) continue;
      warn(
        `Options are given for regions.${name}, a region that no @Cacheable, @CachePut or @CacheEvict names; region "${near}" has none. ` +
          `Did you mean regions.${near}? If "${name}" is used by hand or by @HttpCache, add regions: { ${JSON.stringify(near)}: {} }.`,
      );
    }
  }
}
