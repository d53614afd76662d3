import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ApplicationModule } from '../application/application.module.js';
import { RedisCacheHealthIndicator } from './redis-cache-health.indicator.js';

/**
 * Gives a module the {@link RedisCacheHealthIndicator}: `imports: [TerminusModule, RedisCacheHealthModule]`.
 *
 * @publicApi
 */
@Module({
  imports: [TerminusModule, ApplicationModule],
  providers: [RedisCacheHealthIndicator],
  exports: [RedisCacheHealthIndicator],
})
export class RedisCacheHealthModule {}
