import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { RedisCacheModule } from 'nestjs-redis-cache';
import { CacheOutboxTransport, RedisCacheEventsModule } from 'nestjs-redis-cache/microservices';
import { USER_EVENTS } from '../users-app/outbox/domain-event.js';
import { ProfilesController } from './profiles.controller.js';
import { ProfilesService, USERS } from './profiles.service.js';
import { SETTINGS, type Settings } from './settings.js';

@Module({})
export class AppModule implements OnApplicationShutdown {
  constructor(@Inject(USERS) private readonly users: ClientProxy) {}

  static of(settings: Settings): DynamicModule {
    const { redisUrl, users } = settings;
    return {
      module: AppModule,
      imports: [
        RedisCacheModule.forRoot({
          service: 'profile',
          redis: redisUrl ? { url: redisUrl } : undefined,
          regions: { card: { ttl: '10m', negativeTtl: '1m', staleIfError: '1h' } },
        }),
        RedisCacheEventsModule.forRoot({ patterns: [USER_EVENTS] }),
      ],
      controllers: [ProfilesController],
      providers: [
        { provide: SETTINGS, useValue: settings },
        { provide: USERS, useFactory: () => ClientProxyFactory.create({ transport: Transport.TCP, options: users }) },
        ProfilesService,
        // for both applications in one process
        CacheOutboxTransport,
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.users.close();
  }
}
