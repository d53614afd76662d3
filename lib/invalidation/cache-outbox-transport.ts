import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Delivery } from './delivery.js';
import { RedisCacheEvents } from './redis-cache-events.js';

/** A message of `@nestjs/outbox`, by its shape: this package does not depend on that one. @publicApi */
export interface OutboxMessageLike {
  readonly id: string;
  readonly topic: string;
  /** JSON. */
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Messages of one key come one after another. */
  readonly key: string | null;
  /** Ms since the epoch. */
  readonly createdAt: number;
}

/**
 * A transport of `@nestjs/outbox` that turns messages into evictions, by the rules of the application's
 * `RedisCacheEventsModule`: for the service that writes and caches. What it committed is evicted also when the process
 * died before it could.
 *
 *     OutboxModule.forRoot({ transports: { cache: CacheOutboxTransport, broker: ClientProxyTransport('KAFKA') }, route })
 *
 * @publicApi
 */
@Injectable()
export class CacheOutboxTransport {
  /**
   * @param modules finds the events module, wherever the application imports it: Nest makes transports inside of the
   * outbox's module
   */
  constructor(@Inject(ModuleRef) private readonly modules: ModuleRef) {}

  /**
   * Resolves when the evictions were acknowledged, or the message is a dead letter of the events module: it would be
   * one every time. While Redis is away it waits, and gives the message back to the outbox when `signal` aborts.
   *
   * @throws the reason of `signal`; CacheError RC_CLOSED; then the outbox sends it again
   */
  async publish(message: OutboxMessageLike, { signal }: { signal: AbortSignal }): Promise<void> {
    const events = this.modules.get(RedisCacheEvents, { strict: false });
    signal.throwIfAborted();
    await events.deliver(deliveryOf(message, signal));
  }
}

function deliveryOf({ id, topic, payload, headers, key, createdAt }: OutboxMessageLike, signal: AbortSignal): Delivery {
  return {
    channel: topic,
    payload,
    raw: payload,
    key,
    headers,
    timestampMs: createdAt,
    place: `message ${id} of the outbox, topic "${topic}"`,
    hold: { heartbeat: async () => signal.throwIfAborted() },
    acknowledge: () => {},
    giveBack: () => {},
    send: null,
  };
}
