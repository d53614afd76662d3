import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  Controller,
  Get,
  type INestApplication,
  type INestMicroservice,
  Module,
  UseInterceptors,
} from '@nestjs/common';
import { ModuleRef, NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { CqrsModule, type IQueryHandler, QueryBus, QueryHandler } from '@nestjs/cqrs';
import { ClientProxyFactory, EventPattern, MessagePattern, type TcpOptions, Transport } from '@nestjs/microservices';
import { firstValueFrom, from, lastValueFrom, of, toArray } from 'rxjs';
import { Cacheable, RedisCacheModule } from '../../../lib/index.js';
import { HttpCache, HttpCacheEvict, RedisCacheInterceptor } from '../../../lib/http/index.js';

let runs = 0;
beforeEach(() => void (runs = 0));

@Controller()
@UseInterceptors(RedisCacheInterceptor)
class Sums {
  @MessagePattern({ cmd: 'sum' }) @HttpCache({ ttl: '1m' }) async sum(numbers: number[]) {
    return { sum: numbers.reduce((a, b) => a + b, 0), run: ++runs };
  }
  @MessagePattern('keyed')
  @HttpCache({ ttl: '1m', tags: ['all'], key: (context) => context.switchToRpc().getData<{ id: number }>().id })
  keyed({ id }: { id: number }) {
    return { id, run: ++runs };
  }
  @MessagePattern('nothing') @HttpCache({ ttl: '1m' }) nothing() {
    runs += 1;
    return null;
  }
  @MessagePattern('many') @HttpCache({ ttl: '1m' }) many() {
    runs += 1;
    return from([1, 2, 3]);
  }
  @MessagePattern('one') @HttpCache({ ttl: '1m' }) one() {
    runs += 1;
    return of('one');
  }
  @MessagePattern('fails') @HttpCache({ ttl: '1m' }) fails() {
    runs += 1;
    throw new Error('no');
  }
  @MessagePattern('write') @HttpCacheEvict({ tags: ['all'] }) write() {
    return 'written';
  }
  @Get('http') @HttpCache({ ttl: '1m' }) http() {
    return { run: ++runs };
  }
}

@Module({ imports: [RedisCacheModule.forRoot({ service: 'test', jitter: 0 })], controllers: [Sums] })
class AppModule {}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A microservice by TCP, alone or beside HTTP, and its client. */
async function start(kind: 'pure' | 'hybrid') {
  const options: TcpOptions = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } };
  let app: INestApplication | INestMicroservice;
  let port: number;
  const portOf = (server: unknown) => (server as { server: { address(): { port: number } } }).server.address().port;
  if (kind === 'pure') {
    app = await NestFactory.createMicroservice(AppModule, { ...options, logger: false });
    await app.listen();
    port = portOf((app as unknown as { serverInstance: unknown }).serverInstance);
  } else {
    app = await NestFactory.create<INestApplication>(AppModule, { logger: false });
    const service = app.connectMicroservice<TcpOptions>(options);
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    port = portOf((service as unknown as { serverInstance: unknown }).serverInstance);
  }
  closing.push(() => app.close());
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  closing.push(async () => client.close());
  return {
    app,
    ask: (pattern: unknown, data: unknown = {}) =>
      lastValueFrom(client.send(pattern, data), { defaultValue: undefined }),
    client,
  };
}

describe.each(['pure', 'hybrid'] as const)('in a %s microservice', (kind) => {
  it('answers the same message from the cache, whatever the order of its properties', async () => {
    const { ask } = await start(kind);
    for (let n = 0; n < 2; n++) expect(await ask({ cmd: 'sum' }, [1, 2])).toEqual({ sum: 3, run: 1 });
    expect(await ask({ cmd: 'sum' }, [2, 1])).toEqual({ sum: 3, run: 2 });
    expect(await ask({ cmd: 'sum' }, [1, 2])).toEqual({ sum: 3, run: 1 });
  });

  it('takes a key function, and ends entries by tags', async () => {
    const { ask } = await start(kind);
    await ask('keyed', { id: 1, trace: 'a' });
    expect(await ask('keyed', { id: 1, trace: 'b' })).toEqual({ id: 1, run: 1 });
    expect(await ask('write')).toBe('written');
    expect(await ask('keyed', { id: 1 })).toEqual({ id: 1, run: 2 });
  });

  it('keeps null, and an Observable of one value; hands several on', async () => {
    const { ask, client } = await start(kind);
    for (let n = 0; n < 2; n++) expect(await ask('nothing')).toBeNull();
    for (let n = 0; n < 2; n++) expect(await ask('one')).toBe('one');
    expect(runs).toBe(2);
    for (let n = 0; n < 2; n++)
      expect(await firstValueFrom(client.send('many', {}).pipe(toArray()))).toEqual([1, 2, 3]);
    expect(runs).toBe(4);
    for (let n = 0; n < 2; n++) await expect(ask('fails')).rejects.toBeDefined();
    expect(runs).toBe(6);
  });

  it('runs the handler once for 20 messages at once', async () => {
    const { ask } = await start(kind);
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask({ cmd: 'sum' }, [4])));
    expect(replies).toEqual(Array.from({ length: 20 }, () => ({ sum: 4, run: 1 })));
  });
});

