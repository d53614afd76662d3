import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type BeforeApplicationShutdown, type INestApplication, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ClientProxy, ClientProxyFactory, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { connect } from '@nats-io/transport-node';
import { lastValueFrom } from 'rxjs';
import { Cacheable, InvalidateOn, RedisCacheModule } from '../../lib/index.js';
import {
  RedisCacheEvents,
  RedisCacheEventsModule,
  type RedisCacheEventsOptions,
} from '../../lib/invalidation/index.js';
import { type BrokerServer, natsMissing, startNats } from '../support/servers/nats.js';
import { sleep, waitUntil } from '../support/servers/processes.js';
import { rabbitMissing, startRabbit } from '../support/servers/rabbitmq.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';

@Injectable()
class Summaries {
  loads = 0;

  @InvalidateOn('UserUpdated', (event: { userId: number; timestamp?: string }) => ({
    key: event.userId,
    version: event.timestamp,
  }))
  @Cacheable({ region: 'summary', key: (id: number) => id })
  async summary(id: number): Promise<{ id: number; load: number }> {
    return { id, load: ++this.loads };
  }
}

/**
 * Listeners stay open meanwhile. Modules end from the root on: it comes after the events module, since it lies deeper.
 */
@Injectable()
class SlowToEnd implements BeforeApplicationShutdown {
  ms = 0;

  beforeApplicationShutdown(): Promise<void> {
    return sleep(this.ms);
  }
}

@Module({ providers: [SlowToEnd] })
class Deepest {}

@Module({ imports: [Deepest] })
class Deeper {}

let redis: RedisServer;
const ends: (() => unknown)[] = [];
let services = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => redis?.remove());

async function start(transport: MicroserviceOptions, options: RedisCacheEventsOptions = {}) {
  @Module({
    imports: [
      RedisCacheModule.forRoot({ service: `user${++services}`, redis: { url: redis.url } }),
      RedisCacheEventsModule.forRoot({ plainChannel: false, ...options }),
      Deeper,
    ],
    providers: [Summaries],
  })
  class AppModule {}
  const app: INestApplication = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
  ends.push(() => app.close());
  const microservice = app.connectMicroservice(transport);
  const events = app.get(RedisCacheEvents);
  events.watch(microservice);
  await app.startAllMicroservices();
  await app.init();
  return { app, events, summaries: app.get(Summaries) };
}

function clientOf(transport: object): ClientProxy {
  const client = ClientProxyFactory.create(transport);
  ends.push(() => client.close());
  return client;
}

(natsMissing ? describe.skip : describe)(`events from NATS${natsMissing ? ` (not here: ${natsMissing})` : ''}`, () => {
  let nats: BrokerServer;
  const options = () => ({
    servers: [`nats://127.0.0.1:${nats.port}`],
    reconnectTimeWait: 50,
    maxReconnectAttempts: -1,
  });

  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats?.stop());

  it('evict, sent by Nest and by any program, and by subjects with wildcards', async () => {
    const rule = { on: 'users.>', region: 'summary', map: ({ id }: { id: number }) => ({ key: id }) };
    const transport = { transport: Transport.NATS as const, options: options() };
    const { events, summaries } = await start(transport, { rules: [rule], patterns: ['users.>', 'UserUpdated'] });
    for (const id of [1, 2, 3]) await summaries.summary(id);
    await lastValueFrom(clientOf(transport).emit('UserUpdated', { userId: 1 }));
    const raw = await connect({ servers: [`127.0.0.1:${nats.port}`] });
    ends.push(() => raw.close());
    raw.publish('UserUpdated', JSON.stringify({ type: 'UserUpdated', userId: 2 }));
    raw.publish('users.renamed.now', JSON.stringify({ id: 3 }));
    // what is no JSON, Nest logs itself
    raw.publish('UserUpdated', '{"type":');
    raw.publish('UserUpdated', '"text"');
    // what was received is applied when its eviction was acknowledged
    const done = () => events.status().applied + events.status().deadLetters;
    await waitUntil(() => done() === 4, { what: 'the events' });
    expect(events.status()).toMatchObject({ received: 4, applied: 3, deadLetters: 1 });
    expect((await Promise.all([1, 2, 3].map((id) => summaries.summary(id)))).map(({ load }) => load)).toEqual([
      4, 5, 6,
    ]);
  });

  it('count a connection that is lost, and go on when it is back', async () => {
    const { events } = await start({ transport: Transport.NATS, options: options() });
    await nats.stop();
    await waitUntil(() => events.status().connectionLosses === 1, { what: 'the loss' });
    nats = await startNats(nats.port);
    const raw = await connect({ servers: [`127.0.0.1:${nats.port}`] });
    ends.push(() => raw.close());
    await waitUntil(
      () => {
        raw.publish('UserUpdated', JSON.stringify({ userId: 1 }));
        return events.status().applied > 0;
      },
      { everyMs: 100, what: 'an event after the loss' },
    );
  });
});

(rabbitMissing ? describe.skip : describe)(
  `events from RabbitMQ${rabbitMissing ? ` (not here: ${rabbitMissing})` : ''}`,
  () => {
    let rabbit: BrokerServer;

    beforeAll(async () => {
      rabbit = await startRabbit();
    }, 120_000);
    afterAll(() => rabbit?.stop());

    const transportOf = (queue: string, noAck: boolean) => ({
      transport: Transport.RMQ as const,
      options: {
        urls: [`amqp://guest:guest@127.0.0.1:${rabbit.port}`],
        queue,
        noAck,
        queueOptions: { durable: true },
      },
    });
    const event = (userId: number) => ({ type: 'UserUpdated', userId });

    it.each([
      ['at most once, as Nest has it by default', true],
      ['acknowledged', false],
    ])('evict, %s', async (_name, noAck) => {
      const queue = `users-${noAck}`;
      const { events, summaries } = await start(transportOf(queue, noAck), {
        acknowledge: !noAck,
        patterns: ['users'],
      });
      await summaries.summary(1);
      const client = clientOf(transportOf(queue, true));
      await lastValueFrom(client.emit('users', event(1)));
      await lastValueFrom(client.emit('users', 'no event'));
      const done = () => events.status().applied + events.status().deadLetters;
      await waitUntil(() => done() === 2, { what: 'the events' });
      expect(events.status()).toMatchObject({ applied: 1, deadLetters: 1 });
      expect((await summaries.summary(1)).load).toBe(2);
    });

    it('are given again where the application closed before Redis acknowledged', async () => {
      const transport = transportOf('users-again', false);
      const options = { acknowledge: true, patterns: ['users'] };
      const first = await start(transport, options);
      redis.freeze();
      await lastValueFrom(clientOf(transportOf('users-again', true)).emit('users', event(1)));
      await waitUntil(() => first.events.status().waiting === 1, { what: 'the event to wait' });
      await sleep(1_500);
      first.app.get(SlowToEnd).ms = 1_000;
      await first.app.close();
      // it did not come again and again meanwhile, to whom closes
      expect(first.events.status().received).toBe(1);
      redis.thaw();
      const second = await start(transport, options);
      await waitUntil(() => second.events.status().applied === 1, { what: 'the event again' });
    });
  },
);
