import 'reflect-metadata';
import { afterEach, beforeAll, afterAll, expect, it } from '@jest/globals';
import { type DynamicModule, Inject, Injectable, Module, type Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, InvalidateOn, RedisCacheModule } from '../../lib/index.js';
import { CacheOutboxTransport, RedisCacheEvents, RedisCacheEventsModule } from '../../lib/invalidation/index.js';
import { waitUntil } from '../support/servers/processes.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';

/**
 * What `@nestjs/outbox` 0.1.3 declares, in its own words as types; the package itself is on no registry that the tests
 * reach.
 */
interface OutboxMessage<P = unknown> {
  readonly id: string;
  readonly topic: string;
  readonly payload: P;
  readonly headers: Record<string, string>;
  readonly key: string | null;
  readonly createdAt: number;
  readonly availableAt: number;
  readonly attempts: number;
  readonly lastError: string | null;
}
abstract class OutboxTransport {
  abstract publish(message: OutboxMessage, options: { signal: AbortSignal }): void | Promise<void>;
}

/** As its relay: a publish gets some time, then its signal aborts, and the attempt has failed. */
@Injectable()
class Outbox {
  constructor(@Inject('TRANSPORT') private readonly transport: OutboxTransport) {}

  async attempt(message: Partial<OutboxMessage>, timeoutMs = 5_000): Promise<void> {
    const whole = { id: '1', topic: 'users', payload: {}, headers: {}, key: null, createdAt: Date.now() };
    const signal = AbortSignal.timeout(timeoutMs);
    const rest = { availableAt: 0, attempts: 0, lastError: null };
    await this.transport.publish({ ...whole, ...rest, ...message }, { signal });
  }
}

/** Makes the transport inside of a module of its own, which does not import the events module. */
class OutboxModule {
  static forRoot({ transports }: { transports: Record<string, Type<OutboxTransport>> }): DynamicModule {
    const providers = [{ provide: 'TRANSPORT', useClass: transports['cache']! }, Outbox];
    return { module: OutboxModule, providers, exports: [Outbox] };
  }
}

@Injectable()
class Users {
  loads = 0;

  @InvalidateOn('UserUpdated', (event: { userId: number }) => ({ key: event.userId }))
  @Cacheable({ region: 'profile', key: (id: number) => id })
  async find(id: number) {
    return { id, load: ++this.loads };
  }
}

let redis: RedisServer;
const open: TestingModule[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((module) => module.close()));
});
afterAll(async () => {
  await redis?.remove();
});

let services = 0;

async function boot() {
  const letters: string[] = [];
  @Module({
    imports: [
      RedisCacheModule.forRoot({ service: `users${++services}`, redis: { url: redis.url } }),
      RedisCacheEventsModule.forRootAsync({
        useFactory: () => ({ deadLetters: ({ place, error }) => void letters.push(`${error.code}: ${place}`) }),
      }),
      OutboxModule.forRoot({ transports: { cache: CacheOutboxTransport } }),
    ],
    providers: [Users],
  })
  class AppModule {}
  const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
  module.useLogger(false);
  await module.init();
  open.push(module);
  const [users, outbox, events] = [module.get(Users), module.get(Outbox), module.get(RedisCacheEvents)];
  return { users, outbox, events, letters };
}

it('evicts by a message of the outbox, and has published it when that was acknowledged', async () => {
  const { users, outbox, events } = await boot();
  expect(await users.find(1)).toEqual({ id: 1, load: 1 });
  await outbox.attempt({ payload: { type: 'UserUpdated', userId: 1 } });
  expect(await users.find(1)).toEqual({ id: 1, load: 2 });
  expect(events.status()).toMatchObject({ received: 1, applied: 1, delay: { lastMs: expect.any(Number) } });
});

it.each<[string, Partial<OutboxMessage>]>([
  ['the topic', { topic: 'UserUpdated', payload: { userId: 1 } }],
  ['a header', { headers: { type: 'UserUpdated' }, payload: { userId: 1 } }],
])('takes the type of the event from %s as well', async (_, message) => {
  const { users, outbox } = await boot();
  await users.find(1);
  await outbox.attempt(message);
  expect(await users.find(1)).toEqual({ id: 1, load: 2 });
});

it('makes a dead letter of what cannot be mapped, and is done with it: trying again would not help', async () => {
  const { outbox, letters } = await boot();
  await outbox.attempt({ id: 'bad', payload: { type: 'UserUpdated' } });
  expect(letters).toEqual(['RC_INVALID_KEY: message bad of the outbox, topic "users"']);
});

it('fails the attempt while Redis is away, so that the outbox sends it again, and that one succeeds', async () => {
  const { users, outbox, events } = await boot();
  await users.find(1);
  redis.freeze();
  const message = { payload: { type: 'UserUpdated', userId: 1 } };
  await expect(outbox.attempt(message, 500)).rejects.toThrow(/abort|timeout/i);
  redis.thaw();
  await outbox.attempt(message, 20_000);
  await waitUntil(() => events.status().waiting === 0);
  expect((await users.find(1)).load).toBeGreaterThan(1);
});
