import { Controller, Get, Header, NotFoundException, Param, ParseIntPipe } from '@nestjs/common';
import { type CacheStatus, InjectCache, RedisCache } from 'nestjs-redis-cache';
import { type EventsStatus, RedisCacheEvents } from 'nestjs-redis-cache/microservices';
import type { Profile } from './profile.js';
import { ProfilesService } from './profiles.service.js';

@Controller()
export class ProfilesController {
  constructor(
    private readonly profiles: ProfilesService,
    private readonly events: RedisCacheEvents,
    @InjectCache() private readonly cache: RedisCache,
  ) {}

  @Get('profiles/:id')
  @Header('Cache-Control', 'no-store')
  async find(@Param('id', ParseIntPipe) id: number): Promise<Profile> {
    const profile = await this.profiles.find(id);
    if (profile === null) throw new NotFoundException(`there is no user ${id}`);
    return profile;
  }

  /** What has been heard, and what of it evicted something. */
  @Get('events')
  status(): EventsStatus {
    return this.events.status();
  }

  @Get('cache')
  cacheStatus(): CacheStatus {
    return this.cache.status();
  }
}
