import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  createParamDecorator,
  type ExecutionContext,
  ForbiddenException,
  Get,
  Header,
  Post,
  Req,
  Res,
  UnauthorizedException,
  UseInterceptors,
  Version,
  VersioningType,
} from '@nestjs/common';
import { HttpCache, HttpCacheEvict, RedisCacheInterceptor } from '../../../lib/http/index.js';
import { cachedApps, fateOf, type ResponseLike } from '../../support/cached-app.js';
import { ADAPTERS } from '../../support/http-app.js';

const start = cachedApps();
let runs = 0;
beforeEach(() => void (runs = 0));

interface Known {
  headers: Record<string, string | undefined>;
}

/** Refuses who brings no key. */
const ApiKey = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const { headers } = context.switchToHttp().getRequest<Known>();
  if (headers['x-api-key'] !== 'k') throw new UnauthorizedException();
  return headers['x-api-key'];
});

describe.each(ADAPTERS)('a gateway on %s', (adapter) => {
  it('obeys what stands on the response before its handler runs', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class Forward {
      @Get('tenants')
      @Header('Vary', 'X-Tenant')
      @Header('Cache-Control', 'max-age=60')
      @HttpCache({ respectHeaders: true })
      tenants(@Req() request: Known) {
        return { tenant: request.headers['x-tenant'], runs: ++runs };
      }
      @Get('mine') @Header('Cache-Control', 'private, max-age=60') @HttpCache({ respectHeaders: true }) mine() {
        return { runs: ++runs };
      }
    }
    const app = await start(adapter, [Forward]);
    const tenant = async (name: string) => (await app.get('/tenants', { 'x-tenant': name })).body;
    expect(await tenant('a')).toBe('{"tenant":"a","runs":1}');
    expect(await tenant('b')).toBe('{"tenant":"b","runs":2}');
    expect(await tenant('a')).toBe('{"tenant":"a","runs":1}');
    expect(await tenant('b')).toBe('{"tenant":"b","runs":2}');
    for (const n of [3, 4]) expect((await app.get('/mine')).body).toBe(`{"runs":${n}}`);
  });

  it('lets parameter decorators refuse before an answer from the cache', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class Forward {
      @Get('one')
      @Header('Cache-Control', 'max-age=60')
      @HttpCache({ respectHeaders: true })
      one(@ApiKey() _key: string) {
        return { runs: ++runs };
      }
    }
    const app = await start(adapter, [Forward]);
    const key = { 'x-api-key': 'k' };
    for (let n = 0; n < 2; n++) expect((await app.get('/one', key)).body).toBe('{"runs":1}');
    expect((await app.get('/one')).status).toBe(401);
    expect((await app.get('/one', { 'cache-control': 'only-if-cached' })).status).toBe(401);
  });

  it('keeps versions apart that the path does not tell', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class Forward {
      @Get('one')
      @Version(['1', '2'])
      @Header('Cache-Control', 'max-age=60')
      @HttpCache({ respectHeaders: true })
      one(@Req() request: Known) {
        return { version: request.headers['x-version'] };
      }
    }
    const app = await start(adapter, [Forward], {
      configure: (one) => void one.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' }),
    });
    for (const version of ['1', '2', '1'])
      expect((await app.get('/one', { 'x-version': version })).body).toBe(`{"version":"${version}"}`);
  });

  it('takes nothing of a first answer into the second, where a 304 was about something else', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class Forward {
      @Get('one') @HttpCache({ respectHeaders: true }) one(
        @Req() request: Known,
        @Res({ passthrough: true }) response: ResponseLike,
      ) {
        runs += 1;
        if (request.headers['if-none-match'] !== undefined) {
          response.status(304);
          response.header('etag', '"other"');
          response.header('x-first', '1');
          return undefined;
        }
        response.status(200);
        response.header('cache-control', runs === 1 ? 'no-cache' : 'max-age=60');
        response.header('etag', `"${runs}"`);
        return { runs };
      }
    }
    const app = await start(adapter, [Forward]);
    expect((await app.get('/one')).body).toBe('{"runs":1}');
    const second = await app.get('/one');
    expect(second).toMatchObject({ status: 200, body: '{"runs":3}', headers: { etag: '"3"' } });
    expect(second.headers['x-first']).toBeUndefined();
    expect(fateOf(await app.get('/one'))).toBe('hit');
  });
});

describe.each(ADAPTERS)('on %s', (adapter) => {
  it('a refusal of one request is not given to those who waited for it', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('one') @HttpCache({ ttl: '1m', scope: 'public' }) async one(@Req() request: Known) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        if (request.headers['authorization'] === undefined) throw new ForbiddenException();
        return { runs: ++runs };
      }
    }
    const app = await start(adapter, [One]);
    const anonymous = app.get('/one');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const known = app.get('/one', { authorization: 'Bearer ann' });
    expect((await anonymous).status).toBe(403);
    expect(await known).toMatchObject({ status: 200, body: '{"runs":1}' });
  });

  it('a late eviction that fails is told in the log, and ends nothing', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class Writes {
      @Post('one') @HttpCacheEvict({ tags: ['a'] }) write(@Res() response: { send(body: string): void }) {
        setTimeout(() => response.send('written'), 20);
      }
    }
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const cache = { redis: { host: '127.0.0.1', port: 1 }, onEvictFailure: 'throw' as const };
    const app = await start(adapter, [Writes], { cache });
    expect((await app.send('POST', '/one')).body).toBe('written');
    for (let n = 0; n < 100 && !app.lines.some((line) => line.includes('Writes.write has written')); n++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', note);
    expect(app.lines.filter((line) => line.includes('Writes.write has written'))).toHaveLength(1);
    expect(unhandled).toEqual([]);
  });
});
