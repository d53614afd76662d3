import 'reflect-metadata';
import { fork } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { Cacheable, CacheEvict, CachePut, type Codec, RedisCacheModule } from '../../lib/index.js';
import { PROTOCOL_VERSION } from '../../lib/stores/redis/functions/protocol-version.js';
import { buildLibrary } from '../support/built-library.js';
import { InstanceProcess } from '../support/instance-process.js';
import { track } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

/** Two releases of an application share the source, and the key; what they cache has another form. */
const source = { name: 'old' };

@Injectable()
class Profiles {
  loads = 0;

  @Cacheable({ region: 'profile', key: (id: number) => id, tags: ['staff'] })
  async find(_id: number) {
    this.loads += 1;
    return { ...source };
  }

  @CacheEvict({ region: 'profile', key: (id: number) => id })
  async rename(_id: number, name: string) {
    source.name = name;
  }

  @CacheEvict({ tags: ['staff'] })
  async renameAll(_id: number, name: string) {
    source.name = name;
  }

  @CacheEvict({ region: 'profile', allEntries: true })
  async renameEach(_id: number, name: string) {
    source.name = name;
  }

  @CachePut({ region: 'profile', key: (id: number) => id })
  async replace(_id: number, name: string) {
    source.name = name;
    return { ...source };
  }
}

const plain: Codec = {
  id: 'plain',
  binary: false,
  encode: (value) => ({ payload: JSON.stringify(value), meta: '' }),
  decode: (payload) => ({ value: JSON.parse(String(payload)) as unknown, freezable: true }),
};

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
}, 30_000);
beforeEach(() => {
  redisCli(server.port, ['FLUSHALL']);
  source.name = 'old';
});
afterAll(() => server.remove());

type Options = Omit<Parameters<typeof RedisCacheModule.forRoot>[0], 'service' | 'redis'>;

describe.each<[string, Options, Options]>([
  ['another codec', {}, { codec: plain }],
  ['msgpack instead of json', {}, { codec: 'msgpack' }],
  ['another shape', {}, { regions: { profile: { shape: 2 } } }],
])('two releases side by side, the new one with %s', (_difference, before, after) => {
  const open: TestingModule[] = [];
  const boot = async (options: Options) => {
    const module = RedisCacheModule.forRoot({ service: 'user', redis: { url: server.url }, l1: false, ...options });
    const app = await Test.createTestingModule({ imports: [module], providers: [Profiles] })
      .setLogger(false as never)
      .compile();
    open.push(app);
    await app.init();
    return app.get(Profiles);
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((app) => app.close()));
  });

  it.each(['rename', 'renameAll', 'renameEach', 'replace'] as const)(
    'have one entry: after %s by either, neither returns what was before',
    async (method) => {
      const releases = [await boot(before), await boot(after)];
      for (const writer of releases) {
        for (const last of releases) {
          for (const one of releases) if (one !== last) await one.find(1);
          await last.find(1); // its form is the one that stands
          const name = `${source.name}, new`;
          await writer[method](1, name);
          for (const one of releases) expect(await one.find(1)).toEqual({ name });
        }
      }
      const keys = redisCli(server.port, ['KEYS', 'user:profile:*']).split('\n');
      expect(keys.filter((key) => !key.endsWith('~'))).toEqual(['user:profile:1:json']);
    },
  );

  it('read their own form from the cache when they are alone', async () => {
    const [, one] = [await boot(before), await boot(after)];
    for (let n = 0; n < 3; n++) await one.find(1);
    expect(one.loads).toBe(1);
  });
});

describe('two versions of the function library side by side', () => {
  const libraries: ReturnType<typeof buildLibrary>[] = [];
  const instances: InstanceProcess[] = [];
  let client: Redis;

  beforeAll(async () => {
    client = new Redis(server.port);
    for (const version of [PROTOCOL_VERSION, PROTOCOL_VERSION + 1]) {
      const library = buildLibrary();
      libraries.push(library);
      const folder = dirname(fileURLToPath(library.url));
      const path = join(folder, 'stores/redis/functions/protocol-version.js');
      const stated = `PROTOCOL_VERSION = ${PROTOCOL_VERSION};`;
      const code = readFileSync(path, 'utf8');
      expect(code).toContain(stated);
      writeFileSync(path, code.replace(stated, `PROTOCOL_VERSION = ${version};`));
      const script = join(dirname(folder), 'instance.mjs');
      copyFileSync(join(import.meta.dirname, 'fixtures', 'instance.mjs'), script);
      const args = [library.url, server.url, JSON.stringify({ l1: false })];
      instances.push(new InstanceProcess(track(fork(script, args, { execArgv: [] }))));
    }
    await Promise.all(instances.map(({ ready }) => ready));
  }, 120_000);

  afterAll(async () => {
    await Promise.all(instances.map((instance) => instance.end()));
    client?.disconnect();
    for (const library of libraries) library.remove();
  });

  it('are correct, and each voids what the other cached', async () => {
    const read = (one: InstanceProcess) => one.send<string[]>('read', { key: 'k', loadMs: 0 });
    const incarnation = () => Number(redisCli(server.port, ['HGET', 'test:~m', 'i']));
    for (let round = 0; round < 8; round++) {
      for (const one of instances) await read(one);
      const before = incarnation();
      await client.set('truth:value', `${round}`);
      const writer = instances[round % 2]!;
      if (round < 4) await writer.send('evict', { key: 'k' });
      else await writer.send('evictTag');
      for (const one of instances) expect(await read(one)).toEqual([`${round}`]);
      expect(incarnation()).toBeGreaterThan(before);
    }
    const versions = [...redisCli(server.port, ['FUNCTION', 'LIST']).matchAll(/nestjs_redis_cache_(\d+)/g)];
    expect(new Set(versions.map(([, version]) => Number(version)))).toEqual(
      new Set([PROTOCOL_VERSION, PROTOCOL_VERSION + 1]),
    );
  }, 30_000);
});
