import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  All,
  Controller,
  ForbiddenException,
  Get,
  Header,
  HttpCode,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Put,
  Query,
  Redirect,
  Render,
  Req,
  Res,
  Sse,
  StreamableFile,
  UseInterceptors,
} from '@nestjs/common';
import { EMPTY, from, of } from 'rxjs';
import { CacheError, CacheEvict, RedisCache } from '../../../lib/index.js';
import { HttpCache, HttpCacheEvict, type HttpCacheOptions, RedisCacheInterceptor } from '../../../lib/http/index.js';
import { CacheTesting, RedisCacheTestingModule } from '../../../lib/testing/index.js';
import { cachedApps, type CachedAppOptions, fateOf, type ResponseLike } from '../../support/cached-app.js';
import { ADAPTERS, type AdapterName, type HttpApp } from '../../support/http-app.js';

const start = cachedApps();
let runs = 0;
beforeEach(() => void (runs = 0));

/** One route, `/one`. */
function routeOf(options: HttpCacheOptions, handler: (response: ResponseLike, request: Known) => unknown) {
  @Controller()
  @UseInterceptors(RedisCacheInterceptor)
  class One {
    @Get('one') @HttpCache(options) find(@Res({ passthrough: true }) response: ResponseLike, @Req() request: Known) {
      runs += 1;
      return handler(response, request);
    }
  }
  return One;
}

interface Known {
  headers: Record<string, string | undefined>;
}

interface FastifyLike {
  addHook(name: 'preSerialization', hook: () => Promise<unknown>): void;
}

/** With time in the hands of the test. */
async function startTimed(
  adapter: AdapterName,
  controllers: Parameters<typeof start>[1],
  options: CachedAppOptions = {},
) {
  const imports = [RedisCacheTestingModule.forApplication()];
  const app = await start(adapter, controllers, { ...options, imports });
  return { app, clock: app.app.get(CacheTesting).clock };
}

function fails(): never {
  throw new TypeError('x');
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 200 && !(await condition()); n++) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function twice(app: HttpApp, path = '/one', headers?: Record<string, string>) {
  return [await app.get(path, headers), await app.get(path, headers)] as const;
}

