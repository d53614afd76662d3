import { Controller, Get } from '@nestjs/common';
import { type CacheStatus, InjectCache, RedisCache } from 'nestjs-redis-cache';

/** The cache's own view of itself: hits per tier, loads, evictions. For people; metrics are another matter. */
@Controller('cache')
export class CacheController {
  constructor(@InjectCache() private readonly cache: RedisCache) {}

  @Get()
  status(): CacheStatus {
    return this.cache.status();
  }
}
