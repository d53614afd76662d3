// What does a cached response cost beside the same handler without a cache, a ready string, a string read from Redis,
// and Nest's own interceptor (npm install --no-package-lock --prefix bench/peers), in one run?
// npm run bench -- http          (REDIS_URL, else redis-server on PATH; SECONDS=2 per measurement)
import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  Controller,
  Get,
  Header,
  type INestApplication,
  Module,
  type NestInterceptor,
  Param,
  UseInterceptors,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Redis } from 'ioredis';
import { of } from 'rxjs';
import { HttpCache, RedisCacheInterceptor } from '../lib/http/index.js';
import { RedisCacheModule } from '../lib/index.js';
import { nestCacheManager } from './support/nest-cache-manager.js';
import { printTable } from './support/print-table.js';
import { redisServer } from './support/redis-server.js';

const KEYS = 100;
const ROUNDS = 5;
const ms = Number(process.env['SECONDS'] ?? 1) * 1_000;
const run = promisify(execFile);
const server = await redisServer();
const plain = new Redis(server.url);

const values = new Map<string, object>();
const texts = new Map<string, string>();
for (const bytes of [200, 4_000]) {
  for (let id = 0; id < KEYS; id++) {
    const items = Array.from({ length: bytes / 100 }, (_, n) => ({ id: n, name: `item ${n}`, text: 'x'.repeat(60) }));
    values.set(`${bytes}/${id}`, { id, items });
    texts.set(`${bytes}/${id}`, JSON.stringify({ id, items }));
    await plain.set(`raw:${bytes}/${id}`, texts.get(`${bytes}/${id}`)!);
  }
}

/** As of a database, for the second table. */
let workMs = 0;
const work = () => (workMs > 0 ? new Promise((resolve) => setTimeout(resolve, workMs)) : undefined);
const managers = await nestCacheManager(server.url, async (bytes, id) => {
  await work();
  return values.get(`${bytes}/${id}`);
});

@Controller()
class Plain {
  @Get('none/:bytes/:id') async none(@Param('bytes') bytes: string, @Param('id') id: string) {
    await work();
    return values.get(`${bytes}/${id}`);
  }
  @Get('ready/:bytes/:id') @Header('Content-Type', 'application/json; charset=utf-8') ready(
    @Param('bytes') bytes: string,
    @Param('id') id: string,
  ) {
    return texts.get(`${bytes}/${id}`);
  }
  @Get('redis/:bytes/:id') @Header('Content-Type', 'application/json; charset=utf-8') redis(
    @Param('bytes') bytes: string,
    @Param('id') id: string,
  ) {
    return plain.get(`raw:${bytes}/${id}`);
  }
}

/** What Nest itself takes for any interceptor. */
const Idle: NestInterceptor = { intercept: (_, next) => next.handle() };

/** The least that an interceptor which answers can do. */
const Ready: NestInterceptor = {
  intercept: (context) => {
    const { bytes, id } = context.switchToHttp().getRequest<{ params: { bytes: string; id: string } }>().params;
    return of(texts.get(`${bytes}/${id}`));
  },
};

/** As `Ready`, with the fields that a cached response bears. */
const ReadyWithFields: NestInterceptor = {
  intercept: (context, next) => {
    const response = context.switchToHttp().getResponse<{ header(name: string, value: string): void }>();
    for (const [name, value] of FIELDS) response.header(name, value);
    return Ready.intercept(context, next);
  },
};
const FIELDS = [
  ['etag', `"${'x'.repeat(27)}"`],
  ['cache-control', 'private, no-cache'],
  ['age', '5'],
  ['cache-status', 'RedisCache; hit; ttl=3594'],
] as const;

@Controller()
class Floors {
  @Get('idle/:bytes/:id') @UseInterceptors(Idle) async idle(@Param('bytes') bytes: string, @Param('id') id: string) {
    await work();
    return values.get(`${bytes}/${id}`);
  }
  @Get('answering/:bytes/:id')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @UseInterceptors(Ready)
  answering(): void {}
  @Get('bearing/:bytes/:id')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @UseInterceptors(ReadyWithFields)
  bearing(): void {}
}

