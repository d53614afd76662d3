import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { Cacheable, CacheEvict, RedisCache, RedisCacheModule } from '../../lib/index.js';
import { buildLibrary } from '../support/built-library.js';
import { track, waitUntil } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

@Injectable()
class Users {
  loads = 0;

  @Cacheable({ region: 'profile', key: (id: number) => id })
  async find(id: number) {
    return { id, loads: ++this.loads };
  }

  @CacheEvict({ region: 'profile', key: '{id}' })
  async remove(id: number) {
    return id;
  }
}

/**
 * No two of them are one key or one tag: separators, escapes, placeholders, control characters, halves of characters, 1
 * MB.
 */
const ODD = [
  ':',
  '{',
  '}',
  '{id}',
  '{user.0}',
  '%',
  '%3A',
  '%3a',
  '~',
  '~m',
  '*',
  '\n',
  '\r\n',
  '\0',
  '\t',
  ' ',
  ',',
  '"',
  '\\',
  '\ud800',
  '\udc00',
  '\ufffd',
  'é',
  'e\u0301',
  '😀',
  '__proto__',
  '',
  'x'.repeat(2 ** 20),
  `${'x'.repeat(2 ** 20 - 1)}y`,
];

/** Below the limit of values. */
const shortOf = (text: string) => (text.length > 100 ? `${text.length} characters, the last a ${text.at(-1)}` : text);

@Injectable()
class Odd {
  loads = 0;

  @Cacheable({ region: 'odd', key: (id: string, other: string) => [id, other] })
  async find(id: string, other: string) {
    this.loads += 1;
    return { id: shortOf(id), other: shortOf(other) };
  }

  @CacheEvict({ region: 'odd', key: (id: string, other: string) => [id, other] })
  async remove(id: string, other: string) {
    return id.length + other.length;
  }

  @Cacheable({ region: 'tagged', tags: (tag) => [tag] })
  async tagged(tag: string) {
    this.loads += 1;
    return tag;
  }
}

let server: RedisServer;
const open: TestingModule[] = [];

async function boot(options: Parameters<typeof RedisCacheModule.forRoot>[0]): Promise<TestingModule> {
  const app = await Test.createTestingModule({ imports: [RedisCacheModule.forRoot(options)], providers: [Users, Odd] })
    .setLogger(false as never)
    .compile();
  open.push(app);
  return app.init();
}

const connections = () => Number(/connected_clients:(\d+)/.exec(redisCli(server.port, ['INFO', 'clients']))![1]) - 1;

beforeAll(async () => {
  server = await startRedis();
}, 30_000);
beforeEach(() => void redisCli(server.port, ['FLUSHALL']));
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});
afterAll(() => server.remove());

describe('a cache on Redis', () => {
  it('shares what its instances cache, under the documented key, and closes its connections', async () => {
    const [a, b] = [
      await boot({ service: 'user', redis: { url: server.url } }),
      await boot({ service: 'user', redis: { port: server.port } }),
    ];
    expect(await a.get(Users).find(9876)).toEqual({ id: 9876, loads: 1 });
    expect(await b.get(Users).find(9876)).toEqual({ id: 9876, loads: 1 });
    expect(b.get(Users).loads).toBe(0);
    expect(redisCli(server.port, ['EXISTS', 'user:profile:9876:json'])).toBe('1');
    await b.get(Users).remove(9876);
    expect(await b.get(Users).find(9876)).toEqual({ id: 9876, loads: 1 });
    expect(b.get(Users).loads).toBe(1);
    expect(connections()).toBeGreaterThan(0);
    await Promise.all([a.close(), b.close()]);
    await waitUntil(() => connections() === 0);
  });

  it('keeps odd arguments apart over two instances, each key with its own value', async () => {
    const [a, b] = [
      await boot({ service: 'user', redis: { url: server.url } }),
      await boot({ service: 'user', redis: { url: server.url }, l1: false }),
    ];
    const [writer, reader] = [a.get(Odd), b.get(Odd)];
    for (const id of ODD) expect(await writer.find(id, id)).toEqual({ id: shortOf(id), other: shortOf(id) });
    for (const id of ODD) expect(await reader.find(id, id)).toEqual({ id: shortOf(id), other: shortOf(id) });
    for (const [one, other] of [
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['a', 'b'],
    ] as const) {
      await writer.find(one, other);
      expect(await reader.find(one, other)).toMatchObject({ id: one, other });
    }
    expect([writer.loads, reader.loads]).toEqual([ODD.length + 3, 0]);

    const [evicted, ...kept] = ODD;
    await reader.remove(evicted!, evicted!);
    for (const id of kept) await reader.find(id, id);
    expect(reader.loads).toBe(0);
    expect(await reader.find(evicted!, evicted!)).toMatchObject({ id: evicted });
    expect(reader.loads).toBe(1);
  });

  it('evicts by odd tags what carries them, and nothing else', async () => {
    const [a, b] = [
      await boot({ service: 'user', redis: { url: server.url } }),
      await boot({ service: 'user', redis: { url: server.url }, l1: false }),
    ];
    const [writer, reader] = [a.get(Odd), b.get(Odd)];
    const tags = ODD.filter((tag) => tag !== '' && tag.length <= 256);
    // on a busy machine a read may go past a Redis that does not answer in time
    const past = () => b.get(RedisCache).status().regions['tagged']?.bypasses ?? 0;
    for (const tag of tags) await writer.tagged(tag);
    for (const tag of tags) {
      const [before, pastBefore] = [reader.loads, past()];
      await a.get(RedisCache).evictTags([tag]);
      for (const one of tags) await reader.tagged(one);
      const loads = reader.loads - before;
      expect({ tag, loads }).toEqual({ tag, loads: Math.min(Math.max(loads, 1), 1 + past() - pastBefore) });
    }
  }, 30_000);

  it.each(['bare', 'wrapped'])(
    "uses a client of the application's (%s), and leaves it open and as it is",
    async (form) => {
      const client = new Redis(server.port, { enableOfflineQueue: true });
      await client.ping();
      try {
        const app = await boot({ service: 'user', redis: form === 'bare' ? client : { client } });
        await app.get(Users).find(1);
        expect(await app.get(RedisCache).region('profile').get(1)).toEqual({ id: 1, loads: 1 });
        expect(redisCli(server.port, ['EXISTS', 'user:profile:1:json'])).toBe('1');
        await app.close();
        expect(client.status).toBe('ready');
        expect(await client.ping()).toBe('PONG');
        expect(Object.isFrozen(client.options)).toBe(false);
        await waitUntil(() => connections() === 1);
      } finally {
        client.disconnect();
      }
    },
  );
});

