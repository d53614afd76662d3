import { type DynamicModule, Module } from '@nestjs/common';
import { ApplicationModule } from '../application/application.module.js';
import { createEventsController } from './events-controller.js';
import { type ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, type OPTIONS_TYPE } from './events.module-definition.js';
import { RedisCacheEvents } from './redis-cache-events.js';

/**
 * Evicts by events: `imports: [RedisCacheModule.forRoot({ … }), RedisCacheEventsModule.forRoot({ patterns:
 * ['user-events'], rules: [ … ] })]`, in an application that connects a microservice, or is one. Rules stand in the
 * options, and on classes as `@InvalidateOn`.
 *
 * @publicApi
 */
@Module({})
export class RedisCacheEventsModule extends ConfigurableModuleClass {
  /** @throws CacheError RC_INVALID_OPTION, at boot */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return withHandlers(super.forRoot(options));
  }

  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withHandlers(super.forRootAsync(options));
  }
}

function withHandlers(definition: DynamicModule): DynamicModule {
  return {
    ...definition,
    imports: [...(definition.imports ?? []), ApplicationModule],
    providers: [...(definition.providers ?? []), RedisCacheEvents],
    controllers: [createEventsController()],
    exports: [RedisCacheEvents],
  };
}
