import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { RedisCacheOptions } from './options/redis-cache-options.js';
import { DEFAULT_CACHE } from './shared/tokens.js';

/** What stands beside the options of the cache; in `forRootAsync` beside `useFactory`. @publicApi */
export interface RedisCacheModuleExtras {
  /** Name of the cache, for applications with more than one. @default 'default' */
  name?: string;
  /** Makes the cache injectable in every module. Decorators find it in any case. @default true */
  isGlobal?: boolean;
}

/** A class that makes the options, for `forRootAsync({ useClass | useExisting })`. @publicApi */
export interface RedisCacheOptionsFactory {
  createRedisCacheOptions(): Promise<RedisCacheOptions> | RedisCacheOptions;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<RedisCacheOptions>({ moduleName: 'RedisCache' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createRedisCacheOptions')
    .setExtras<RedisCacheModuleExtras>({ isGlobal: true, name: DEFAULT_CACHE }, (definition, { isGlobal = true }) => ({
      ...definition,
      global: isGlobal,
    }))
    .build();
