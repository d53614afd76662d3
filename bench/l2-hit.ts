// What does a hit in Redis cost, one at a time and 256 at once, beside raw ioredis GET + JSON.parse in the same run?
// npm run bench -- l2-hit          (REDIS_URL, else redis-server on PATH)
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { Redis } from 'ioredis';
import { RedisCache, RedisCacheModule } from '../lib/index.js';
import { type Candidate, measure, report } from './support/measure.js';
import { redisServer } from './support/redis-server.js';

const KEYS = 1_000;
const server = await redisServer();

@Module({
  imports: [RedisCacheModule.forRoot({ service: 'bench', redis: { url: server.url }, ttl: '1h', l1: false })],
})
class BenchModule {}

const app = await NestFactory.createApplicationContext(BenchModule, { logger: false });
const cache = app.get(RedisCache);
const plain = new Redis(server.url);
const pipelined = new Redis(server.url, { enableAutoPipelining: true });

/** User and system time of the server so far. */
async function serverSeconds(): Promise<number> {
  const fields = (await plain.info('cpu')).matchAll(/used_cpu_(?:sys|user):([\d.]+)/g);
  return [...fields].reduce((sum, [, seconds]) => sum + Number(seconds), 0);
}

for (const bytes of [200, 4_000]) {
  const region = cache.region(`b${bytes}`);
  const value = (id: number) => ({ id, name: `user ${id}`, text: 'x'.repeat(Math.max(0, bytes - 40)) });
  for (let id = 0; id < KEYS; id++) {
    await plain.set(`raw:${bytes}:${id}`, JSON.stringify(value(id)));
    await region.getOrLoad(id, async () => value(id));
  }
  for (const width of [1, 256]) {
    const inTurns = (read: (id: number) => Promise<unknown>) => async (count: number) => {
      for (let n = 0; n < count; n += width) {
        if (width === 1) await read(n % KEYS);
        else await Promise.all(Array.from({ length: width }, (_, i) => read((n + i) % KEYS)));
      }
    };
    const load = async () => {
      throw new Error('the benchmark measures hits only');
    };
    const candidates: Candidate[] = [
      { name: 'ioredis GET', run: inTurns(async (id) => JSON.parse((await plain.get(`raw:${bytes}:${id}`))!)) },
      {
        name: 'ioredis auto-pipelined GET',
        run: inTurns(async (id) => JSON.parse((await pipelined.get(`raw:${bytes}:${id}`))!)),
      },
      { name: 'getOrLoad, hit in Redis', run: inTurns((id) => region.getOrLoad(id, load)) },
    ];
    const count = width === 1 ? 10_000 : 51_200;
    const measured = await measure(candidates, { count });
    report(`L2 hit, ${bytes} B, ${width} at once`, measured, 'ioredis auto-pipelined GET');
    for (const candidate of candidates) {
      const before = await serverSeconds();
      await candidate.run(count);
      const micros = (((await serverSeconds()) - before) / count) * 1e6;
      console.log(`${candidate.name}: ${micros.toFixed(2)} µs of the server's CPU per read`);
    }
  }
}
plain.disconnect();
pipelined.disconnect();
await app.close();
await server.stop();
