import { type DynamicModule, type InjectionToken, Module, type Provider } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { RedisCache } from '../cache/redis-cache.js';
import { type EmbeddedWiring, getEmbeddedWiringToken } from '../embedded-wiring.js';
import type { RedisCacheOptions } from '../options/redis-cache-options.js';
import type { RedisCacheModuleExtras } from '../redis-cache.module-definition.js';
import { RedisCacheModule } from '../redis-cache.module.js';
import { DEFAULT_CACHE, getCacheToken } from '../shared/tokens.js';
import { CacheTesting } from './cache-testing.js';

/**
 * Options of the cache under test: those of the module without `redis`. The service is `'test'` and there is no jitter,
 * unless they are named.
 *
 * @publicApi
 */
export type RedisCacheTestingOptions = Partial<Omit<RedisCacheOptions, 'redis'>> & RedisCacheModuleExtras;

/** Injection token of the {@link CacheTesting} of the cache with this name. @publicApi */
export function getCacheTestingToken(name: string = DEFAULT_CACHE): InjectionToken {
  return name === DEFAULT_CACHE ? CacheTesting : `${name}_RedisCacheTesting`;
}

/**
 * A cache for tests: the embedded store, and time, outages and evictions in the hands of the test ({@link
 * CacheTesting}).
 *
 * @publicApi
 */
@Module({})
export class RedisCacheTestingModule {
  /**
   * In the place of `RedisCacheModule.forRoot`: `imports: [RedisCacheTestingModule.forRoot()]`.
   *
   * @throws CacheError RC_INVALID_OPTION
   */
  static forRoot(options: RedisCacheTestingOptions = {}): DynamicModule {
    const cache = RedisCacheModule.forRoot({ service: 'test', jitter: 0, ...options, redis: undefined });
    const { providers, token } = testingProviders(options.name);
    return {
      ...cache,
      module: RedisCacheTestingModule,
      providers: [...(cache.providers ?? []), ...providers],
      exports: [...(cache.exports ?? []), token],
    };
  }

  /**
   * Beside an application that imports RedisCacheModule itself: `imports: [AppModule,
   * RedisCacheTestingModule.forApplication()]`. Its cache keeps its options, and has the embedded store instead of its
   * Redis.
   *
   * @param options.name of the cache @default 'default'
   */
  static forApplication({ name }: { name?: string } = {}): DynamicModule {
    const { providers, token, wiring } = testingProviders(name);
    return { module: RedisCacheTestingModule, global: true, providers, exports: [token, wiring] };
  }
}

function testingProviders(name: string = DEFAULT_CACHE) {
  const token = getCacheTestingToken(name);
  const wiring = getEmbeddedWiringToken(name);
  const useFactory = (moduleRef: ModuleRef): CacheTesting & EmbeddedWiring =>
    new CacheTesting(() => moduleRef.get<RedisCache>(getCacheToken(name), { strict: false }));
  const providers: Provider[] = [
    { provide: token, inject: [ModuleRef], useFactory },
    { provide: wiring, useExisting: token },
  ];
  return { providers, token, wiring };
}
