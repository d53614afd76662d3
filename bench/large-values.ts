// How long does a large value block the event loop, and what does compressing it cost and save? Beside JSON.stringify
// and JSON.parse.
// npm run bench -- large-values          (REDIS_URL, else redis-server on PATH)
import 'reflect-metadata';
import { cpus } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { Redis } from 'ioredis';
import { type CacheRegion, RedisCache, RedisCacheModule } from '../lib/index.js';
import { redisServer } from './support/redis-server.js';

const ROUNDS = 40;
const SIZES = [64, 256, 1_000];
const server = await redisServer();

@Module({
  imports: [
    RedisCacheModule.forRoot({
      service: 'bench',
      redis: { url: server.url },
      ttl: '1h',
      l1: false,
      maxValueBytes: 8 * 1024 ** 2,
      commandTimeout: '5s',
      regions: { asItIs: { compressFrom: false }, compressed: { compressFrom: 1 } },
    }),
  ],
})
class BenchModule {}

const app = await NestFactory.createApplicationContext(BenchModule, { logger: false });
const cache = app.get(RedisCache);
const client = new Redis(server.url);

const WORDS =
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et'.split(' ');

/** Rows of a table, some 270 characters each. */
function rows(kilobytes: number, seed: number): unknown[] {
  const all: unknown[] = [];
  const word = (n: number) => WORDS[(n * 7_919 + seed) % WORDS.length]!;
  for (let id = seed, length = 0; length < kilobytes * 1_000; id++) {
    const row = {
      id,
      uuid: ((id * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0').repeat(4),
      name: `${word(id)} ${word(id + 3)}`,
      email: `u${id}@example.com`,
      at: new Date(1.7e12 + id * 12_345).toISOString(),
      score: (id * 1.37) % 100,
      isActive: id % 2 === 0,
      tags: [word(id), word(id + 5)],
      note: Array.from({ length: 8 }, (_, n) => word(id * n + n)).join(' '),
    };
    all.push(row);
    length += JSON.stringify(row).length + 1;
  }
  return all;
}

/** One thing to measure. `run` gets what `prepare` made outside the measurement. */
interface Case<X> {
  readonly name: string;
  prepare(round: number): Promise<X> | X;
  run(given: X): Promise<unknown>;
}

const middle = (values: readonly number[], at = 0.5) =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * at)]!;

const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();

/**
 * The longest delay of the loop in each round, and how long the whole took. One case after the other, round by round.
 */
async function measure(cases: readonly Case<never>[]) {
  const results = cases.map(() => ({ blocked: [] as number[], took: [] as number[], cpu: [] as number[] }));
  for (let round = -3; round < ROUNDS; round++) {
    for (const [n, one] of cases.entries()) {
      const given = await one.prepare(round + 3);
      await sleep(5);
      loop.reset();
      // its first interval is not counted
      await sleep(3);
      const began = performance.now();
      const cpu = process.cpuUsage();
      await one.run(given);
      const tookMs = performance.now() - began;
      const { user, system } = process.cpuUsage(cpu);
      await sleep(5);
      if (round < 0) continue;
      results[n]!.blocked.push(loop.max / 1e6);
      results[n]!.took.push(tookMs);
      results[n]!.cpu.push((user + system) / 1_000);
    }
  }
  const round2 = (ms: number) => Number(ms.toFixed(2));
  console.table(
    Object.fromEntries(
      cases.map(({ name }, n) => {
        const { blocked, took, cpu } = results[n]!;
        const longest = {
          'blocked ms, median': round2(middle(blocked)),
          least: round2(Math.min(...blocked)),
          p90: round2(middle(blocked, 0.9)),
        };
        return [
          name,
          { ...longest, 'took ms, median': round2(middle(took)), 'CPU ms, all threads': round2(middle(cpu)) },
        ];
      }),
    ),
  );
}

const never = async () => {
  throw new Error('the benchmark measures hits only');
};

function filling(name: string, region: CacheRegion, value: unknown): Case<string> {
  return {
    name,
    prepare: (round) => `${round}`,
    // the load ends in a turn of its own, as one of a database does
    run: (key) => region.getOrLoad(key, () => sleep(2, value)).then(() => region.evict(key)),
  };
}

function hitting(name: string, region: CacheRegion): Case<string> {
  return { name, prepare: () => 'hit', run: (key) => region.getOrLoad(key, never) };
}

console.log(
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}; the loop's delay includes 1 ms of its own`,
);
for (const size of SIZES) {
  const value = rows(size, size);
  const text = JSON.stringify(value);
  const asItIs = cache.region('asItIs');
  const compressed = cache.region('compressed');
  for (const region of [asItIs, compressed]) {
    await region.evict('hit');
    await region.getOrLoad('hit', async () => value);
    await region.getOrLoad('hit', never);
  }
  await client.set('bench:raw', text);
  const inRedis = await Promise.all(['asItIs', 'compressed'].map((name) => client.strlen(`bench:${name}:hit:json`)));
  console.log(`\n${text.length} characters of JSON: ${inRedis[0]} bytes in Redis, ${inRedis[1]} compressed`);
  const floor = (name: string, run: () => unknown): Case<null> => ({
    name,
    prepare: () => null,
    run: async () => run(),
  });
  await measure([
    floor('JSON.stringify', () => JSON.stringify(value)),
    floor('JSON.parse', () => JSON.parse(text)),
    floor('JSON.stringify and JSON.parse', () => JSON.parse(JSON.stringify(value))),
    filling('load and fill, as it is', asItIs, value),
    filling('load and fill, compressed', compressed, value),
    {
      name: 'GET and JSON.parse',
      prepare: () => 'bench:raw',
      run: async (key: string) => JSON.parse((await client.get(key))!),
    } as Case<string>,
    hitting('hit in Redis, as it is', asItIs),
    hitting('hit in Redis, compressed', compressed),
  ] as Case<never>[]);
}
loop.disable();
client.disconnect();
await app.close();
await server.stop();
