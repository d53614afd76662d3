import type { OutboxMessageLike } from 'nestjs-redis-cache/microservices';

/** Injection token of the {@link EventPublisher}. */
export const EVENT_PUBLISHER = Symbol('EventPublisher');

/** An event on its way: the message of Nest's `@nestjs/outbox`, so that its transports and this one's look the same. */
export type OutboxMessage = OutboxMessageLike;

/** How events leave the service. Three: Kafka, Nest's Redis transport, and listeners in this very process. */
export interface EventPublisher {
  /** For people. */
  readonly description: string;
  /** Resolves when the broker has the message; the relay waits no longer than `signal`. */
  publish(message: OutboxMessage, options: { signal: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}