describe.each(ADAPTERS)('on %s', (adapter) => {
  describe('freshness', () => {
    it('counts age and what is left by the clock of the store', async () => {
      const { app, clock } = await startTimed(adapter, [routeOf({ ttl: '1m', clientTtl: '10s' }, () => ({}))]);
      expect((await app.get('/one')).headers).toMatchObject({ 'cache-control': 'private, max-age=10' });
      await clock.advance('20s');
      const { headers } = await app.get('/one');
      expect(headers).toMatchObject({
        age: '20',
        'cache-control': 'private, max-age=30',
        'cache-status': expect.stringMatching(/^RedisCache; hit; ttl=(39|40)$/),
      });
      await clock.advance('41s');
      expect(fateOf(await app.get('/one'))).toBe('fwd=uri-miss');
    });

    it('tells proxies of a public response more', async () => {
      const app = await start(adapter, [routeOf({ ttl: '1m', scope: 'public', sharedTtl: '20s' }, () => ({}))]);
      expect((await app.get('/one')).headers['cache-control']).toBe('public, max-age=0, s-maxage=20');
    });

    it('keeps what the handler says itself', async () => {
      const route = routeOf({ ttl: '1m', scope: 'public' }, (response) => {
        response.header('Cache-Control', 'max-age=7');
        response.header('ETag', '"mine"');
        return {};
      });
      const app = await start(adapter, [route]);
      for (const { headers } of await twice(app))
        expect(headers).toMatchObject({ 'cache-control': 'max-age=7', etag: '"mine"' });
      expect((await app.get('/one', { 'if-none-match': 'W/"mine"' })).status).toBe(304);
    });

    it('serves a stale response while the very request that found it reloads', async () => {
      const asked: unknown[] = [];
      @Controller()
      @UseInterceptors(RedisCacheInterceptor)
      class One {
        @Get('one')
        @HttpCode(203)
        @HttpCache({ ttl: '1m', staleWhileRevalidate: '1m', scope: 'public' })
        find(@Req() { headers }: Known) {
          asked.push(headers['x-who']);
          return { run: ++runs };
        }
      }
      const { app, clock } = await startTimed(adapter, [One]);
      await app.get('/one', { 'x-who': 'ann' });
      await clock.advance('70s');
      const stale = await app.get('/one', { 'x-who': 'bob' });
      expect(stale).toMatchObject({ status: 203, body: '{"run":1}' });
      expect(stale.headers['cache-status']).toMatch(/^RedisCache; hit; ttl=-1[01]; detail=stale$/);
      await until(async () => runs === 2 && fateOf(await app.get('/one', { 'x-who': 'eve' })) === 'hit');
      expect(await app.get('/one', { 'x-who': 'eve' })).toMatchObject({ body: '{"run":2}' });
      expect(asked).toEqual(['ann', 'bob']);
    });

    it('runs no handler behind an answer but by its own staleWhileRevalidate, whatever the cache does elsewhere', async () => {
      let runs = 0;
      let wait = () => Promise.resolve();
      const route = routeOf({ ttl: '2s' }, async () => {
        await wait();
        return { runs: ++runs };
      });
      // by what its load took, nearly every hit near the end would refresh the entry
      const { app, clock } = await startTimed(adapter, [route], { cache: { earlyRefresh: 10, l1: false } });
      wait = () => clock.advance('300ms');
      await app.get('/one');
      await clock.advance('1500ms');
      for (let n = 0; n < 30; n++) {
        const { headers, body } = await app.get('/one');
        expect(headers['content-type']).toBe('application/json; charset=utf-8');
        expect(body).toBe('{"runs":1}');
      }
      expect(runs).toBe(1);
    });

    it('serves a stale response where the handler fails, and not where it refuses', async () => {
      let error: Error | null = null;
      const route = routeOf({ ttl: '1m', staleIfError: '1h' }, () => {
        if (error) throw error;
        return { fine: true };
      });
      const { app, clock } = await startTimed(adapter, [route]);
      await app.get('/one');
      await clock.advance('2m');
      error = new Error('database');
      const stale = await app.get('/one');
      expect(stale).toMatchObject({ status: 200, body: '{"fine":true}' });
      expect(stale.headers['cache-status']).toMatch(/^RedisCache; fwd=stale; ttl=-60; detail=stale-if-error$/);
      error = new NotFoundException();
      expect(await app.get('/one')).toMatchObject({ status: 200, body: '{"fine":true}' });
      // the handler is spared for a second after it failed
      await clock.advance('1s');
      expect((await app.get('/one')).status).toBe(404);
      await clock.advance('2h');
      error = new Error('database');
      expect((await app.get('/one')).status).toBe(500);
    });
  });

  it('makes up for a failure by the stale response that is for the request, and by no other', async () => {
    let error: Error | null = null;
    const route = routeOf({ ttl: '1m', staleIfError: '1h', honorClientNoCache: true }, (response, { headers }) => {
      response.header('Vary', 'X-Tenant');
      if (error) throw error;
      return { of: headers['x-tenant'] };
    });
    const { app, clock } = await startTimed(adapter, [route]);
    const get = (tenant: string, headers = {}) => app.get('/one', { 'x-tenant': tenant, ...headers });
    for (const tenant of ['one', 'two']) expect((await get(tenant)).status).toBe(200);
    error = new Error('database');
    // fresh for one and for two
    expect((await get('three', { 'cache-control': 'no-cache' })).status).toBe(500);
    await clock.advance('2m');
    for (const tenant of ['three', 'one', 'two', 'three', 'two']) {
      const before = runs;
      const { status, body, headers } = await get(tenant);
      // once, and not again for the response that varies
      expect({ tenant, runs: runs - before }).toEqual({ tenant, runs: 1 });
      if (tenant === 'three') expect(status).toBe(500);
      else {
        expect({ status, body }).toEqual({ status: 200, body: `{"of":"${tenant}"}` });
        expect(Number(headers['age'])).toBeGreaterThanOrEqual(120);
      }
      // the handler is spared for a second after it failed
      await clock.advance('2s');
    }
  });

  it('answers from the cache alone with nothing that varies with other requests', async () => {
    const route = routeOf({ ttl: '1m' }, (response, { headers }) => {
      response.header('Vary', 'X-Tenant');
      return { of: headers['x-tenant'] };
    });
    const app = await start(adapter, [route]);
    await app.get('/one', { 'x-tenant': 'one' });
    const asked = { 'cache-control': 'only-if-cached' };
    expect((await app.get('/one', { 'x-tenant': 'one', ...asked })).status).toBe(200);
    expect((await app.get('/one', { 'x-tenant': 'two', ...asked })).status).toBe(504);
  });

  it('answers no request by the response of another that varies by more fields than the first', async () => {
    const route = routeOf({ ttl: '1m' }, (response, { headers }) => {
      response.header('Vary', headers['x-tenant'] === 'two' ? 'X-Tenant, X-Role' : 'X-Tenant');
      return { of: headers['x-tenant'], role: headers['x-role'] };
    });
    const app = await start(adapter, [route]);
    await app.get('/one', { 'x-tenant': 'one', 'x-role': 'a' });
    for (const role of ['a', 'b', 'a', 'b']) {
      const { body } = await app.get('/one', { 'x-tenant': 'two', 'x-role': role });
      expect(body).toBe(`{"of":"two","role":"${role}"}`);
    }
  });

  describe('a handler that makes nothing, where what varies by more fields is there', () => {
    const AS = (tenant: string, role: string) => ({ 'x-tenant': tenant, 'x-role': role });
    let make: (headers: Known['headers']) => unknown;

    /** The response of the key is past its ttl, and of tenant one; that of tenant two is fresh, and alice's. */
    async function aRoute(options: CachedAppOptions = {}) {
      const route = routeOf({ ttl: '1m', staleIfError: '1h' }, (response, { headers }) => {
        response.header('Vary', headers['x-tenant'] === 'two' ? 'X-Tenant, X-Role' : 'X-Tenant');
        return make(headers);
      });
      const { app, clock } = await startTimed(adapter, [route], options);
      make = (headers) => ({ of: headers['x-tenant'], role: headers['x-role'] });
      await app.get('/one', AS('one', 'any'));
      await clock.advance('30s');
      expect((await app.get('/one', AS('two', 'alice'))).body).toBe('{"of":"two","role":"alice"}');
      await clock.advance('40s');
      return { app, clock };
    }

    it('is made up for by that if it is for the request, with its age; by no other', async () => {
      const { app, clock } = await aRoute();
      make = fails;
      const bob = await app.get('/one', AS('two', 'bob'));
      expect({ status: bob.status, runs }).toEqual({ status: 500, runs: 3 });
      // the handler is spared for a second after it failed
      await clock.advance('2s');
      const alice = await app.get('/one', AS('two', 'alice'));
      expect(alice).toMatchObject({ status: 200, body: '{"of":"two","role":"alice"}', headers: { age: '42' } });
      expect(runs).toBe(4);
    });

    it('is made up for by no other that takes too long to be told', async () => {
      const { app, clock } = await aRoute({ cache: { timeout: { hard: '1s' } } } as CachedAppOptions);
      make = () => new Promise(() => {});
      const asked = app.get('/one', AS('two', 'bob'));
      await until(async () => runs === 3);
      await clock.advance('1s');
      expect({ status: (await asked).status, runs }).toEqual({ status: 504, runs: 3 });
    });

    it('is not made up for by what is made for another meanwhile', async () => {
      const { app, clock } = await aRoute();
      await clock.advance('1m');
      make = fails;
      // now the handler is spared for a second at the key itself
      expect((await app.get('/one', AS('three', 'any'))).status).toBe(500);
      let tell!: (value: unknown) => void;
      const told = new Promise((resolve) => (tell = resolve));
      make = () => told;
      const alice = app.get('/one', AS('two', 'alice'));
      await until(async () => runs === 4);
      make = fails;
      await clock.advance('2s');
      const bob = app.get('/one', AS('two', 'bob'));
      await until(async () => runs === 5);
      for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve));
      tell({ of: 'two', role: 'alice, anew' });
      expect(await alice).toMatchObject({ status: 200, body: '{"of":"two","role":"alice, anew"}' });
      expect((await bob).status).toBe(500);
    });
  });

  describe('what a request asks for', () => {
    it('neither reads nor stores with no-store', async () => {
      const app = await start(adapter, [routeOf({ ttl: '1m' }, () => ({ runs }))]);
      const noStore = { 'cache-control': 'no-store' };
      for (const answer of await twice(app, '/one', noStore))
        expect(fateOf(answer)).toBe('fwd=request; detail=no-store');
      expect(fateOf(await app.get('/one'))).toBe('fwd=uri-miss');
      expect((await app.get('/one', noStore)).body).toBe('{"runs":4}');
    });

    it('answers 504 where only-if-cached finds nothing', async () => {
      const app = await start(adapter, [routeOf({ ttl: '1m' }, () => ({}))]);
      const only = { 'cache-control': 'only-if-cached' };
      expect((await app.get('/one', only)).status).toBe(504);
      await app.get('/one');
      expect(fateOf(await app.get('/one', only))).toBe('hit');
      expect(runs).toBe(1);
    });

    it.each(['no-cache', 'max-age=0'])('obeys %s where the route says so, and nowhere else', async (directive) => {
      const deaf = await start(adapter, [routeOf({ ttl: '1m' }, () => ({ runs }))]);
      await deaf.get('/one');
      expect(fateOf(await deaf.get('/one', { 'cache-control': directive }))).toBe('hit');
      const app = await start(adapter, [routeOf({ ttl: '1m', honorClientNoCache: true }, () => ({ runs }))]);
      await app.get('/one');
      expect((await app.get('/one', { 'cache-control': directive })).body).toBe('{"runs":3}');
      expect(await app.get('/one')).toMatchObject({ body: '{"runs":3}' });
    });

    it.each([
      { range: 'bytes=0-1' },
      { 'if-match': '"a"' },
      { 'if-unmodified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' },
    ])('hands %j to the handler', async (headers) => {
      const app = await start(adapter, [routeOf({ ttl: '1m' }, () => ({ runs }))]);
      await app.get('/one');
      expect(fateOf(await app.get('/one', headers as never))).toMatch(/^fwd=bypass; detail=(range|precondition)$/);
      expect(runs).toBe(2);
    });

    it('compares dates where there is no entity tag to compare', async () => {
      const modified = 'Thu, 01 Jan 2026 00:00:00 GMT';
      const route = routeOf({ ttl: '1m', etag: false }, (response) => {
        response.header('Last-Modified', modified);
        return {};
      });
      const app = await start(adapter, [route]);
      await app.get('/one');
      expect(await app.get('/one', { 'if-modified-since': modified })).toMatchObject({ status: 304, body: '' });
      expect((await app.get('/one', { 'if-modified-since': 'Wed, 31 Dec 2025 00:00:00 GMT' })).status).toBe(200);
      expect((await app.get('/one', { 'if-modified-since': 'yesterday' })).status).toBe(200);
      expect((await app.get('/one', { 'if-modified-since': modified, 'if-none-match': '"x"' })).status).toBe(200);
    });

    it('passes other methods of the same route', async () => {
      @Controller()
      @UseInterceptors(RedisCacheInterceptor)
      class One {
        @All('one') @HttpCache({ ttl: '1m' }) find() {
          return { run: ++runs };
        }
      }
      const app = await start(adapter, [One]);
      for (const method of ['POST', 'OPTIONS', 'GET']) await app.send(method, '/one');
      expect(fateOf(await app.get('/one'))).toBe('hit');
      expect(runs).toBe(3);
    });
  });

  describe('what is not stored', () => {
    it.each<[string, (response: ResponseLike) => unknown]>([
      [
        'status',
        (response) => {
          response.status(500);
          return {};
        },
      ],
      [
        'status',
        (response) => {
          response.status(404);
          return {};
        },
      ],
      [
        'status',
        (response) => {
          response.status(206);
          return {};
        },
      ],
      [
        'status',
        (response) => {
          response.status(302);
          return {};
        },
      ],
      [
        'set-cookie',
        (response) => {
          response.header('Set-Cookie', 'a=b');
          return {};
        },
      ],
      [
        'no-store',
        (response) => {
          response.header('Cache-Control', 'max-age=60, no-store');
          return {};
        },
      ],
      [
        'private',
        (response) => {
          response.header('Cache-Control', 'private="x", max-age=60');
          return {};
        },
      ],
      [
        'vary',
        (response) => {
          response.header('Vary', 'Accept, *');
          return {};
        },
      ],
      [
        'vary',
        (response) => {
          response.header('Vary', 'Cookie');
          return {};
        },
      ],
      [
        'content-encoding',
        (response) => {
          response.header('Content-Encoding', 'identity');
          return {};
        },
      ],
      [
        'cors',
        (response) => {
          response.header('Access-Control-Allow-Origin', 'https://a.example');
          return {};
        },
      ],
      [
        'headers',
        (response) => {
          response.header('X-Large', 'x'.repeat(20_000));
          return {};
        },
      ],
      [
        'headers',
        (response) => {
          for (let n = 0; n < 64; n++) response.header(`X-${n}`, 'x'.repeat(16_000));
          return {};
        },
      ],
      ['body', () => new StreamableFile(Buffer.from('file'))],
    ])('is a response with %s', async (why, handler) => {
      const app = await start(adapter, [routeOf({ ttl: '1m' }, handler)]);
      for (const answer of await twice(app)) expect(fateOf(answer)).toBe(`fwd=uri-miss; detail=${why}`);
      expect(runs).toBe(2);
    });

    it('is what the handler throws, or what is to be left out', async () => {
      @Controller()
      @UseInterceptors(RedisCacheInterceptor)
      class One {
        @Get('throws') @HttpCache({ ttl: '1m' }) fails() {
          runs += 1;
          throw new NotFoundException();
        }
        @Get('unless') @HttpCache({ ttl: '1m', unless: ({ isDraft }) => isDraft as boolean }) draft() {
          runs += 1;
          return { isDraft: true };
        }
        @Get('condition') @HttpCache({ ttl: '1m', condition: () => false }) never() {
          return { runs: ++runs };
        }
        @Get('fault')
        @HttpCache({
          ttl: '1m',
          tags: () => {
            throw new Error('tags');
          },
        })
        fault() {
          return { runs: ++runs };
        }
      }
      const app = await start(adapter, [One]);
      for (const { status } of await twice(app, '/throws')) expect(status).toBe(404);
      for (const { status } of await twice(app, '/unless')) expect(status).toBe(200);
      for (const answer of await twice(app, '/condition')) expect(fateOf(answer)).toBe('fwd=bypass; detail=condition');
      for (const { status } of await twice(app, '/fault')) expect(status).toBe(200);
      expect(runs).toBe(8);
    });

    it('is what something between Nest and the client changes', async () => {
      const app = await start(adapter, [routeOf({ ttl: '1m' }, () => ({ secret: 1 }))], {
        configure: (one) => {
          const hide = () => ({ hidden: true });
          if (adapter === 'fastify') {
            (one.getHttpAdapter().getInstance() as FastifyLike).addHook('preSerialization', async () => hide());
            return;
          }
          one.use((_request: unknown, response: { json(body: unknown): unknown }, next: () => void) => {
            const json = response.json.bind(response);
            response.json = () => json(hide());
            next();
          });
        },
      });
      for (const answer of await twice(app)) {
        expect([fateOf(answer), answer.body]).toEqual(['fwd=uri-miss; detail=body', '{"hidden":true}']);
      }
    });

    it('is a body over maxValueBytes', async () => {
      const app = await start(adapter, [routeOf({ ttl: '1m' }, () => 'x'.repeat(2_000))], {
        cache: { maxValueBytes: 1_000 },
      });
      for (const { headers, body } of await twice(app)) {
        expect([headers['cache-status'], body.length]).toEqual(['RedisCache; fwd=uri-miss', 2_000]);
      }
      expect(runs).toBe(2);
    });

    it('is stored with a negativeTtl: a 404 by status, and an empty body', async () => {
      const { app, clock } = await startTimed(adapter, [
        routeOf({ ttl: '1h', negativeTtl: '1m' }, (response) => void response.status(404)),
      ]);
      expect((await twice(app)).map(({ status }) => status)).toEqual([404, 404]);
      expect(runs).toBe(1);
      await clock.advance('61s');
      await app.get('/one');
      expect(runs).toBe(2);
    });
  });

  describe('a body', () => {
    class Point {
      constructor(readonly x: number) {}
      toJSON() {
        return { point: this.x };
      }
    }
    const BODIES: Record<string, () => unknown> = {
      object: () => ({ text: 'ä\u2028</script>', list: [1, null], at: new Date(0), gone: undefined }),
      array: () => [1, { a: 2 }],
      string: () => 'text ä',
      empty: () => '',
      html: () => '<p>hi</p>',
      number: () => 7,
      zero: () => 0,
      boolean: () => false,
      null: () => null,
      undefined: () => undefined,
      buffer: () => Buffer.from([0, 255, 128, 10]),
      bytes: () => new Uint8Array([0, 255, 128]),
      instance: () => new Point(3),
      one: () => of({ one: 1 }),
      several: () => from([{ n: 1 }, { n: 2 }]),
      none: () => EMPTY,
      stream: () => new StreamableFile(Buffer.from('file')),
      bigint: () => ({ n: 1n }),
    };
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class Bodies {
      @Get('plain/:kind') plain(@Param('kind') kind: string) {
        return BODIES[kind]!();
      }
      @Get('cached/:kind') @HttpCache({ ttl: '1m' }) cached(@Param('kind') kind: string) {
        return BODIES[kind]!();
      }
    }
    const NOT_CACHED = ['several', 'none', 'stream', 'bigint'];

    it.each(Object.keys(BODIES))('that is %s goes out as without the cache', async (kind) => {
      const app = await start(adapter, [Bodies]);
      const { status, body, headers } = await app.get(`/plain/${kind}`);
      for (const answer of await twice(app, `/cached/${kind}`)) {
        expect(answer).toMatchObject({ status, body });
        expect(answer.headers['content-type']).toBe(headers['content-type']);
        expect(answer.headers['content-length']).toBe(headers['content-length']);
      }
      const isCached = fateOf(await app.get(`/cached/${kind}`)) === 'hit';
      expect([kind, isCached]).toEqual([kind, !NOT_CACHED.includes(kind)]);
    });
  });

  it('keeps the responses of one URL apart by what they vary on themselves', async () => {
    const app = await start(adapter, [
      routeOf({ ttl: '1m' }, (response, { headers }) => {
        response.header('Vary', 'X-Theme');
        return { theme: headers['x-theme'] ?? null, runs };
      }),
    ]);
    for (const theme of ['dark', 'light', 'dark', 'light']) {
      expect(JSON.parse((await app.get('/one', { 'x-theme': theme })).body).theme).toBe(theme);
    }
    expect(JSON.parse((await app.get('/one')).body)).toEqual({ theme: null, runs: 3 });
    const { headers } = await app.get('/one', { 'x-theme': 'light' });
    expect(headers).toMatchObject({
      vary: expect.stringMatching(/x-theme/i),
      'cache-status': expect.stringMatching(/hit/),
    });
    expect(runs).toBe(3);
  });

  it('depends on what was put into Vary before the handler ran, except for the fields of CORS', async () => {
    const route = routeOf({ ttl: '1m', scope: 'public' }, (_response, { headers }) => ({
      language: headers['accept-language'],
      runs,
    }));
    const app = await start(adapter, [route], {
      configure: (one) => {
        one.use((_request: unknown, response: { setHeader(name: string, value: string): void }, next: () => void) => {
          response.setHeader('Vary', 'Origin, Accept-Language');
          next();
        });
      },
    });
    const ask = async (language: string, origin: string) =>
      JSON.parse((await app.get('/one', { 'accept-language': language, origin })).body) as unknown;
    expect(await ask('de', 'a')).toEqual({ language: 'de', runs: 1 });
    expect(await ask('en', 'a')).toEqual({ language: 'en', runs: 2 });
    expect(await ask('de', 'b')).toEqual({ language: 'de', runs: 1 });
    expect(await ask('en', 'b')).toEqual({ language: 'en', runs: 2 });
  });

  it('keeps Cache-Control that stands on the handler', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('one') @Header('Cache-Control', 'max-age=9') @HttpCache({ ttl: '1m' }) find() {
        return {};
      }
    }
    for (const { headers } of await twice(await start(adapter, [One])))
      expect(headers['cache-control']).toBe('max-age=9');
  });

  it('answers 503 with Retry-After where there are too many loads', async () => {
    const error = new CacheError('RC_STORE_UNAVAILABLE', 'Too many.');
    const route = routeOf({ ttl: '1m' }, () => {
      throw Object.assign(error, { statusCode: 503, retryAfterMs: 1_500 });
    });
    const { status, headers } = await (await start(adapter, [route])).get('/one');
    expect([status, headers['retry-after']]).toEqual([503, '2']);
  });

  it('gives a refusal of one user to nobody else', async () => {
    const route = routeOf({ ttl: '1m', scope: 'public' }, async (_response, { headers }) => {
      const who = headers['authorization'];
      await new Promise((resolve) => setTimeout(resolve, 300));
      if (who === 'eve') throw new ForbiddenException();
      return { fine: true };
    });
    const app = await start(adapter, [route]);
    const first = app.get('/one', { authorization: 'eve' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const second = app.get('/one', { authorization: 'ann' });
    expect([(await first).status, (await second).status]).toEqual([403, 200]);
  });

  it('knows a handler behind a function of another name', async () => {
    const Anonymous: MethodDecorator = (_target, _name, descriptor) => {
      const inner = descriptor.value as unknown as (...args: unknown[]) => unknown;
      descriptor.value = function (this: unknown, ...args: unknown[]) {
        return inner.apply(this, args);
      } as unknown as typeof descriptor.value;
    };
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('one/:id') @HttpCache({ ttl: '1m' }) @Anonymous find(
        @Param('id', ParseIntPipe) id: number,
        @Query('page') page?: string,
      ) {
        return { id, page, run: ++runs };
      }
    }
    const app = await start(adapter, [One]);
    const [, hit] = await twice(app, '/one/1?page=2');
    expect([fateOf(hit), hit.body]).toEqual(['hit', '{"id":1,"page":"2","run":1}']);
    expect((await app.get('/one/x')).status).toBe(400);
  });

  it('keeps of the header fields those of the response, and none of one request', async () => {
    const route = routeOf({ ttl: '1m', scope: 'public' }, (response) => {
      for (const name of ['X-Total', 'X-Request-Id', 'Server-Timing', 'Content-Language'])
        response.header(name, `${runs}`);
      return {};
    });
    const named = routeOf({ ttl: '1m', headers: ['X-Total'] }, (response) => {
      for (const name of ['X-Total', 'X-Other', 'Content-Language']) response.header(name, `${runs}`);
      return {};
    });
    const first = await start(adapter, [route]);
    const [, hit] = await twice(first);
    expect(hit.headers).toMatchObject({ 'x-total': '1', 'content-language': '1' });
    expect([hit.headers['x-request-id'], hit.headers['server-timing']]).toEqual([undefined, undefined]);
    runs = 0;
    const [, narrow] = await twice(await start(adapter, [named]));
    expect(narrow.headers).toMatchObject({ 'x-total': '1', 'content-language': '1' });
    expect(narrow.headers['x-other']).toBeUndefined();
  });

  it('has no entries for queries that nobody named', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('bypass') @HttpCache({ ttl: '1m' }) bypass(@Query('page') page?: string) {
        return { page };
      }
      @Get('drop') @HttpCache({ ttl: '1m', query: ['page'], unknownQuery: 'drop' }) drop() {
        return {};
      }
    }
    const app = await start(adapter, [One]);
    for (let n = 0; n < 10; n++) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => app.get(`/${i % 2 ? 'drop' : 'bypass'}?q${n}x${i}=${i}`)));
    }
    expect(app.app.get(RedisCache).status().l1!.entries).toBe(1);
  });

  it('ends entries by their tags, by @CacheEvict and by what a handler declares', async () => {
    @Controller('users')
    @UseInterceptors(RedisCacheInterceptor)
    class Users {
      @Get(':id')
      @HttpCache({ ttl: '1m', tags: ({ org }) => [`org:${org as string}`] })
      find(@Param('id') id: string) {
        return { id, org: 'a', run: ++runs };
      }
      @Post('by-service') @CacheEvict({ tags: ['org:a'] }) async byService() {}
      @Post('by-handler') @HttpCacheEvict({ tags: ['org:a'] }) byHandler() {}
      @Post('by-result') @HttpCacheEvict({ tags: ({ org }) => [`org:${org as string}`] }) byResult() {
        return { org: 'a' };
      }
      @Post('fails') @HttpCacheEvict({ tags: ['org:a'] }) fails() {
        throw new NotFoundException();
      }
      @Post('refused') @HttpCode(409) @HttpCacheEvict({ tags: ['org:a'] }) refused() {}
      @Post('elsewhere') elsewhere(@Res({ passthrough: true }) response: ResponseLike) {
        response.header('Location', '/users/1');
      }
      @Post('foreign') foreign(@Res({ passthrough: true }) response: ResponseLike) {
        response.header('Location', 'http://other.example/users/1');
      }
      @Post('self') self(@Res() response: { end?(): void; send(text: string): void }) {
        response.send('done');
      }
      @Put(':id') @HttpCacheEvict({ uri: false }) keeps() {}
    }
    const app = await start(adapter, [Users]);
    const fate = async () => fateOf(await app.get('/users/1'));
    await fate();
    for (const path of ['by-service', 'by-handler', 'by-result', 'elsewhere']) {
      expect([path, await fate()]).toEqual([path, 'hit']);
      await app.send('POST', `/users/${path}`);
      expect([path, await fate()]).toEqual([path, 'fwd=uri-miss']);
    }
    for (const path of ['fails', 'refused', 'foreign', 'self']) {
      await app.send('POST', `/users/${path}`);
      expect([path, await fate()]).toEqual([path, 'hit']);
    }
    await app.send('PUT', '/users/1');
    expect(await fate()).toBe('hit');
    await app.app.get(RedisCache).evictTags(['org:a']);
    expect(await fate()).toBe('fwd=uri-miss');
  });

  it('takes spellings of one path for one', async () => {
    @Controller('files')
    @UseInterceptors(RedisCacheInterceptor)
    class Files {
      @Get(':name') @HttpCache({ ttl: '1m' }) find(@Param('name') name: string) {
        return { name, run: ++runs };
      }
      @Put(':file') update() {}
    }
    const app = await start(adapter, [Files]);
    await app.get('/files/a~b');
    for (const path of ['/files/%61~b', '/files/a%7Eb', '/files/a%7eb']) {
      expect([path, fateOf(await app.get(path))]).toEqual([path, 'hit']);
    }
    await app.send('PUT', '/files/%61%7eb');
    expect(fateOf(await app.get('/files/a~b'))).toBe('fwd=uri-miss');
    expect(fateOf(await app.get('/files/a~B'))).toBe('fwd=uri-miss');
    expect(fateOf(await app.get('/files/%252e'))).toBe('fwd=uri-miss');
  });

  it('passes by while Redis is away, at once, and says why', async () => {
    const app = await start(adapter, [routeOf({ ttl: '1m' }, () => ({ runs }))], {
      cache: { redis: { host: '127.0.0.1', port: 1 } },
    });
    const beganAt = Date.now();
    for (const answer of await twice(app))
      expect([answer.status, fateOf(answer)]).toEqual([200, 'fwd=bypass; detail=unavailable']);
    expect(Date.now() - beganAt).toBeLessThan(5_000);
    expect(runs).toBe(2);
  });

  it('does nothing where the cache is off', async () => {
    const app = await start(adapter, [routeOf({ ttl: '1m' }, () => ({ runs }))], { cache: { enabled: false } });
    for (const answer of await twice(app)) expect(fateOf(answer)).toBe('fwd=bypass; detail=off');
    expect(runs).toBe(2);
  });

  it('runs the handler once for a thousand requests at once', async () => {
    const app = await start(adapter, [
      routeOf({ ttl: '1m' }, async () => {
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        return { runs };
      }),
    ]);
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => app.get('/one')));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 {"runs":1}']));
  });

  it('caches once where the interceptor is bound twice', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('one') @UseInterceptors(RedisCacheInterceptor) @HttpCache({ ttl: '1m' }) find() {
        return { run: ++runs };
      }
    }
    const [, second] = await twice(await start(adapter, [One]));
    expect(second.headers['cache-status']).toMatch(/^RedisCache; hit; ttl=\d+$/);
  });
});

