// What does a call of a decorated method cost when the value is in L1, beside an awaited lru-cache.get?
// npm run bench -- l1-hit
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LRUCache } from 'lru-cache';
import { Cacheable, CacheConfig, RedisCache, RedisCacheModule } from '../lib/index.js';
import { measure, report } from './support/measure.js';

const row = (id: number, bytes: number) => ({ id, name: `user ${id}`, text: 'x'.repeat(bytes) });

@Injectable()
@CacheConfig({ region: 'profile' })
class UsersService {
  @Cacheable({ key: (id: number) => id })
  async small(id: number) {
    return row(id, 150);
  }

  @Cacheable({ region: 'large', key: (id: number) => id })
  async large(id: number) {
    return row(id, 4_000);
  }
}

@Module({
  imports: [RedisCacheModule.forRoot({ service: 'bench', ttl: '1h' })],
  providers: [UsersService],
})
class BenchModule {}

const app = await NestFactory.createApplicationContext(BenchModule, { logger: false });
const users = app.get(UsersService);
const region = app.get(RedisCache).region('profile');
const lru = new LRUCache<string, object>({ max: 10_000 });
const KEYS = 1_000;
/** The floor does the least that is possible: it makes no keys. */
const keys = Array.from({ length: KEYS }, (_, id) => `bench:profile:${id}:json`);
for (let id = 0; id < KEYS; id++) {
  lru.set(keys[id]!, row(id, 150));
  await users.small(id);
  await users.large(id);
}

const measured = await measure(
  [
    {
      name: 'awaited lru-cache.get',
      async run(count) {
        for (let n = 0; n < count; n++) await lru.get(keys[n % KEYS]!);
      },
    },
    {
      name: 'decorated, 200 B',
      async run(count) {
        for (let n = 0; n < count; n++) await users.small(n % KEYS);
      },
    },
    {
      name: 'decorated, 4 KB',
      async run(count) {
        for (let n = 0; n < count; n++) await users.large(n % KEYS);
      },
    },
    {
      name: 'region.get, 200 B',
      async run(count) {
        for (let n = 0; n < count; n++) await region.get(n % KEYS);
      },
    },
  ],
  { count: 102_400 },
);
const { hitsL1, hitsL2, misses } = app.get(RedisCache).status().regions['profile']!;
report(`L1 hit (${hitsL1} hits in L1, ${hitsL2} in L2, ${misses} misses)`, measured, 'awaited lru-cache.get');
await app.close();
