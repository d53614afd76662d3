import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { kafkaClient, redisConnection } from './connections.js';
import type { EventPublisher, OutboxMessage } from './event-publisher.js';

/** Publishes by a client of Nest's. */
export class ClientPublisher implements EventPublisher {
  private constructor(
    readonly description: string,
    private readonly client: Pick<ClientProxy, 'emit' | 'close'>,
    private readonly packetOf: (message: OutboxMessage) => unknown,
  ) {}

  /** At least once: resolves when the broker has it. The key decides on the partition, which keeps the order. */
  static kafka(brokers: readonly string[]): ClientPublisher {
    const client = ClientProxyFactory.create({
      transport: Transport.KAFKA,
      options: { client: kafkaClient('users-app', brokers), producerOnlyMode: true },
    });
    return new ClientPublisher('Kafka at KAFKA_BROKERS', client, ({ key, headers, payload }) => ({
      key,
      headers,
      value: JSON.stringify(payload),
    }));
  }

  /** At most once: whoever does not listen at this moment never hears of it. */
  static redis(url: string): ClientPublisher {
    const client = ClientProxyFactory.create({ transport: Transport.REDIS, options: redisConnection(url) });
    return new ClientPublisher("Nest's Redis transport at REDIS_URL", client, ({ payload }) => payload);
  }

  async publish(message: OutboxMessage): Promise<void> {
    await lastValueFrom(this.client.emit(message.topic, this.packetOf(message)), { defaultValue: undefined });
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}
