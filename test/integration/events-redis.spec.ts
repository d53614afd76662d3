import 'reflect-metadata';
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplication, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { Redis } from 'ioredis';
import { Cacheable, InvalidateOn, RedisCache, RedisCacheModule } from '../../lib/index.js';
import {
  RedisCacheEvents,
  RedisCacheEventsModule,
  type RedisCacheEventsOptions,
} from '../../lib/invalidation/index.js';
import { waitUntil } from '../support/servers/processes.js';
import { redisCli, type RedisServer, startRedis } from '../support/servers/redis.js';

interface UserUpdated {
  userId: number;
  timestamp: string;
}

@Injectable()
class Summaries {
  loads = 0;

  @InvalidateOn('UserUpdated', (event: UserUpdated) => ({ key: event.userId, version: event.timestamp }))
  @Cacheable({ region: 'summary', key: (id: number) => id })
  async summary(id: number): Promise<{ id: number; load: number }> {
    return { id, load: ++this.loads };
  }
}

let redis: RedisServer;
let publisher: Redis;
const applications: INestApplication[] = [];

beforeAll(async () => {
  redis = await startRedis();
  publisher = new Redis(redis.url);
});
afterEach(async () => {
  await Promise.all(applications.splice(0).map((app) => app.close()));
});
afterAll(async () => {
  publisher?.disconnect();
  await redis?.remove();
});

interface Started {
  readonly app: INestApplication;
  readonly events: RedisCacheEvents;
  readonly cache: RedisCache;
  readonly summaries: Summaries;
}

let services = 0;

async function start(
  options: RedisCacheEventsOptions,
  { wildcards = false, service = `user${++services}`, isHybrid = true } = {},
): Promise<Started> {
  @Module({
    imports: [
      RedisCacheModule.forRoot({ service, redis: { url: redis.url }, regions: { profile: {} } }),
      RedisCacheEventsModule.forRootAsync({ useFactory: () => options }),
    ],
    providers: [Summaries],
  })
  class AppModule {}
  const transport = {
    transport: Transport.REDIS as const,
    options: { port: redis.port, host: '127.0.0.1', wildcards, retryAttempts: 1_000, retryDelay: 20 },
  };
  const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
  if (isHybrid) {
    const microservice = app.connectMicroservice(transport);
    app.get(RedisCacheEvents).watch(microservice);
    await app.startAllMicroservices();
  }
  await app.init();
  applications.push(app);
  return { app, events: app.get(RedisCacheEvents), cache: app.get(RedisCache), summaries: app.get(Summaries) };
}

const event = (userId: unknown) => ({ type: 'UserUpdated', userId, timestamp: new Date().toISOString() });

async function publish(channel: string, message: unknown, receivers = 1): Promise<void> {
  await waitUntil(async () => {
    const [, count] = (await publisher.pubsub('NUMSUB', channel)) as [string, number];
    return count >= receivers || Number(await publisher.pubsub('NUMPAT')) > 0;
  });
  await publisher.publish(channel, typeof message === 'string' ? message : JSON.stringify(message));
}