it('answers requests of a hybrid application as well', async () => {
  const { app } = await start('hybrid');
  const url = await (app as INestApplication).getUrl();
  await fetch(`${url}/http`);
  expect((await fetch(`${url}/http`)).headers.get('cache-status')).toMatch(/hit/);
});

it('refuses a handler of events at boot', async () => {
  @Controller()
  @UseInterceptors(RedisCacheInterceptor)
  class Events {
    @EventPattern('happened') @HttpCache({ ttl: '1m' }) happened(_event: unknown) {}
  }
  @Module({ imports: [RedisCacheModule.forRoot({ service: 'test' })], controllers: [Events] })
  class EventsModule {}
  const app = await NestFactory.create(EventsModule, { logger: false, abortOnError: false });
  await expect(app.init()).rejects.toThrow(/@HttpCache cannot be used on Events.happened: it handles events/);
  await app.close();
});

it('leaves resolvers and gateways alone, with one warning for each kind', async () => {
  const lines: string[] = [];
  const logger = { log() {}, error() {}, warn: (message: string) => void lines.push(message) };
  const app = await NestFactory.create(AppModule, { logger });
  await app.init();
  closing.push(() => app.close());
  const interceptor = await app.get(ModuleRef).create(RedisCacheInterceptor);
  for (const type of ['graphql', 'graphql', 'ws']) {
    const context = new ExecutionContextHost([{}], Sums, Sums.prototype.sum);
    context.setType(type);
    const next: CallHandler = { handle: () => of('resolved') };
    expect(await lastValueFrom(await interceptor.intercept(context, next))).toBe('resolved');
  }
  expect(lines.filter((line) => line.includes('@HttpCache does nothing'))).toEqual([
    expect.stringContaining('"graphql"'),
    expect.stringContaining('"ws"'),
  ]);
});

it.each<[string, object]>([
  ['gRPC metadata', { getMap: () => ({ authorization: 'x' }) }],
  ["NATS' headers", { getHeaders: () => new Map([['Authorization', 'x']]) }],
  ["Kafka's headers", { getMessage: () => ({ headers: { cookie: 'x' } }) }],
  ["RabbitMQ's headers", { getMessage: () => ({ properties: { headers: { authorization: 'x' } } }) }],
])('lets a message with a login in %s pass, and caches one without', async (_, login) => {
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.init();
  closing.push(() => app.close());
  const interceptor = await app.get(ModuleRef).create(RedisCacheInterceptor);
  const ask = async (message: object) => {
    const context = new ExecutionContextHost([[1, 2], message], Sums, Sums.prototype.sum);
    context.setType('rpc');
    const next: CallHandler = { handle: () => of(++runs) };
    return lastValueFrom(await interceptor.intercept(context, next));
  };
  expect([await ask(login), await ask(login), await ask({}), await ask({})]).toEqual([1, 2, 3, 3]);
});

it('caches query handlers of @nestjs/cqrs by @Cacheable', async () => {
  class FindUser {
    constructor(readonly id: number) {}
  }
  @QueryHandler(FindUser)
  class FindUserHandler implements IQueryHandler<FindUser> {
    @Cacheable<FindUserHandler['execute']>({ key: ({ id }) => id, ttl: '1m' })
    async execute({ id }: FindUser): Promise<{ id: number; run: number }> {
      return { id, run: ++runs };
    }
  }
  @Module({
    imports: [CqrsModule.forRoot(), RedisCacheModule.forRoot({ service: 'test' })],
    providers: [FindUserHandler],
  })
  class QueryModule {}
  const app = await NestFactory.create(QueryModule, { logger: false });
  await app.init();
  closing.push(() => app.close());
  const queries = app.get(QueryBus);
  for (let n = 0; n < 2; n++) expect(await queries.execute(new FindUser(1))).toEqual({ id: 1, run: 1 });
  expect(await queries.execute(new FindUser(2))).toEqual({ id: 2, run: 2 });
});
