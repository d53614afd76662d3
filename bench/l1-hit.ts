// What does a hit in L1 cost, called directly and by a decorator, beside an awaited lru-cache.get?
// npm run bench -- l1-hit
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LRUCache } from 'lru-cache';
import { Cacheable, CacheConfig, RedisCache, RedisCacheModule } from '../lib/index.js';
import { close, contenders, fill, keysOf, open } from './support/contenders.js';
import { type Candidate, measure, report } from './support/measure.js';

const row = (id: string) => ({ id, name: `user ${id}`, text: 'x'.repeat(150) });

@Injectable()
@CacheConfig({ region: 'profile' })
class UsersService {
  @Cacheable({ key: (id: string) => id })
  async small(id: string) {
    return row(id);
  }

  @Cacheable({ region: 'large', key: (id: string) => id })
  async large(id: string) {
    return { ...row(id), text: 'x'.repeat(4_000) };
  }
}

@Module({
  imports: [RedisCacheModule.forRoot({ service: 'bench', ttl: '1h' })],
  providers: [UsersService],
})
class BenchModule {}

const app = await NestFactory.createApplicationContext(BenchModule, { logger: false });
const users = app.get(UsersService);
const cache = app.get(RedisCache);
const region = cache.region<object>('profile');
const KEYS = 1_000;
/** The floors make no keys. */
const keys = keysOf('user', KEYS);
const map = new Map(keys.map((key) => [key, row(key)]));
const lru = new LRUCache<string, object>({ max: 10_000 });
for (const key of keys) {
  lru.set(key, row(key));
  await users.small(key);
  await users.large(key);
}
const players = await open(await contenders('l1'), { url: 'redis://127.0.0.1:1' });
for (const player of players) await fill(keys, player.cache.get);
const load = async (): Promise<object> => {
  throw new Error('the benchmark measures hits only');
};

const FLOOR = 'awaited lru-cache.get';
/** Written out: `atOnce` would cost as much as the look-up. */
const direct = (name: string, get: (key: string) => unknown): Candidate => ({
  name,
  async run(count) {
    for (let n = 0; n < count; n++) await get(keys[n % KEYS]!);
  },
});
const measured = await measure(
  [
    direct('awaited Map.get', (key) => map.get(key)),
    direct(FLOOR, (key) => lru.get(key)),
    direct('ours, getOrLoad', (key) => region.getOrLoad(key, load)),
    direct('ours, region.get', (key) => region.get(key)),
    direct('ours, decorated, 200 B', (key) => users.small(key)),
    direct('ours, decorated, 4 KB', (key) => users.large(key)),
    ...players.map(({ name, cache: peer }) => direct(name, (key) => peer.get(key))),
  ],
  { chunk: 5_000, roundMs: 120 },
);
const { hitsL1, misses } = cache.status().regions['profile']!;
report(`L1 hit, one at a time (of ours ${hitsL1} hits in L1, ${misses} misses, those of the fill)`, measured, FLOOR);
await close(players);
await app.close();