describe("on Nest's Redis transport", () => {
  it.each<[string, string, (id: number) => unknown]>([
    ['by its type, from a topic for all', 'user-events', (id) => event(id)],
    ['as a packet of Nest', 'user-events', (id) => ({ pattern: 'user-events', data: event(id) })],
    ['in an envelope', 'user-events', (id) => ({ seq: 7, payload: event(id) })],
  ])('an event evicts %s', async (_name, channel, message) => {
    const { summaries, events } = await start({ patterns: ['user-events'] });
    expect(await summaries.summary(9876)).toEqual({ id: 9876, load: 1 });
    await publish(channel, message(9876));
    await waitUntil(() => events.status().applied === 1);
    expect(await summaries.summary(9876)).toEqual({ id: 9876, load: 2 });
  });

  it('listens to the names of its rules, where it is not told more', async () => {
    const { summaries, events } = await start({});
    await summaries.summary(1);
    await publish('UserUpdated', { userId: 1 });
    await waitUntil(() => events.status().applied === 1);
    expect((await summaries.summary(1)).load).toBe(2);
  });

  it('understands wildcards', async () => {
    const rule = { on: 'user.*', region: 'summary', map: ({ id }: { id: number }) => ({ key: id }) };
    const { summaries, events } = await start({ rules: [rule], patterns: ['user.*'] }, { wildcards: true });
    await summaries.summary(1);
    await publish('user.renamed', { id: 1 });
    await waitUntil(() => events.status().applied === 1);
    expect((await summaries.summary(1)).load).toBe(2);
  });

  it('reaches every instance, memory included', async () => {
    const service = `user${++services}`;
    const all = [await start({}, { service }), await start({}, { service })];
    for (const { summaries } of all) await summaries.summary(1);
    expect(all.map(({ summaries }) => summaries.loads)).toEqual([1, 0]);
    await publish('UserUpdated', { userId: 1 }, 2);
    for (const { events } of all) await waitUntil(() => events.status().applied === 1);
    await waitUntil(async () => (await all[1]!.summaries.summary(1)).load === 1 && all[1]!.summaries.loads === 1);
  });

  it.each<[string, string]>([
    ['broken JSON', '{"type":"UserUpdated"'],
    ['no id', '{"type":"UserUpdated"}'],
    ['nothing', ''],
  ])('counts %s as a dead letter, and goes on', async (_name, text) => {
    const letters: string[] = [];
    const deadLetters = ({ value }: { value: unknown }) => void letters.push(String(value));
    const { events } = await start({ patterns: ['user-events'], deadLetters });
    await publish('user-events', text);
    await publish('user-events', event(1));
    await waitUntil(() => events.status().applied === 1);
    expect(events.status()).toMatchObject({ received: 2, deadLetters: 1, deadLettersLost: 0 });
    expect(letters).toEqual([text]);
  });

  it('takes an event of 10 MB as any other', async () => {
    const { summaries, events } = await start({ patterns: ['user-events'] });
    await summaries.summary(1);
    await publish('user-events', { ...event(1), text: 'x'.repeat(10 * 2 ** 20) });
    await waitUntil(() => events.status().applied === 1);
    expect((await summaries.summary(1)).load).toBe(2);
  });

  it('counts a lost connection, and is back by itself', async () => {
    const { summaries, events } = await start({ patterns: ['user-events'] });
    await publish('user-events', event(2));
    await waitUntil(() => events.status().plainChannel!.listening === 1 && events.status().applied === 1);
    await publisher.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await publisher.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await waitUntil(() => events.status().connectionLosses >= 1);
    await summaries.summary(1);
    await publish('user-events', event(1));
    await waitUntil(() => events.status().applied === 2);
    expect(events.status().plainChannel!.connectionLosses).toBe(1);
  });
});

