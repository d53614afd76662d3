// From publishing an event until the value is gone from the memory of *another* instance, by transport; on one machine,
// so that one clock tells.
//
//   npm run events:latency -- --times 500
import 'reflect-metadata';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import { RedisCache, RedisCacheModule } from '../../dist-history/lib/index.js';
import { RedisCacheEvents, RedisCacheEventsModule } from '../../dist-history/lib/invalidation/index.js';
import { sleep, track, waitUntil } from '../../dist-history/test/support/servers/processes.js';
import { startRedis } from '../../dist-history/test/support/servers/redis.js';
import { startAnyBroker } from '../support/kafka/broker.mjs';

if (process.argv[2] === '--consumer') await consume(JSON.parse(process.argv[3]));
else await measureAll();

function applicationOf({ redis, rules, patterns, foreignWrites = false }) {
  class AppModule {}
  Module({
    imports: [
      RedisCacheModule.forRoot({ service: 'user', redis: { url: redis }, foreignWrites }),
      ...(patterns ? [RedisCacheEventsModule.forRoot({ patterns, rules })] : []),
    ],
  })(AppModule);
  return NestFactory.create(AppModule, { logger: ['error'] });
}

/** The instance that handles events. */
async function consume({ transport, redis, topic, brokers }) {
  const rules = [{ on: 'UserUpdated', region: 'profile', map: ({ userId }) => ({ key: userId }) }];
  const app = await applicationOf({ redis, rules, patterns: [topic] });
  app.get(RedisCache).region('profile');
  if (transport === 'kafka') {
    app.connectMicroservice({
      transport: Transport.KAFKA,
      options: {
        client: { brokers, logLevel: kafkajs.logLevel.NOTHING },
        consumer: { groupId: 'latency', maxWaitTimeInMs: 100 },
        subscribe: { fromBeginning: true },
      },
    });
  }
  if (transport === 'redis') {
    const { port } = new URL(redis);
    app.connectMicroservice({ transport: Transport.REDIS, options: { host: '127.0.0.1', port: Number(port) } });
  }
  await app.startAllMicroservices();
  await app.init();
  await waitUntil(() => app.get(RedisCacheEvents).status().plainChannel.listening === 1);
  process.send('ready');
}

async function measureAll() {
  const { values } = parseArgs({ options: { times: { type: 'string', default: '500' } } });
  const times = Number(values.times);
  const redis = await startRedis();
  const broker = await startAnyBroker();
  const publisher = new Redis(redis.url);
  const topic = `users-${process.pid}`;
  const event = JSON.stringify({ type: 'UserUpdated', userId: 9876 });
  const rows = [];
  if (broker?.isReal) {
    const kafka = new kafkajs.Kafka({ brokers: broker.brokers, logLevel: kafkajs.logLevel.NOTHING });
    const producer = kafka.producer();
    const admin = kafka.admin();
    await Promise.all([producer.connect(), admin.connect()]);
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    const consumer = await startConsumer({ transport: 'kafka', redis: redis.url, topic, brokers: broker.brokers });
    const send = () => producer.send({ topic, messages: [{ value: event }] });
    rows.push(await measure(broker.name, { redis, send, times }));
    consumer.kill('SIGKILL');
    await Promise.all([producer.disconnect(), admin.disconnect()]);
  }
  const listener = await startConsumer({ transport: 'redis', redis: redis.url, topic });
  rows.push(
    await measure("Nest's Redis transport", { redis, send: () => publisher.publish(topic, event), times }),
    await measure('plain channel', {
      redis,
      send: () => publisher.publish('cache:invalidate', 'user:profile:9876'),
      times,
    }),
  );
  listener.kill('SIGKILL');
  await publisher.config('SET', 'notify-keyspace-events', 'Kg');
  for (const foreignWrites of ['tracking', 'keyspace']) {
    const send = () => publisher.del('user:profile:9876:json');
    rows.push(await measure(`foreign DEL, ${foreignWrites}`, { redis, send, times, foreignWrites }));
  }
  console.table(rows);
  publisher.disconnect();
  await Promise.all([redis.remove(), broker?.stop()]);
  process.exit(0);
}

async function startConsumer(settings) {
  const child = track(fork(fileURLToPath(import.meta.url), ['--consumer', JSON.stringify(settings)]));
  await once(child, 'message');
  return child;
}

/** The instance whose memory is watched. */
async function measure(name, { redis, send, times, foreignWrites }) {
  const app = await applicationOf({ redis: redis.url, foreignWrites });
  await app.init();
  const cache = app.get(RedisCache);
  const profile = cache.region('profile');
  const hits = () => cache.status().regions.profile.hitsL1;
  const all = [];
  for (let n = 0; n < times; n++) {
    // until it is served from memory
    await waitUntil(async () => {
      const before = hits();
      await profile.getOrLoad(9876, async () => n);
      return hits() > before;
    });
    if (n < 20) await sleep(5);
    const sentAt = performance.now();
    void send();
    for (;;) {
      const before = hits();
      // an L1 hit is counted; what is gone is asked of Redis, and not loaded
      await profile.get(9876);
      if (hits() === before) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (n >= 20) all.push(performance.now() - sentAt);
  }
  await app.close();
  all.sort((a, b) => a - b);
  const at = (share) => Number(all[Math.min(all.length - 1, Math.floor(all.length * share))].toFixed(2));
  return { transport: name, times: all.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
