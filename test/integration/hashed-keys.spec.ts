import 'reflect-metadata';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param, Post, UseInterceptors } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Cacheable, cached, CacheConfig, CacheEvict, CachePut, RedisCache, RedisCacheModule } from '../../lib/index.js';
import { HttpCache, RedisCacheInterceptor } from '../../lib/http/index.js';
import { type HttpApp, startHttpApp } from '../support/http-app.js';
import { waitUntil } from '../support/servers/processes.js';
import { type RedisServer, startRedis } from '../support/servers/redis.js';

const SECRET = 's3cret.t0ken';

@Injectable()
@CacheConfig({ region: 'logins' })
class Logins {
  loads = 0;

  @Cacheable({ key: (token: string) => token, tags: ['logins'] })
  async find(token: string) {
    return { load: ++this.loads, length: token.length };
  }

  @Cacheable()
  async byDefaultKey(query: { token: string }) {
    return query.token.length;
  }

  @CachePut({ key: (token: string) => token, tags: ['logins'] })
  async renew(token: string) {
    return { load: 0, length: token.length };
  }

  @CacheEvict({ key: (token: string) => token, tags: ['other'] })
  async forget(token: string) {
    return token.length;
  }

  @CacheEvict({ keys: (token: string) => [token, `${token}2`], strict: true })
  async forgetStrictly(token: string) {
    return token.length;
  }
}

@Controller('reset')
@UseInterceptors(RedisCacheInterceptor)
class Resets {
  loads = 0;

  @Get(':token')
  @HttpCache({ region: 'resets', ttl: '1m' })
  page(@Param('token') token: string) {
    return { load: ++this.loads, length: token.length };
  }

  @Post(':token')
  use() {
    return { isUsed: true };
  }
}

let server: RedisServer;
let admin: Redis;
let monitor: Redis;
const sent: string[] = [];
let http: HttpApp;

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
  monitor = await admin.monitor();
  monitor.on('monitor', (_time: string, args: string[]) => sent.push(args.map(String).join(' ')));
  http = await startHttpApp('express', {
    imports: [
      RedisCacheModule.forRoot({
        service: 'user',
        redis: { url: server.url },
        regions: { logins: { keys: 'hashed' }, resets: { keys: 'hashed' } },
      }),
    ],
    controllers: [Resets],
    providers: [Logins],
  });
});
afterAll(async () => {
  await http?.close();
  monitor?.disconnect();
  admin?.disconnect();
  await server?.remove();
});

it("keeps identifiers of regions with keys: 'hashed' out of all that Redis is told and keeps", async () => {
  const [logins, cache] = [http.app.get(Logins), http.app.get(RedisCache)];
  const hits = async (load: number) => {
    for (let call = 0; call < 2; call++) expect((await logins.find(SECRET)).load).toBe(load);
  };
  await hits(1);
  await logins.byDefaultKey({ token: SECRET });
  await logins.forget(SECRET);
  await hits(2);
  await logins.forgetStrictly(SECRET);
  await hits(3);
  await logins.renew(SECRET);
  await hits(0);
  await cached(Logins, 'find', cache).evict(SECRET);
  const region = cache.region<{ load: number; length: number }>('logins');
  await region.write(SECRET, async () => ({ load: 9, length: 0 }));
  await hits(9);
  await region.evict(SECRET, { version: 2 });

  // pages, and the tag of their path, by which a write to it ends them
  const page = async () => JSON.parse((await http.get(`/reset/${SECRET}`)).body) as object;
  expect([await page(), await page()]).toEqual(Array(2).fill({ load: 1, length: SECRET.length }));
  await http.send('POST', `/reset/${SECRET}`);
  expect(await page()).toMatchObject({ load: 2 });

  await admin.echo('the end');
  await waitUntil(() => sent.some((command) => command.includes('the end')), { what: 'the monitor' });
  expect(sent.length).toBeGreaterThan(20);
  expect(sent.filter((command) => command.includes(SECRET))).toEqual([]);
  // values are what the application put into them, and these hold none
  const dumped = await Promise.all((await admin.keys('*')).map(async (key) => [key, await admin.dumpBuffer(key)]));
  expect(dumped.length).toBeGreaterThan(1);
  expect(dumped.filter((parts) => parts.some((part) => String(part).includes(SECRET)))).toEqual([]);
  expect(http.lines.filter((line) => line.includes(SECRET))).toEqual([]);
});
