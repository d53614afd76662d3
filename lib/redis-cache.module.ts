import { type DynamicModule, Inject, Module, Optional } from '@nestjs/common';
import { ApplicationModule } from './application/application.module.js';
import { asyncSourceOf, withCheckedOptions } from './async-options.js';
import { RedisCache } from './cache/redis-cache.js';
import { InterceptionModule } from './interception/interception.module.js';
import { cacheProviders } from './redis-cache.providers.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
} from './redis-cache.module-definition.js';
import { CacheError, describeValue } from './shared/errors.js';
import { DEFAULT_CACHE, getCacheToken } from './shared/tokens.js';

/**
 * Gives an application a cache: `imports: [RedisCacheModule.forRoot({ service: 'user', redis: { url:
 * 'redis://localhost:6379' } })]`, once, in the root module. Further caches have a `name`.
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

  /** @throws CacheError RC_INVALID_OPTION when the options are no object; what they hold is checked at boot */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    if (typeof options !== 'object' || options === null) {
      throw new CacheError(
        'RC_INVALID_OPTION',
        `The options of RedisCacheModule.forRoot must be an object, got ${describeValue(options)}. Write RedisCacheModule.forRoot({ service: '…' }).`,
      );
    }
    return withCache(super.forRoot(options), options.name);
  }

  /** @throws CacheError RC_INVALID_OPTION when it is not told how to make the options */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    const source = asyncSourceOf(options);
    return withCache(withCheckedOptions(super.forRootAsync(options), source), options.name);
  }
}

function withCache(definition: DynamicModule, name: string = DEFAULT_CACHE): DynamicModule {
  return {
    ...definition,
    imports: [...(definition.imports ?? []), ApplicationModule, InterceptionModule],
    providers: [...(definition.providers ?? []), ...cacheProviders(name)],
    exports: [getCacheToken(name), ...(name === DEFAULT_CACHE ? [RedisCache] : [])],
  };
}
