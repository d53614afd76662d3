export { CacheOutboxTransport, type OutboxMessageLike } from './cache-outbox-transport.js';
export type { DeadLetter, EventRule, PlainChannelOptions, RedisCacheEventsOptions } from './events-options.js';
export type { EventsStatus, PlainChannelStatus } from './events-status.js';
export { RedisCacheEvents, type WatchedMicroservice } from './redis-cache-events.js';
export { RedisCacheEventsModule } from './redis-cache-events.module.js';