@Controller()
@UseInterceptors(RedisCacheInterceptor)
class Cached {
  @Get('l1/:bytes/:id') @HttpCache({ ttl: '1h' }) async l1(@Param('bytes') bytes: string, @Param('id') id: string) {
    await work();
    return values.get(`${bytes}/${id}`);
  }
  @Get('l2/:bytes/:id') @HttpCache({ ttl: '1h', region: 'remote' }) async l2(
    @Param('bytes') bytes: string,
    @Param('id') id: string,
  ) {
    await work();
    return values.get(`${bytes}/${id}`);
  }
}

@Module({
  imports: [
    RedisCacheModule.forRoot({ service: 'bench', redis: { url: server.url }, regions: { remote: { l1: false } } }),
    ...managers,
  ],
  controllers: [Plain, Floors, Cached],
})
class BenchModule {}

const WAYS: readonly (readonly [label: string, way: string])[] = [
  ['no cache', 'none'],
  ['a ready string', 'ready'],
  ['a string from Redis', 'redis'],
  ['an interceptor that does nothing', 'idle'],
  ['an interceptor with a ready string', 'answering'],
  ['an interceptor with a ready string and our fields', 'bearing'],
  ['from L1', 'l1'],
  ['from Redis', 'l2'],
  ['304 from L1', 'l1'],
  ...(managers.length > 0
    ? ([
        ['@nestjs/cache-manager, memory', 'manager-memory'],
        ['@nestjs/cache-manager, Redis', 'manager-redis'],
      ] as const)
    : []),
];

interface Load {
  count: number;
  p99Ms: number;
  statuses: Record<string, number>;
}

async function load(port: number, way: string, bytes: number, headers: string[]): Promise<Load> {
  const paths = Array.from({ length: KEYS }, (_, id) => `/${way}/${bytes}/${id}`);
  const script = join(import.meta.dirname, 'support', 'http-load.js');
  const { stdout } = await run(process.execPath, [
    script,
    `${port}`,
    `${ms}`,
    JSON.stringify(headers),
    JSON.stringify(paths),
  ]);
  return JSON.parse(stdout) as Load;
}

async function measure(name: string, app: INestApplication, bytes: number): Promise<void> {
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  const cpuUs = new Map<string, number[]>();
  const p99 = new Map<string, number[]>();
  const rate = new Map<string, number[]>();
  const share304 = new Map<string, number>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [label, way] of WAYS) {
      const cpu = process.cpuUsage();
      const beganAt = performance.now();
      const { count, p99Ms, statuses } = await load(
        port,
        way,
        bytes,
        label.startsWith('304') ? ['If-None-Match: *'] : [],
      );
      const { user, system } = process.cpuUsage(cpu);
      if (round === 0) continue;
      const add = (map: Map<string, number[]>, value: number) => map.set(label, [...(map.get(label) ?? []), value]);
      add(cpuUs, (user + system) / count);
      add(p99, p99Ms);
      share304.set(label, ((statuses['304'] ?? 0) / count) * 100);
      add(rate, (count / (performance.now() - beganAt)) * 1_000);
    }
  }
  await app.close();
  const middle = (all: number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
  const base = middle(cpuUs.get('no cache')!);
  const title = `${name}, ${bytes} B${workMs > 0 ? `, ${workMs} ms of a database` : ''}, ${KEYS} keys, 50 connections`;
  printTable(
    title,
    WAYS.map(([label]) => {
      const [own, all] = [middle(cpuUs.get(label)!), rate.get(label)!];
      return {
        way: label,
        'CPU µs/request': own,
        'x no cache': base / own,
        'requests/s': Math.round(middle(all)),
        'x no cache by requests': middle(all) / middle(rate.get('no cache')!),
        'spread, %': ((Math.max(...all) - Math.min(...all)) / 2 / middle(all)) * 100,
        'p99 ms': middle(p99.get(label)!),
        '304, %': share304.get(label)!,
      };
    }),
  );
}

for (const wait of [0, 5]) {
  workMs = wait;
  for (const bytes of [200, 4_000]) {
    const options = { logger: false } as const;
    await measure(
      'Express',
      await NestFactory.create<INestApplication>(BenchModule, new ExpressAdapter(), options),
      bytes,
    );
    await measure(
      'Fastify',
      await NestFactory.create<INestApplication>(BenchModule, new FastifyAdapter() as never, options),
      bytes,
    );
  }
}
await plain.quit();
await server.stop();
