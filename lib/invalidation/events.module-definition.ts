import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { RedisCacheEventsOptions } from './events-options.js';

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: EVENTS_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<RedisCacheEventsOptions>({ moduleName: 'RedisCacheEvents' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createRedisCacheEventsOptions')
  .build();
