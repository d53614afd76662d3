import { Inject, Logger, Module, type OnApplicationBootstrap, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { InjectCache, RedisCache, RedisCacheModule } from 'nestjs-redis-cache';
import { RedisCacheHealthModule } from 'nestjs-redis-cache/health';
import { CacheController } from './cache.controller.js';
import { DATABASE, type Database } from './database/database.js';
import { DatabaseModule } from './database/database.module.js';
import { prepareDatabase, SEED } from './database/seed.js';
import { HealthController } from './health.controller.js';
import { OutboxModule } from './outbox/outbox.module.js';
import { OutboxRelay } from './outbox/outbox-relay.js';
import { OrganisationsController } from './organisations.controller.js';
import { OrganisationsService } from './organisations.service.js';
import { SETTINGS, type Settings } from './settings.js';
import { SettingsModule } from './settings.module.js';
import { UsersController } from './users.controller.js';
import { UsersMessages } from './users.messages.js';
import { UsersRepository } from './users.repository.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [
    SettingsModule,
    DatabaseModule,
    OutboxModule,
    TerminusModule,
    RedisCacheHealthModule,
    RedisCacheModule.forRootAsync({
      imports: [SettingsModule],
      inject: [SETTINGS],
      useFactory: ({ redisUrl, databaseUrl }: Settings) => ({
        service: 'users',
        // left out: an embedded store with the same semantics
        redis: redisUrl ? { url: redisUrl } : undefined,
        // PGlite computes on this very thread: while it does, answers of Redis wait, and are not late because of Redis
        commandTimeout: databaseUrl ? '250ms' : '5s',
        regions: {
          profile: { ttl: '10m', negativeTtl: '30s', staleIfError: '1h' },
          summary: { ttl: '10m', negativeTtl: '30s', staleWhileRevalidate: '1m' },
          pages: { ttl: '1m' },
        },
      }),
    }),
  ],
  controllers: [UsersController, OrganisationsController, CacheController, HealthController, UsersMessages],
  providers: [
    UsersRepository,
    UsersService,
    OrganisationsService,
    { provide: APP_PIPE, useClass: StandardSchemaValidationPipe },
  ],
})
export class AppModule implements OnApplicationBootstrap {
  private readonly logger = new Logger(AppModule.name);

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @InjectCache() private readonly cache: RedisCache,
    private readonly relay: OutboxRelay,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (await prepareDatabase(this.database)) {
      // What Redis still holds was read from another database.
      await this.cache.clear();
      this.logger.log(`Filled ${this.database.description} with ${SEED.users} users and ${SEED.orders} orders`);
    }
    this.relay.start();
  }
}
