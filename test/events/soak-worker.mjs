// One instance of the service in the soak: consumes events, and reads through its cache what the source has.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import { RedisCache, RedisCacheModule } from '../../dist-history/lib/index.js';
import { RedisCacheEvents, RedisCacheEventsModule } from '../../dist-history/lib/invalidation/index.js';

const { brokers, topic, group, redis, truth, keys, partitions, readers } = JSON.parse(process.argv[2]);
const source = new Redis(truth);

class AppModule {}
Module({
  imports: [
    RedisCacheModule.forRoot({ service: 'user', redis: { url: redis }, l1: { maxEntries: 100_000 } }),
    RedisCacheEventsModule.forRoot({
      patterns: [topic],
      plainChannel: false,
      rules: [{ on: 'UserUpdated', region: 'profile', map: ({ userId, version }) => ({ key: userId, version }) }],
    }),
  ],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error'] });
app.connectMicroservice({
  transport: Transport.KAFKA,
  options: {
    client: { brokers, logLevel: kafkajs.logLevel.NOTHING },
    consumer: {
      groupId: group,
      sessionTimeout: 6_000,
      rebalanceTimeout: 6_000,
      heartbeatInterval: 500,
      maxWaitTimeInMs: 100,
    },
    subscribe: { fromBeginning: true },
    run: { partitionsConsumedConcurrently: partitions, autoCommitInterval: 500 },
  },
});
await app.startAllMicroservices();
await app.init();
const profile = app.get(RedisCache).region('profile');
const events = app.get(RedisCacheEvents);
let reads = 0;
let isReading = true;

const load = async (userId) => ({ version: Number((await source.hget('truth', String(userId))) ?? 0) });

for (let n = 0; n < readers; n++) {
  void (async () => {
    while (isReading) {
      const userId = Math.floor(Math.random() * keys);
      await profile.getOrLoad(userId, () => load(userId), { version: ({ version }) => version });
      reads += 1;
      // leaves most of the machine to the events
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
}

process.on('message', async ({ kind }) => {
  if (kind === 'status') {
    const { received, applied, deadLetters } = events.status();
    process.send({ kind, value: { received, applied, deadLetters, reads } });
  }
  if (kind === 'compare') {
    isReading = false;
    const versions = [];
    for (let from = 0; from < keys; from += 500) {
      const some = Array.from({ length: Math.min(500, keys - from) }, (_, n) => profile.get(from + n));
      versions.push(...(await Promise.all(some)).map((value) => value?.version ?? null));
    }
    process.send({ kind, value: versions });
  }
});
process.send({ kind: 'ready' });
