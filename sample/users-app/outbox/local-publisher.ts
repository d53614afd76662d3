import type { EventPublisher, OutboxMessage } from './event-publisher.js';

type Listener = (message: OutboxMessage, options: { signal: AbortSignal }) => Promise<void>;

/** Events for who listens in this process; without a listener they are published to nobody. */
export class LocalPublisher implements EventPublisher {
  readonly description = 'within this process (KAFKA_BROKERS=… or REDIS_URL=… for others)';
  private readonly listeners = new Set<Listener>();

  subscribe(listener: Listener): void {
    this.listeners.add(listener);
  }

  async publish(message: OutboxMessage, options: { signal: AbortSignal }): Promise<void> {
    await Promise.all([...this.listeners].map((listener) => listener(message, options)));
  }

  close(): Promise<void> {
    this.listeners.clear();
    return Promise.resolve();
  }
}
