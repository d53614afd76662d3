import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type LoggerService, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import {
  Cacheable,
  cacheClientOptions,
  CacheEvict,
  CachePut,
  RedisCacheModule,
  type RedisCacheOptions,
} from '../../lib/index.js';
import { waitUntil } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const WELL = ['maxmemory 100mb', 'maxmemory-policy volatile-lru'];

async function aServer(...conf: string[]): Promise<RedisServer> {
  const server = await startRedis({ conf: ['save ""', ...conf] });
  cleanups.push(() => server.remove());
  return server;
}

/** Boots, and waits for what is told after. @returns lines beside those that say that the cache starts */
async function linesOf(options: Partial<RedisCacheOptions>, ...providers: Type[]): Promise<string[]> {
  const lines: string[] = [];
  const put = (...said: unknown[]) => {
    if (String(said.at(-1)).startsWith('RedisCache')) lines.push(String(said[0]));
  };
  const logger: LoggerService = { log: put, warn: put, error: put };
  class App {}
  Module({ imports: [RedisCacheModule.forRoot({ service: 'user', ...options })], providers })(App);
  const app = await NestFactory.createApplicationContext(App, { logger, abortOnError: false });
  cleanups.push(() => app.close());
  await new Promise((resolve) => setTimeout(resolve, 100));
  return lines.filter((line) => !/^Cache of service/.test(line));
}

@Injectable()
class Evicted {
  @Cacheable({ region: 'users', key: (id: number) => id, ttl: '7d' })
  async find(id: number) {
    return id;
  }

  @CacheEvict({ region: 'users', key: (id: number) => id })
  async remove(id: number) {
    return id;
  }
}

@Injectable()
class Tagged {
  @Cacheable({ region: 'tagged', key: (id: number) => id, ttl: '7d', tags: ['all'] })
  async find(id: number) {
    return id;
  }

  @CacheEvict({ tags: ['all'] })
  async removeAll() {
    return 1;
  }
}

@Injectable()
class Put {
  @Cacheable({ region: 'put', key: (id: number) => id, ttl: '7d' })
  async find(id: number) {
    return id;
  }

  @CachePut({ region: 'put', key: (id: number) => id })
  async save(id: number) {
    return id;
  }
}

@Injectable()
class Forever {
  @Cacheable({ region: 'rates', key: (id: number) => id, ttl: '2d' })
  async find(id: number) {
    return id;
  }
}

@Injectable()
class Daily {
  @Cacheable({ region: 'news', key: (id: number) => id, ttl: '2h' })
  async find(id: number) {
    return id;
  }
}

@Injectable()
class ShortLived {
  @Cacheable({ region: 'weather', key: (id: number) => id })
  async find(id: number) {
    return id;
  }
}

@Injectable()
class Mixed {
  @Cacheable({ region: 'users', key: (id: number) => id })
  async find(id: number) {
    return id;
  }

  @Cacheable({ region: 'rights', key: (id: number) => id })
  async rights(id: number) {
    return id;
  }

  @CacheEvict({ region: 'users', key: (id: number) => id })
  @CacheEvict({ region: 'rights', key: (id: number) => id })
  async remove(id: number) {
    return id;
  }
}

describe('a server', () => {
  it('whose settings are well is no line, nor are regions that something evicts', async () => {
    const server = await aServer(...WELL);
    expect(await linesOf({ redis: { url: server.url } }, Evicted, Tagged, Put)).toEqual([]);
  });

  it('without maxmemory is one line, with the cure', async () => {
    const server = await aServer();
    expect(await linesOf({ redis: { url: server.url } })).toEqual([
      expect.stringMatching(new RegExp(`^Redis at 127.0.0.1:${server.port}: maxmemory is not set.*volatile-lru`)),
    ]);
  });

  it('that evicts nothing and is nearly full is one line; with headroom none', async () => {
    const server = await aServer('maxmemory 100mb', 'maxmemory-policy noeviction');
    expect(await linesOf({ redis: { url: server.url } })).toEqual([]);
    redisCli(server.port, ['CONFIG', 'SET', 'maxmemory', '2mb']);
    redisCli(server.port, ['SET', 'x', 'x'.repeat(100_000)]);
    redisCli(server.port, ['CONFIG', 'SET', 'maxmemory', '1mb']);
    const lines = await linesOf({ redis: { url: server.url }, service: 'other' });
    expect(lines.filter((line) => /noeviction and \d+ % of maxmemory/.test(line))).toHaveLength(1);
  });

  it('is not looked at when advice is turned off', async () => {
    const server = await aServer();
    expect(await linesOf({ redis: { url: server.url }, advice: false }, Forever, Daily)).toEqual([]);
  });
});

describe('a region', () => {
  it('whose ttl is over a day and that nothing evicts is one line', async () => {
    expect(await linesOf({}, Forever)).toEqual([
      expect.stringMatching(/^Region "rates" keeps values for 2 days, and no decorator evicts them.*@CacheEvict/),
    ]);
  });

  it('that nothing evicts is named in one line with its like', async () => {
    const lines = await linesOf({}, Daily, Evicted, ShortLived);
    expect(lines).toEqual([expect.stringMatching(/^No decorator evicts from region "news"/)]);
  });

  it('without L1 that is evicted together with one that has it is one line', async () => {
    const lines = await linesOf({ regions: { rights: { l1: false } } }, Mixed);
    expect(lines).toEqual([
      expect.stringMatching(/^Mixed.remove evicts from region "rights", which has no L1, and from "users"/),
    ]);
    expect(await linesOf({ l1: false }, Mixed)).toEqual([]);
    expect(await linesOf({}, Mixed)).toEqual([]);
  });
});

describe('a passed client', () => {
  it('that may hang is one line; one made by cacheClientOptions is none', async () => {
    const server = await aServer(...WELL);
    const [plain, bounded] = [new Redis(server.port), new Redis(server.port, cacheClientOptions())];
    cleanups.push(
      () => plain.disconnect(),
      () => bounded.disconnect(),
    );
    await waitUntil(() => bounded.status === 'ready', { what: 'the client' });
    expect(await linesOf({ redis: plain })).toEqual([expect.stringMatching(/no commandTimeout.*cacheClientOptions/)]);
    expect(await linesOf({ redis: { client: bounded } })).toEqual([]);
  });
});

describe('the embedded store', () => {
  const production = async (options: Partial<RedisCacheOptions>) => {
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    try {
      return await linesOf(options);
    } finally {
      process.env['NODE_ENV'] = before;
    }
  };

  it('is refused in production, unless it is allowed or the cache is off', async () => {
    await expect(production({})).rejects.toMatchObject({
      code: 'RC_INVALID_OPTION',
      message: expect.stringMatching(/NODE_ENV=production.*allowEmbedded: true/),
    });
    expect(await production({ allowEmbedded: true })).toEqual([]);
    expect(await production({ enabled: false })).toEqual([]);
  });
});