it('says where a refused login stands in a URL', async () => {
  const url = `redis://password-alone@127.0.0.1:${server.port}`;
  const imports = [RedisCacheModule.forRoot({ service: 'user', redis: { url } })];
  const app = await Test.createTestingModule({ imports }).compile();
  await expect(app.init()).rejects.toThrow(/is disabled\. Check user name .* without a user redis:\/\/:password@host/);
});

describe('a boot that fails', () => {
  const weak = 'redis://weak:pw@127.0.0.1:';
  beforeAll(() => void redisCli(server.port, 'ACL SETUSER weak on >pw ~* &* +ping +info +hello +client'.split(' ')));

  it.each<[string, () => ModuleMetadata, string]>([
    [
      'by a right that is missing',
      () => ({ imports: [RedisCacheModule.forRoot({ service: 'user', redis: { url: weak + server.port } })] }),
      'RC_REDIS_PERMISSION',
    ],
    [
      'by its second cache, or its first',
      () => ({
        imports: [
          RedisCacheModule.forRoot({ service: 'user', redis: { url: server.url } }),
          RedisCacheModule.forRoot({ name: 'weak', service: 'other', redis: { url: weak + server.port } }),
          RedisCacheModule.forRoot({ name: 'last', service: 'third', redis: { url: server.url } }),
        ],
      }),
      'RC_REDIS_PERMISSION',
    ],
    [
      'by a declaration',
      () => {
        class Lost {
          @Cacheable({ cache: 'none' }) async find() {}
        }
        return {
          imports: [RedisCacheModule.forRoot({ service: 'user', redis: { url: server.url } })],
          providers: [Lost],
        };
      },
      'RC_MODULE_MISSING',
    ],
  ])('%s closes its connections', async (_case, metadata, code) => {
    class AppModule {}
    Module(metadata())(AppModule);
    const booting = NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
    await expect(booting).rejects.toMatchObject({ code });
    await waitUntil(() => connections() === 0, { what: 'the connections to be closed' });
  });
});

describe('a process', () => {
  let library: ReturnType<typeof buildLibrary>;
  let script: string;
  beforeAll(() => {
    library = buildLibrary();
    script = join(dirname(fileURLToPath(library.url)), '..', 'exit.mjs');
    copyFileSync(join(import.meta.dirname, 'fixtures', 'exit.mjs'), script);
  }, 60_000);
  afterAll(() => library.remove());

  it.each([
    ['on the embedded store, without being closed', () => ({}), 'leave'],
    ['on the embedded store, closed', () => ({}), 'close'],
    ['on Redis, closed', () => ({ redis: { url: server.url } }), 'close'],
    ['on a Redis that is away, closed', () => ({ redis: { host: '127.0.0.1', port: 1 } }), 'close'],
  ])(
    '%s, ends when it has nothing left to do',
    async (_case, options, ending) => {
      const args = [script, library.url, JSON.stringify({ service: 'user', ...options() }), ending];
      const running = promisify(execFile)(process.execPath, args, { timeout: 20_000 });
      track(running.child);
      const { stdout } = await running;
      expect(stdout).toBe('done');
    },
    30_000,
  );

  it('closes, also when its last retries are all that is left to wait for', async () => {
    const alone = join(dirname(fileURLToPath(library.url)), '..', 'close-alone.mjs');
    copyFileSync(join(import.meta.dirname, 'fixtures', 'close-alone.mjs'), alone);
    const running = promisify(execFile)(process.execPath, [alone, library.url], { timeout: 20_000 });
    track(running.child);
    expect((await running).stdout).toBe('done');
  }, 30_000);
});
