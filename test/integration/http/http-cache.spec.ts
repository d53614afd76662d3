import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Head,
  Header,
  HttpCode,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Put,
  Query,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import { HttpCache, HttpCacheEvict, RedisCacheInterceptor } from '../../../lib/http/index.js';
import { cachedApps, type ResponseLike } from '../../support/cached-app.js';
import { ADAPTERS } from '../../support/http-app.js';

const start = cachedApps();

describe.each(ADAPTERS)('on %s', (adapter) => {
  it('answers the second request from the cache: status, header fields and bytes are those of the first', async () => {
    let runs = 0;
    @Controller('users')
    @UseInterceptors(RedisCacheInterceptor)
    class Users {
      @Get(':id')
      @HttpCode(203)
      @Header('X-Static', 'always')
      @HttpCache({ ttl: '1m' })
      find(@Param('id', ParseIntPipe) id: number, @Res({ passthrough: true }) response: ResponseLike) {
        response.header('X-Total', '7');
        return { id, runs: ++runs, name: 'Ünï' };
      }
    }
    const app = await start(adapter, [Users]);
    const [first, second] = [await app.get('/users/1'), await app.get('/users/1')];
    expect(first).toMatchObject({ status: 203, body: '{"id":1,"runs":1,"name":"Ünï"}' });
    expect(second).toMatchObject({ status: 203, body: first.body });
    expect(first.headers['cache-status']).toBe('RedisCache; fwd=uri-miss; stored; ttl=59');
    expect(second.headers['cache-status']).toMatch(/^RedisCache; hit; ttl=(59|60)$/);
    for (const name of ['x-total', 'x-static', 'content-type', 'etag', 'cache-control', 'content-length']) {
      expect([name, second.headers[name]]).toEqual([name, first.headers[name]]);
    }
    expect(second.headers).toMatchObject({ 'x-total': '7', 'cache-control': 'private, no-cache', age: '0' });
    expect(await app.get('/users/x')).toMatchObject({ status: 400 });
    expect(runs).toBe(1);
  });

  it('lets GET and HEAD share an entry', async () => {
    let runs = 0;
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('one') @HttpCache({ ttl: '1m' }) find() {
        return { runs: ++runs };
      }
    }
    const app = await start(adapter, [One]);
    // a handler may make no body for HEAD: only what GET made is kept
    expect(await app.send('HEAD', '/one')).toMatchObject({ status: 200, body: '' });
    expect((await app.get('/one')).body).toBe('{"runs":2}');
    const get = await app.get('/one');
    expect(get.body).toBe('{"runs":2}');
    expect(get.headers['cache-status']).toMatch(/hit/);
    expect((await app.send('HEAD', '/one')).headers).toMatchObject({
      etag: get.headers['etag'],
      'content-length': '10',
    });
  });

  it('answers 304 without a body, on a hit and on a miss', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('one/:id') @HttpCache({ ttl: '1m' }) find(@Param('id') id: string) {
        return { id };
      }
    }
    const app = await start(adapter, [One]);
    const { headers } = await app.get('/one/1');
    const etag = headers['etag']!;
    expect(etag).toMatch(/^"[\w-]{27}"$/);
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*', `garbage, ${etag}`]) {
      const answer = await app.get('/one/1', { 'if-none-match': tags });
      expect({ tags, ...answer }).toMatchObject({ tags, status: 304, body: '' });
      expect(answer.headers).toMatchObject({ etag, 'cache-control': 'private, no-cache' });
      expect(answer.headers['content-type']).toBeUndefined();
    }
    for (const tags of ['"other"', 'garbage', `"`, '', '"a', etag.slice(1, -1)]) {
      expect(await app.get('/one/1', { 'if-none-match': tags })).toMatchObject({ status: 200, body: '{"id":"1"}' });
    }
    await app.get('/one/2');
    expect(await app.get('/one/2', { 'if-none-match': etag })).toMatchObject({ status: 200, body: '{"id":"2"}' });
  });

  it('runs the handler once for 20 requests at once', async () => {
    let runs = 0;
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('one') @HttpCache({ ttl: '1m' }) async find() {
        runs += 1;
        await new Promise((resolve) => setTimeout(resolve, 200));
        return { runs };
      }
    }
    const app = await start(adapter, [One]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.get('/one')));
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['{"runs":1}']));
    expect(runs).toBe(1);
    const collapsed = answers.filter(({ headers }) => headers['cache-status']!.includes('collapsed'));
    expect(collapsed.length).toBeGreaterThan(15);
  });

  it('ends the entries of its URI when a handler has written', async () => {
    let name = 'ann';
    @Controller('users')
    @UseInterceptors(RedisCacheInterceptor)
    class Users {
      @Get(':id') @HttpCache({ ttl: '1m', query: ['full'] }) find(
        @Param('id') id: string,
        @Query('full') full?: string,
      ) {
        return { id, name, full };
      }
      @Put(':userId') update() {
        name = 'bob';
      }
      @Post(':id/fail') @HttpCacheEvict() fail() {
        throw new NotFoundException();
      }
    }
    const app = await start(adapter, [Users]);
    for (const path of ['/users/1', '/users/1?full=1', '/users/2']) await app.get(path);
    await app.send('PUT', '/users/1');
    expect((await app.get('/users/1')).body).toContain('bob');
    expect((await app.get('/users/1?full=1')).body).toContain('bob');
    expect((await app.get('/users/2')).body).toContain('ann');
  });

  it('leaves a HEAD handler of its own alone', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Head('one') head() {}
    }
    const app = await start(adapter, [One]);
    expect((await app.send('HEAD', '/one')).headers['cache-status']).toBeUndefined();
  });
});
