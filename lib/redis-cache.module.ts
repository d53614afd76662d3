import { type DynamicModule, Inject, Module, Optional } from '@nestjs/common';
import { RedisCache } from './cache/redis-cache.js';
import { cacheProviders } from './redis-cache.providers.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
} from './redis-cache.module-definition.js';
import { RedisCacheCoreModule } from './redis-cache-core.module.js';
import { CacheError } from './shared/errors.js';
import { DEFAULT_CACHE, getCacheToken } from './shared/tokens.js';

/**
 * Gives an application a cache: `imports: [RedisCacheModule.forRoot({ service: 'user', redis: { url: 'redis://localhost:6379' } })]`,
 * once, in the root module. Further caches have a `name`.
 *
 * @publicApi
 */
@Module({})
export class RedisCacheModule extends ConfigurableModuleClass {
  /** @throws CacheError RC_INVALID_OPTION when the module is imported without `forRoot` */
  constructor(@Optional() @Inject(MODULE_OPTIONS_TOKEN) options?: unknown) {
    super();
    if (options === undefined) {
      throw new CacheError(
        'RC_INVALID_OPTION',
        `RedisCacheModule was imported without options. Write RedisCacheModule.forRoot({ service: '…' }).`,
      );
    }
  }

  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return withCache(super.forRoot(options), options.name);
  }

  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withCache(super.forRootAsync(options), options.name);
  }
}

function withCache(definition: DynamicModule, name: string = DEFAULT_CACHE): DynamicModule {
  return {
    ...definition,
    imports: [...(definition.imports ?? []), RedisCacheCoreModule],
    providers: [...(definition.providers ?? []), ...cacheProviders(name)],
    exports: [getCacheToken(name), ...(name === DEFAULT_CACHE ? [RedisCache] : [])],
  };
}
