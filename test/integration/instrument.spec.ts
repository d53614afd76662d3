import 'reflect-metadata';
import { afterEach, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable, Module, Scope } from '@nestjs/common';
import { ContextIdFactory, NestFactory } from '@nestjs/core';
import { Cacheable, CacheConfig, CacheEvict, InjectCache, RedisCache, RedisCacheModule } from '../../lib/index.js';

/** As tracers do it: every instance of the container in a Proxy whose methods run inside a span of their own. */
function traced(calls: string[]): (instance: unknown) => unknown {
  const proxies = new WeakMap<object, object>();
  return (instance) => {
    if (typeof instance !== 'object' || instance === null) return instance;
    const proxy =
      proxies.get(instance) ??
      new Proxy(instance, {
        get(target, name, receiver) {
          const member: unknown = Reflect.get(target, name, receiver);
          if (typeof member !== 'function' || name === 'constructor') return member;
          return function (this: unknown, ...args: unknown[]): unknown {
            calls.push(`${target.constructor.name}.${String(name)}`);
            return Reflect.apply(member, this === proxy ? target : this, args);
          };
        },
      });
    proxies.set(instance, proxy);
    return proxy;
  };
}

@Injectable()
@CacheConfig({ region: 'profile' })
class Users {
  loads = 0;
  readonly #secret = 'kept';

  constructor(@InjectCache() readonly cache: RedisCache) {}

  @Cacheable({ key: (id: number) => id })
  async findOne(id: number) {
    return { id, load: ++this.loads, secret: this.#secret };
  }

  @CacheEvict({ key: (id: number) => id, strict: true })
  async remove(id: number) {
    void id;
  }
}

@Injectable({ scope: Scope.REQUEST })
class Requests {
  static loads = 0;

  @Cacheable({ region: 'requests', key: (id: number) => id })
  async findOne(id: number) {
    return { id, load: ++Requests.loads };
  }
}

class Made {
  loads = 0;

  @Cacheable({ region: 'made', key: (id: number) => id })
  async findOne(id: number) {
    return { id, load: ++this.loads };
  }
}

@Module({
  imports: [RedisCacheModule.forRoot({ service: 'user' })],
  providers: [Users, Requests, { provide: Made, useFactory: () => new Made() }],
})
class AppModule {}

let app: INestApplicationContext;
afterEach(() => app.close());

it('caches and evicts where Nest puts every instance into a Proxy (instrument)', async () => {
  const calls: string[] = [];
  app = await NestFactory.createApplicationContext(AppModule, {
    logger: false,
    instrument: { instanceDecorator: traced(calls) },
  });
  const users = app.get(Users);
  expect([await users.findOne(1), await users.findOne(1)]).toEqual([
    { id: 1, load: 1, secret: 'kept' },
    { id: 1, load: 1, secret: 'kept' },
  ]);
  await users.remove(1);
  expect((await users.findOne(1)).load).toBe(2);
  expect(calls).toContain('Users.findOne');

  expect(await users.cache.region('by-hand').getOrLoad(1, async () => 'loaded')).toBe('loaded');
  expect(users.cache.status().regions['profile']).toMatchObject({ loads: 2, evictions: 1 });

  const made = app.get(Made);
  expect([(await made.findOne(1)).load, (await made.findOne(1)).load]).toEqual([1, 1]);

  for (const contextId of [ContextIdFactory.create(), ContextIdFactory.create()])
    expect((await (await app.resolve(Requests, contextId)).findOne(1)).load).toBe(1);
});
