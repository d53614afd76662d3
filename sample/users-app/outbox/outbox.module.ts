import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { DatabaseModule } from '../database/database.module.js';
import { SETTINGS, type Settings } from '../settings.js';
import { SettingsModule } from '../settings.module.js';
import { ClientPublisher } from './client-publisher.js';
import { EVENT_PUBLISHER, type EventPublisher } from './event-publisher.js';
import { LocalPublisher } from './local-publisher.js';
import { Outbox } from './outbox.js';
import { OutboxRelay } from './outbox-relay.js';

@Module({
  imports: [SettingsModule, DatabaseModule],
  providers: [
    Outbox,
    OutboxRelay,
    {
      provide: EVENT_PUBLISHER,
      inject: [SETTINGS],
      useFactory: ({ kafkaBrokers, redisUrl }: Settings): EventPublisher => {
        if (kafkaBrokers) return ClientPublisher.kafka(kafkaBrokers);
        return redisUrl ? ClientPublisher.redis(redisUrl) : new LocalPublisher();
      },
    },
  ],
  exports: [Outbox, OutboxRelay, EVENT_PUBLISHER],
})
export class OutboxModule implements OnApplicationShutdown {
  constructor(@Inject(EVENT_PUBLISHER) private readonly publisher: EventPublisher) {}

  /** After the relay has stopped. */
  async onApplicationShutdown(): Promise<void> {
    await this.publisher.close();
  }
}