describe('the plain channel', () => {
  const python = '/usr/bin/python3';
  const hasPython = (() => {
    try {
      execFileSync(python, ['-c', 'import redis'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

  const publishers: [string, (name: string) => unknown][] = [
    ['redis-cli', (name) => redisCli(redis.port, ['PUBLISH', 'cache:invalidate', name])],
    ['Node', (name) => publisher.publish('cache:invalidate', name)],
  ];
  if (hasPython) {
    publishers.push([
      'Python',
      (name) =>
        promisify(execFile)(python, [
          '-c',
          'import redis, sys; redis.Redis(port=int(sys.argv[1])).publish("cache:invalidate", sys.argv[2])',
          String(redis.port),
          name,
        ]),
    ]);
  } else it.skip('is published to from Python: /usr/bin/python3 has no module redis (Debian: python3-redis)', () => {});

  async function listening(options: RedisCacheEventsOptions = {}, service?: string) {
    const started = await start(options, { isHybrid: false, ...(service === undefined ? {} : { service }) });
    await waitUntil(() => started.events.status().plainChannel!.listening === 1);
    return started;
  }

  it.each(publishers)('evicts what %s names', async (_name, send) => {
    const service = `user${++services}`;
    const { cache, events } = await listening({}, service);
    const profile = cache.region('profile');
    await profile.getOrLoad(9876, async () => 'old');
    await profile.getOrLoad(1, async () => 'other');
    await send(`${service}:profile:9876`);
    await waitUntil(() => events.status().plainChannel!.evicted === 1);
    await waitUntil(async () => (await profile.get(9876)) === undefined);
    expect(await profile.get(1)).toBe('other');
  });

  it.each<[string, string | number | (string | number)[], string]>([
    ['several segments', [7, 'a'], '7:a'],
    ['a whole key as it stands in Redis', 9876, '9876:json'],
    ['an id as it is', 'Jane Doe|x', 'Jane Doe|x'],
    ['an id as it is escaped', 'Jane Doe', 'Jane%20Doe'],
    ['an id that looks escaped', 'Jane%20Doe', 'Jane%20Doe'],
  ])('understands %s', async (_name, key, path) => {
    const service = `user${++services}`;
    const { cache, events } = await listening({}, service);
    const profile = cache.region('profile');
    await profile.getOrLoad(key, async () => 'old');
    await publisher.publish('cache:invalidate', `${service}:profile:${path}`);
    await waitUntil(() => events.status().plainChannel!.evicted === 1);
    await waitUntil(async () => (await profile.get(key)) === undefined);
  });

  it('touches nothing that is not its own, and makes no region', async () => {
    const service = `user${++services}`;
    const { cache, events } = await listening({}, service);
    await cache.region('profile').getOrLoad(1, async () => 'old');
    await publisher.mset(`${service}2:profile:1:json`, 'foreign', 'order:1', 'foreign');
    const before = await publisher.keys('*');
    const names = [
      `${service}2:profile:1`,
      'order:1',
      '*',
      `${service}`,
      `${service}:`,
      '',
      `${service}:a b:1`,
      'x'.repeat(9_000),
    ];
    for (const name of names) await publisher.publish('cache:invalidate', name);
    for (const name of ['nobody:1', '~m', 'nobody']) await publisher.publish('cache:invalidate', `${service}:${name}`);
    await publisher.publish('cache:invalidate', `${service}:profile`);
    await waitUntil(() => events.status().plainChannel!.received === names.length + 4);
    expect(events.status().plainChannel).toMatchObject({ evicted: 0, foreign: 9, unknownRegion: 2, refused: 1 });
    expect(Object.keys(cache.status().regions).sort()).toEqual(['profile', 'summary']);
    expect(await cache.region('profile').get(1)).toBe('old');
    expect(new Set(await publisher.keys('*'))).toEqual(new Set(before));
  });

  it('evicts a region where the option allows it', async () => {
    const service = `user${++services}`;
    const { cache, events } = await listening({ plainChannel: { regions: true } }, service);
    const profile = cache.region('profile');
    await profile.getOrLoad(1, async () => 'old');
    await publisher.publish('cache:invalidate', `${service}:profile`);
    await waitUntil(() => events.status().plainChannel!.evicted === 1);
    await waitUntil(async () => (await profile.get(1)) === undefined);
  });

  it('is off where the option says so', async () => {
    const { events } = await start({ plainChannel: false }, { isHybrid: false });
    expect(events.status().plainChannel).toBeNull();
  });
});

describe('options', () => {
  it.each<[object, RegExp]>([
    [{ pattern: ['a'] }, /RedisCacheEventsModule: pattern is not an option.*patterns/],
    [{ rules: [{ map: () => null }] }, /rules/],
    [{ rules: [{ on: 'A' }] }, /rules/],
    [{ rules: [{ on: 'A', map: () => null, region: 'a:b' }] }, /rules\.0\.region must be/],
    [{ deadLetters: 7 }, /deadLetters must be/],
  ])('%j are refused at boot', async (options, message) => {
    await expect(start(options as never, { isHybrid: false })).rejects.toThrow(message);
  });
});
