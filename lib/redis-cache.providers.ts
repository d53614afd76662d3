import { Logger, type Provider } from '@nestjs/common';
import { CacheRegistry } from './application/cache-registry.js';
import { engineOf, RedisCache } from './cache/redis-cache.js';
import { refuseEmbedded } from './boot-advice.js';
import { CacheLifecycle } from './cache-lifecycle.js';
import { createCache, embeddedDrivers } from './create-cache.js';
import { type EmbeddedWiring, getEmbeddedWiringToken } from './embedded-wiring.js';
import { ApplicationPlanner } from './interception/application-planner.js';
import type { RedisCacheOptions } from './options/redis-cache-options.js';
import { resolveOptions } from './options/resolve-options.js';
import type { ResolvedOptions } from './options/resolved-options.js';
import { MODULE_OPTIONS_TOKEN } from './redis-cache.module-definition.js';
import { DEFAULT_CACHE, getCacheToken } from './shared/tokens.js';
import { placesOf } from './stores/redis/connection-places.js';

/** What the module provides for one cache. */
export function cacheProviders(name: string): Provider[] {
  const token = getCacheToken(name);
  const options = Symbol(`options of the cache "${name}"`);
  return [
    {
      provide: options,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: (written: RedisCacheOptions) =>
        resolveOptions(written, { name, warn: (message) => loggerOf(name).warn(message) }),
    },
    {
      provide: token,
      inject: [options, { token: getEmbeddedWiringToken(name), optional: true }],
      useFactory: (resolved: ResolvedOptions, wiring?: EmbeddedWiring) => {
        const logger = loggerOf(name);
        if (!wiring) {
          refuseEmbedded(resolved, process.env['NODE_ENV']);
          return createCache(resolved, { logger });
        }
        return createCache(
          { ...resolved, redis: null },
          { logger, clock: wiring.clock, drivers: embeddedDrivers(wiring) },
        );
      },
    },
    ...(name === DEFAULT_CACHE ? [{ provide: RedisCache, useExisting: token }] : []),
    {
      provide: CacheLifecycle,
      inject: [token, options, CacheRegistry, ApplicationPlanner],
      useFactory: (
        cache: RedisCache,
        resolved: ResolvedOptions,
        registry: CacheRegistry,
        planner: ApplicationPlanner,
      ) => {
        // a test may have put something of its own in the place of the cache
        if (!(cache instanceof RedisCache)) return null;
        const places = resolved.redis === null ? [] : placesOf(resolved.redis);
        registry.register({
          name,
          service: resolved.service,
          places,
          cache,
          regions: new Set(resolved.regions.keys()),
          tellsRisks: resolved.advice,
          providedIn: options,
        });
        return new CacheLifecycle(
          engineOf(cache),
          resolved,
          () => planner.planAll(),
          loggerOf(name),
          () => registry.closeAll(),
        );
      },
    },
  ];
}

function loggerOf(name: string): Logger {
  return new Logger(name === DEFAULT_CACHE ? 'RedisCache' : `RedisCache:${name}`);
}
