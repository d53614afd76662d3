import { Controller, Inject, type Type } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { RedisCacheEvents } from './redis-cache-events.js';

/**
 * A controller whose handler listens to what the options of its module say. Nest reads patterns when a microservice is
 * connected: after every constructor has run, and before `onModuleInit`. They are metadata of the method, so that each
 * module has a class of its own.
 */
export function createEventsController(): Type<unknown> {
  @Controller()
  class RedisCacheEventsController {
    constructor(@Inject(RedisCacheEvents) private readonly events: RedisCacheEvents) {
      const { prototype } = RedisCacheEventsController;
      const descriptor = Object.getOwnPropertyDescriptor(prototype, 'handle')!;
      EventPattern([...events.patterns], events.transport)(prototype, 'handle', descriptor);
    }

    handle(@Payload() payload: unknown, @Ctx() context: unknown): Promise<void> {
      return this.events.handle(payload, context);
    }
  }
  return RedisCacheEventsController;
}
