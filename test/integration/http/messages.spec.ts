import { AsyncLocalStorage } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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
import {
  concat,
  defer,
  firstValueFrom,
  from,
  lastValueFrom,
  type Observable,
  of,
  range,
  Subject,
  take,
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { Cacheable, RedisCacheModule } from '../../../lib/index.js';
import { HttpCache, HttpCacheEvict, RedisCacheInterceptor } from '../../../lib/http/index.js';
import { CacheTesting, RedisCacheTestingModule } from '../../../lib/testing/index.js';

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

async function until(condition: () => boolean): Promise<void> {
  for (let n = 0; n < 1_000 && !condition(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

/** Of the process's flags, since jest runs without it. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

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

describe('a handler that sends several values', () => {
  @Controller()
  class Feed {
    @MessagePattern('feed') @HttpCache({ ttl: '1m' }) feed(_data: object) {}
  }

  let clock: CacheTesting['clock'];

  /** Answers messages with what the source sends. */
  async function started(region: object = {}) {
    @Module({
      imports: [
        RedisCacheModule.forRoot({ service: 'test', jitter: 0, regions: { rpc: region } }),
        RedisCacheTestingModule.forApplication(),
      ],
      controllers: [Feed],
    })
    class FeedModule {}
    const app = await NestFactory.create(FeedModule, { logger: false });
    await app.init();
    closing.push(() => app.close());
    clock = app.get(CacheTesting).clock;
    const interceptor = await app.get(ModuleRef).create(RedisCacheInterceptor);
    return async (source: Observable<unknown>): Promise<Observable<unknown>> => {
      const context = new ExecutionContextHost([{}, {}], Feed, Feed.prototype.feed);
      context.setType('rpc');
      return interceptor.intercept(context, { handle: () => defer(() => (runs++, source)) });
    };
  }

  it('hands on each as it comes, keeps none of them, and ends with its client', async () => {
    const ask = await started();
    const source = new Subject<object>();
    const got: number[] = [];
    const client = (await ask(source)).subscribe((value) => void got.push((value as { n: number }).n));
    await until(() => source.observed);
    const sent: WeakRef<object>[] = [];
    const send = (n: number) => {
      const value = { n };
      sent.push(new WeakRef(value));
      source.next(value);
    };
    for (let n = 0; n < 100; n++) send(n);
    expect(got).toEqual(Array.from({ length: 100 }, (_, n) => n));
    // the last one may still lie on the stack
    await until(() => (collectGarbage(), sent.slice(0, -1).every((ref) => ref.deref() === undefined)));
    client.unsubscribe();
    expect(source.observed).toBe(false);
    expect(runs).toBe(1);
  });

  it('ends an endless one that sends without a pause, with its client', async () => {
    const ask = await started();
    expect(await lastValueFrom((await ask(range(0, Infinity))).pipe(take(1_000)))).toBe(999);
  });

  it('gives its error after the values before it', async () => {
    const ask = await started();
    const reply = await ask(
      concat(
        of(1),
        throwError(() => new Error('broken')),
      ),
    );
    const got: unknown[] = [];
    await expect(lastValueFrom(reply.pipe(tap((value) => void got.push(value))))).rejects.toThrow('broken');
    expect(got).toEqual([1]);
  });

  it('runs for each client that waits for it, and for none that has gone', async () => {
    const ask = await started();
    const source = new Subject<number>();
    const [first, gone, last] = await Promise.all([ask(source), ask(source), ask(source)]);
    const all = [first, last].map((reply) => firstValueFrom(reply.pipe(toArray())));
    const client = gone.subscribe();
    await until(() => source.observed);
    client.unsubscribe();
    for (const n of [1, 2]) source.next(n);
    await until(() => runs === 2);
    source.next(3);
    source.complete();
    expect(await Promise.all(all)).toEqual([[1, 2, 3], [3]]);
    expect(runs).toBe(2);
  });

  it('runs in the asynchronous context of its message, whoever subscribes', async () => {
    const ask = await started();
    const tenant = new AsyncLocalStorage<string>();
    const reply = await tenant.run('a', () => ask(defer(() => of(tenant.getStore(), 'more'))));
    expect(await lastValueFrom(reply.pipe(toArray()))).toEqual(['a', 'more']);
  });

  it.each([
    ['while its client waits', false],
    ['when its client has gone', true],
  ])('is left after timeout.hard, where one value came and nothing more, %s', async (_when, isGone) => {
    const ask = await started({ timeout: { hard: 200 } });
    const source = new Subject<number>();
    let thrown: unknown;
    const client = (await ask(source)).subscribe({ error: (error: unknown) => void (thrown = error) });
    await until(() => source.observed);
    source.next(1);
    if (isGone) client.unsubscribe();
    await clock.advance('1s');
    await until(() => !source.observed);
    if (!isGone) expect(thrown).toMatchObject({ code: 'RC_LOAD_TIMEOUT' });
  });

  it('is left where it comes behind a stale reply', async () => {
    const ask = await started({ staleWhileRevalidate: '1m' });
    expect(await lastValueFrom(await ask(of('old')))).toBe('old');
    await clock.advance('61s');
    const source = new Subject<string>();
    const got: unknown[] = [];
    (await ask(source)).subscribe((value) => void got.push(value));
    await until(() => source.observed && got.length === 1);
    for (const value of ['new', 'newer']) source.next(value);
    expect({ isObserved: source.observed, got }).toEqual({ isObserved: false, got: ['old'] });
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
