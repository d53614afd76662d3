import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ConsumerDeserializer, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs';
import { Cacheable, InvalidateOn, RedisCache, RedisCacheModule } from '../../lib/index.js';
import {
  type DeadLetter,
  RedisCacheEvents,
  RedisCacheEventsModule,
  type RedisCacheEventsOptions,
} from '../../lib/invalidation/index.js';
import { sharedKafka, unique } from '../support/servers/kafka.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';

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

const kafka = await sharedKafka();
const describeWithKafka = kafka.brokers ? describe : describe.skip;
const itIsReal = kafka.isReal ? it : it.skip;
const unlessReal = kafka.isReal ? '' : ` (not here: ${kafka.reason})`;

interface Started {
  readonly app: INestApplicationContext;
  readonly events: RedisCacheEvents;
  readonly cache: RedisCache;
  readonly summaries: Summaries;
  readonly statuses: string[];
}

const event = (userId: unknown) => ({ type: 'UserUpdated', userId, timestamp: new Date().toISOString() });

describeWithKafka(`events from Kafka (${kafka.reason})`, () => {
  let redis: RedisServer;
  let producer: Producer;
  let admin: Admin;
  const applications: INestApplicationContext[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    const client = new Kafka({ brokers: [...kafka.brokers!], logLevel: logLevel.NOTHING, retry: { retries: 8 } });
    producer = client.producer();
    admin = client.admin();
    await Promise.all([producer.connect(), admin.connect()]);
  });
  afterEach(async () => {
    await Promise.all(applications.splice(0).map((app) => app.close()));
  });
  afterAll(async () => {
    await Promise.all([producer?.disconnect(), admin?.disconnect()]);
    await redis?.remove();
  });

  interface Place {
    readonly service: string;
    readonly topic: string;
    readonly group: string;
  }

  async function newPlace(partitions = 1): Promise<Place> {
    const topic = unique('users');
    if (kafka.isReal) {
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
    }
    return { service: unique('user'), topic, group: unique('group') };
  }

  async function start(
    { service, topic, group }: Place,
    options: RedisCacheEventsOptions = {},
    { isPure = false, concurrency = 1, deserializer = undefined as ConsumerDeserializer | undefined } = {},
  ): Promise<Started> {
    @Module({
      imports: [
        RedisCacheModule.forRoot({ service, redis: { url: redis.url, retryStrategy: () => 50 } }),
        RedisCacheEventsModule.forRoot({ patterns: [topic], plainChannel: false, ...options }),
      ],
      providers: [Summaries],
    })
    class AppModule {}
    const transport: MicroserviceOptions = {
      transport: Transport.KAFKA,
      options: {
        ...(deserializer && { deserializer }),
        client: { brokers: [...kafka.brokers!], logLevel: logLevel.NOTHING },
        consumer: {
          groupId: group,
          sessionTimeout: 6_000,
          rebalanceTimeout: 6_000,
          heartbeatInterval: 300,
          maxWaitTimeInMs: 50,
        },
        subscribe: { fromBeginning: true },
        run: { partitionsConsumedConcurrently: concurrency },
      },
    };
    const statuses: string[] = [];
    const quiet = { logger: false, abortOnError: false } as const;
    if (isPure) {
      const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, { ...transport, ...quiet });
      app.status.subscribe((status: string) => void statuses.push(status));
      await app.listen();
      return started(app, statuses);
    }
    const app = await NestFactory.create(AppModule, quiet);
    const microservice = app.connectMicroservice(transport);
    microservice.status.subscribe((status: string) => void statuses.push(status));
    await app.startAllMicroservices();
    await app.init();
    return started(app, statuses);
  }

  function started(app: INestApplicationContext, statuses: string[]): Started {
    applications.push(app);
    const [events, cache, summaries] = [app.get(RedisCacheEvents), app.get(RedisCache), app.get(Summaries)];
    return { app, events, cache, summaries, statuses };
  }

  async function send(
    topic: string,
    ...messages: { key?: string; value: unknown; partition?: number }[]
  ): Promise<void> {
    const textOf = (value: unknown) => (value === null || typeof value === 'string' ? value : JSON.stringify(value));
    await producer.send({ topic, messages: messages.map((one) => ({ ...one, value: textOf(one.value) })) });
  }

  /** Of all partitions together. */
  async function committed({ group, topic }: Place): Promise<number> {
    const [offsets] = await admin.fetchOffsets({ groupId: `${group}-server`, topics: [topic] });
    return offsets!.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  }

  it.each([
    ['a hybrid application', { isPure: false }],
    ['a pure microservice', { isPure: true }],
  ])('evict in %s, and tell lag and delay', async (_name, how) => {
    const place = await newPlace();
    const { summaries, events } = await start(place, {}, how);
    await summaries.summary(9876);
    await send(place.topic, { value: event(9876) });
    await waitUntil(() => events.status().applied === 1, { what: 'the event' });
    expect((await summaries.summary(9876)).load).toBe(2);
    expect(events.status()).toMatchObject({ received: 1, deadLetters: 0, waiting: 0 });
    expect(events.status().delay!.lastMs).toBeLessThan(20_000);
    await waitUntil(() => Object.values(events.status().lag).some((lag) => lag === 0), { what: 'the lag' });
  });

  it('evict by topics that a RegExp names, by the key of a message without a value, and in an envelope', async () => {
    const place = await newPlace();
    const rules: RedisCacheEventsOptions['rules'] = [
      { on: place.topic, region: 'summary', map: () => null, tombstone: ({ key }) => ({ key: Number(key) }) },
    ];
    const { summaries, events } = await start(place, { rules, patterns: [new RegExp(`^${place.topic}$`)] });
    for (const id of [1, 2]) await summaries.summary(id);
    await send(place.topic, { key: '1', value: null }, { key: '2', value: { seq: 1, payload: event(2) } });
    await waitUntil(() => events.status().applied === 2, { what: 'both events' });
    expect([(await summaries.summary(1)).load, (await summaries.summary(2)).load]).toEqual([3, 4]);
  });

  it('pass what no code understands, first in its partition, on to the dead-letter topic', async () => {
    const place = await newPlace();
    const dead = `${place.topic}.dead`;
    if (kafka.isReal) await admin.createTopics({ topics: [{ topic: dead, numPartitions: 1 }], waitForLeaders: true });
    const poison = ['{"type":"UserUp', '', '[1]', { type: 'UserUpdated' }, event({ no: 'id' }), event(null)];
    await send(place.topic, ...poison.map((value) => ({ key: 'k', value })), { key: 'k', value: event(1) });
    const { summaries, events } = await start(place, { deadLetters: dead });
    await summaries.summary(1);
    await waitUntil(() => events.status().applied === 1, { what: 'the event behind' });
    expect(events.status()).toMatchObject({ received: 7, deadLetters: 6, deadLettersLost: 0 });
    await waitUntil(async () => (await committed(place)) === 7, { what: 'the offsets' });
    const [offsets] = await admin.fetchTopicOffsets(dead);
    if (kafka.isReal) expect(offsets!.high).toBe('6');
  });

  it('are what the deserializer of the transport makes of them, with tombstones, and dead letters as they came', async () => {
    const place = await newPlace();
    const letters: DeadLetter[] = [];
    // a magic byte and the number of a schema, as a registry has it
    const encoded = (id: number) => Buffer.from([0, 0, 0, 0, 7, id]);
    const read = (value: Buffer) => ({ type: 'UserUpdated', userId: value[5] === 9 ? null : value[5] });
    const { summaries, events } = await start(
      place,
      {
        deadLetters: (letter) => void letters.push(letter),
        rules: [
          { on: place.topic, region: 'summary', map: () => null, tombstone: ({ key }) => ({ key: Number(key) }) },
        ],
      },
      {
        deserializer: {
          deserialize: ({ value }: { value: Buffer | null }, options) => ({
            pattern: (options as { channel: string }).channel,
            data: value && read(value),
          }),
        },
      },
    );
    for (const id of [1, 2]) await summaries.summary(id);
    const messages = [encoded(1), null, encoded(9)].map((value) => ({ key: '2', value }));
    await producer.send({ topic: place.topic, messages });
    await waitUntil(() => events.status().received === 3, { what: 'the events' });
    await waitUntil(() => letters.length === 1, { what: 'the dead letter' });
    expect(events.status()).toMatchObject({ applied: 2, deadLetters: 1, tombstones: 0 });
    expect(letters[0]!.value).toEqual(encoded(9));
    expect([(await summaries.summary(1)).load, (await summaries.summary(2)).load]).toEqual([3, 4]);
  });

  itIsReal(
    `go on behind a dead letter that nobody takes, for longer than the session${unlessReal}`,
    async () => {
      const place = await newPlace();
      const { events, statuses } = await start(place, { deadLetters: () => new Promise(() => {}) });
      await send(place.topic, { value: 'poison' }, { value: event(1) });
      await waitUntil(async () => (await committed(place)) === 2, { what: 'the offsets', timeoutMs: 30_000 });
      expect(events.status()).toMatchObject({ received: 2, applied: 1, deadLetters: 1, deadLettersLost: 1 });
      expect(statuses.filter((status) => ['crashed', 'rebalancing', 'disconnected'].includes(status))).toEqual([]);
    },
    60_000,
  );

  itIsReal(
    `wait while Redis is away: nothing is lost, committed or restarted, and they go on by themselves${unlessReal}`,
    async () => {
      const place = await newPlace(3);
      const { summaries, events, statuses } = await start(place, {}, { concurrency: 3 });
      await waitUntil(() => statuses.includes('connected'));
      await send(place.topic, { value: event(0), partition: 0 });
      await waitUntil(async () => (await committed(place)) === 1, { what: 'the first offset' });
      redis.freeze();
      const ids = Array.from({ length: 30 }, (_, n) => n + 1);
      await send(place.topic, ...ids.map((id) => ({ value: event(id), partition: id % 3 })));
      await waitUntil(() => events.status().waiting === 3, { what: 'the partitions to wait' });
      // longer than the session, which heartbeats keep
      await sleep(8_000);
      expect(events.status()).toMatchObject({ waiting: 3, received: 4, deadLetters: 0 });
      expect(events.status().waitingMs).toBeGreaterThan(7_000);
      expect(await committed(place)).toBe(1);
      redis.thaw();
      await waitUntil(async () => (await committed(place)) === 31, { what: 'all offsets' });
      // none came twice
      expect(events.status()).toMatchObject({ received: 31, applied: 31, waiting: 0 });
      expect(statuses.filter((status) => ['crashed', 'rebalancing', 'disconnected'].includes(status))).toEqual([]);
      expect((await summaries.summary(1)).load).toBe(1);
    },
    60_000,
  );

  itIsReal(
    `that wait when the application closes come again after the restart${unlessReal}`,
    async () => {
      const place = await newPlace();
      const first = await start(place);
      await first.summaries.summary(1);
      redis.freeze();
      await send(place.topic, { value: event(1) });
      await waitUntil(() => first.events.status().waiting === 1);
      const beganAt = performance.now();
      await first.app.close();
      expect(performance.now() - beganAt).toBeLessThan(15_000);
      expect(await committed(place)).toBe(0);
      redis.thaw();
      const second = await start(place);
      await waitUntil(() => second.events.status().applied === 1, { what: 'the event' });
      expect((await second.summaries.summary(1)).load).toBe(1);
      applications.splice(applications.indexOf(first.app), 1);
    },
    60_000,
  );

  itIsReal(
    `survive a rebalance while Redis is away, and reach the memory of every instance${unlessReal}`,
    async () => {
      const place = await newPlace(4);
      const first = await start(place, {}, { concurrency: 4 });
      const ids = Array.from({ length: 40 }, (_, n) => n + 1);
      for (const id of ids) await first.summaries.summary(id);
      redis.freeze();
      await send(place.topic, ...ids.map((id) => ({ value: event(id), partition: id % 4 })));
      await waitUntil(() => first.events.status().waiting === 4);
      const joining = start(place, {}, { concurrency: 4 });
      await sleep(3_000);
      redis.thaw();
      const second = await joining;
      await waitUntil(async () => (await committed(place)) === 40, { what: 'all offsets', timeoutMs: 40_000 });
      const both = first.events.status().applied + second.events.status().applied;
      expect(both).toBeGreaterThanOrEqual(40);
      expect(second.events.status().received).toBeGreaterThan(0);
      expect(first.statuses).toContain('rebalancing');
      expect([...first.statuses, ...second.statuses]).not.toContain('crashed');
      const before = first.summaries.loads;
      for (const id of ids) await first.summaries.summary(id);
      expect(first.summaries.loads - before).toBe(40);
    },
    90_000,
  );
});