describe('what is refused at boot', () => {
  class Parent {}
  void Parent;
  it.each<[string, MethodDecorator | ParameterDecorator]>([
    ['it sends events (@Sse())', Sse('one')],
    ['it renders a view (@Render())', Render('view')],
    ['it redirects (@Redirect())', Redirect('/')],
    ['it takes the response by itself (@Res() or @Next())', Res() as ParameterDecorator],
  ])('is a handler since %s', async (why, decorator) => {
    class One {
      find(_response?: unknown) {
        return {};
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(One.prototype, 'find')!;
    if (why.includes('@Res()')) (decorator as ParameterDecorator)(One.prototype, 'find', 0);
    else (decorator as MethodDecorator)(One.prototype, 'find', descriptor);
    HttpCache({ ttl: '1m' })(One.prototype, 'find', descriptor);
    Get('one')(One.prototype, 'find', descriptor);
    UseInterceptors(RedisCacheInterceptor)(One);
    Controller()(One);
    await expect(start('express', [One])).rejects.toThrow(`@HttpCache cannot be used on One.find: ${why}`);
  });

  it.each<[string, HttpCacheOptions, string]>([
    ['ttl throws', { ttl: fails }, 'threw TypeError: x: the response is not stored. Make it return a duration'],
    ['ttl returns none', { ttl: () => 'soon' as '1s' }, 'returned no duration: '],
    ['condition throws', { condition: fails }, 'threw TypeError: x: the request bypasses the cache.'],
    ['key throws', { key: fails }, 'threw TypeError: x: the request bypasses the cache.'],
    ['key returns none', { key: () => Number.NaN }, 'returned no key: '],
    ['principal throws', { principal: fails }, 'threw TypeError: x: the request bypasses the cache.'],
  ])('says what the function of an option did: %s', async (what, options, how) => {
    const app = await start('express', [routeOf(options, () => ({}))]);
    for (const { status } of await twice(app)) expect(status).toBe(200);
    expect(app.lines.filter((line) => line.includes('RC_OPTION_FUNCTION'))).toEqual([
      expect.stringContaining(`One.find: the function '${what.split(' ')[0]}' of @HttpCache ${how}`),
    ]);
    expect(runs).toBe(2);
  });

  it('leaves such handlers of a cached class out, with one warning', async () => {
    @Controller()
    @HttpCache({ ttl: '1m' })
    @UseInterceptors(RedisCacheInterceptor)
    class Mixed {
      @Get('one') @Header('X-A', 'b') one() {
        return { run: ++runs };
      }
      @Get('self') self(@Res() response: { send(text: string): void }) {
        response.send(`${++runs}`);
      }
    }
    const app = await start('express', [Mixed]);
    await twice(app, '/one');
    expect((await twice(app, '/self')).map(({ body }) => body)).toEqual(['2', '3']);
    expect(app.lines.filter((line) => line.includes('Mixed.self'))).toEqual([
      expect.stringContaining('this handler runs for each request'),
    ]);
  });

  it.each<[HttpCacheOptions, string]>([
    [{ tll: '1m' } as HttpCacheOptions, '@HttpCache on One.find: tll is not an option, got "1m". Did you mean "ttl"?'],
    [{ ttl: 0 }, 'ttl must be'],
    [{ scope: 'shared' as 'public' }, `scope must be 'public' or 'private'`],
    [{ scope: 'public', principal: () => 1 }, 'is public and has a principal'],
    [{ key: () => 1, query: ['a'] }, 'has a key and a query'],
    [{ sharedTtl: '1m' }, 'has a sharedTtl, and is not public'],
    [{ vary: ['a b'] }, 'vary.0 must be'],
    [{ region: 'a:b' }, 'region must be 1 to 100 letters'],
  ])('is %j', (options, message) => {
    expect(() => {
      class One {
        @HttpCache(options) find() {}
      }
      void One;
    }).toThrow(message);
  });

  it('is a region that holds what methods return', async () => {
    const { Cacheable } = await import('../../../lib/index.js');
    class Service {
      @Cacheable({ region: 'http' }) async find() {}
    }
    await expect(start('express', [routeOf({ ttl: '1m' }, () => ({}))], { providers: [Service] })).rejects.toThrow(
      /The region "http" would hold values of two forms/,
    );
  });

  it('is an application without a cache', async () => {
    const { startHttpApp } = await import('../../support/http-app.js');
    await expect(startHttpApp('express', { controllers: [routeOf({}, () => ({}))] })).rejects.toThrow(
      /Import RedisCacheModule.forRoot/,
    );
  });
});
