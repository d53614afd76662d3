import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Body,
  type CallHandler,
  type CanActivate,
  ClassSerializerInterceptor,
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Get,
  Headers,
  Injectable,
  Module,
  type NestInterceptor,
  Param,
  ParseIntPipe,
  type PipeTransform,
  Query,
  Req,
  Res,
  Scope,
  SerializeOptions,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import { HttpCache, RedisCacheInterceptor } from '../../../lib/http/index.js';
import { cachedApps, fateOf, type ResponseLike } from '../../support/cached-app.js';
import { ADAPTERS } from '../../support/http-app.js';

const start = cachedApps();
let runs = 0;
beforeEach(() => void (runs = 0));

interface Known {
  headers: Record<string, string>;
  user?: { id?: unknown };
}

/** Who says `Bearer name` is that. */
@Injectable()
class Login implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Known>();
    const name = /^Bearer (\w+)$/.exec(request.headers['authorization'] ?? '')?.[1];
    if (name === 'nobody') throw new UnauthorizedException();
    if (name) request.user = { id: name };
    return true;
  }
}

const as = (name: string) => ({ authorization: `Bearer ${name}` });

describe.each(ADAPTERS)('on %s', (adapter) => {
  describe('whose a response is', () => {
    @Controller()
    @UseGuards(Login)
    @UseInterceptors(RedisCacheInterceptor)
    class Me {
      @Get('me') @HttpCache({ ttl: '1m' }) me(@Req() { user }: Known) {
        return { me: user?.id ?? null, run: ++runs };
      }
      @Get('public') @HttpCache({ ttl: '1m', scope: 'public' }) all() {
        return { run: ++runs };
      }
      @Get('own')
      @HttpCache({ ttl: '1m', principal: (context) => context.switchToHttp().getRequest<Known>().user?.id as string })
      own(@Req() { user }: Known) {
        return { me: user?.id ?? null, run: ++runs };
      }
      @Get('unnamed') @HttpCache({ ttl: '1m', scope: 'private' }) unnamed() {
        return { run: ++runs };
      }
      @Get('tenant/:n')
      @HttpCache({ ttl: '1m', tenant: (context) => context.switchToHttp().getRequest<Known>().headers['x-tenant'] })
      tenant(@Headers('x-tenant') tenant: string) {
        return { tenant, run: ++runs };
      }
    }

    it.each<Record<string, string>>([as('ann'), { cookie: 'session=1' }, { Authorization: 'Basic eA==' }])(
      'neither answers from a shared entry nor fills it for a request with %j',
      async (credentials) => {
        const app = await start(adapter, [Me]);
        const first = await app.get('/me', credentials);
        expect(fateOf(first)).toBe('fwd=bypass; detail=auth');
        expect(JSON.parse((await app.get('/me')).body)).toEqual({ me: null, run: 2 });
        expect(fateOf(await app.get('/me'))).toBe('hit');
        expect(fateOf(await app.get('/me', credentials))).toBe('fwd=bypass; detail=auth');
        expect(JSON.parse((await app.get('/me', as('bob'))).body)).toEqual({ me: 'bob', run: 4 });
        expect(runs).toBe(4);
      },
    );

    it('answers everybody from a public one, and tells proxies so', async () => {
      const app = await start(adapter, [Me]);
      await app.get('/public', as('ann'));
      const answer = await app.get('/public', as('bob'));
      expect([fateOf(answer), answer.headers['cache-control']]).toEqual(['hit', 'public, no-cache']);
      expect(runs).toBe(1);
    });

    it('keeps an entry for each principal, and none without', async () => {
      const app = await start(adapter, [Me]);
      for (const name of ['ann', 'bob']) {
        await app.get('/own', as(name));
        const answer = await app.get('/own', as(name));
        expect([fateOf(answer), JSON.parse(answer.body).me]).toEqual(['hit', name]);
        expect(answer.headers['cache-control']).toBe('private, no-cache');
      }
      expect(fateOf(await app.get('/own'))).toBe('fwd=bypass; detail=principal');
      expect(fateOf(await app.get('/own', { cookie: 'a=b' }))).toBe('fwd=bypass; detail=principal');
    });

    it('passes a private route without a principal by, with one warning', async () => {
      const app = await start(adapter, [Me]);
      for (let n = 0; n < 2; n++) expect(fateOf(await app.get('/unnamed'))).toBe('fwd=bypass; detail=principal');
      expect(app.lines.filter((line) => line.includes('Me.unnamed is private and has no principal'))).toHaveLength(1);
    });

    it('keeps tenants and hosts apart', async () => {
      const app = await start(adapter, [Me]);
      await app.get('/tenant/1', { 'x-tenant': 'a' });
      expect(JSON.parse((await app.get('/tenant/1', { 'x-tenant': 'b' })).body)).toEqual({ tenant: 'b', run: 2 });
      expect(fateOf(await app.get('/tenant/1', { 'x-tenant': 'a' }))).toBe('hit');
      expect(fateOf(await app.get('/tenant/1'))).toBe('fwd=bypass; detail=tenant');
      await app.get('/public');
      expect(fateOf(await app.get('/public', { host: 'evil.example' }))).toBe('fwd=uri-miss');
      expect(fateOf(await app.get('/public'))).toBe('hit');
    });

    it('lets guards refuse before the cache answers', async () => {
      const app = await start(adapter, [Me]);
      await app.get('/public');
      expect((await app.get('/public', as('nobody'))).status).toBe(401);
    });
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no user');
      },
    ],
    ['returns undefined', () => undefined],
    ['returns null', () => null],
    ['returns an empty text', () => ''],
    ['returns NaN', () => Number.NaN],
    ['returns an object', () => ({ id: 1 })],
    [
      'returns a promise',
      async () => {
        throw new Error('late');
      },
    ],
  ])('passes by when the principal function %s', async (_what, principal) => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('one') @HttpCache({ ttl: '1m', principal: principal as () => string }) find() {
        return { run: ++runs };
      }
    }
    const app = await start(adapter, [One]);
    for (let n = 1; n <= 2; n++) {
      const answer = await app.get('/one');
      expect([fateOf(answer), answer.body]).toEqual(['fwd=bypass; detail=principal', `{"run":${n}}`]);
    }
    expect(app.lines.filter((line) => line.includes(`'principal'`)).length).toBeLessThanOrEqual(1);
  });

  it('lets pipes and parameter decorators refuse before the cache answers', async () => {
    let isOpen = true;
    const Member = createParamDecorator((_data: unknown, context: ExecutionContext) => {
      if (context.switchToHttp().getRequest<Known>().headers['x-member'] === 'no') throw new UnauthorizedException();
    });
    class Gate implements PipeTransform {
      transform(value: unknown) {
        if (!isOpen) throw new UnauthorizedException();
        return value;
      }
    }
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('gate/:id') @HttpCache({ ttl: '1m' }) gate(@Param('id', ParseIntPipe, Gate) id: number) {
        return { id, run: ++runs };
      }
      @Get('member') @HttpCache({ ttl: '1m' }) member(@Member() _member: unknown) {
        return { run: ++runs };
      }
    }
    const app = await start(adapter, [One]);
    for (let n = 0; n < 2; n++) expect((await app.get('/gate/1')).body).toBe('{"id":1,"run":1}');
    isOpen = false;
    expect((await app.get('/gate/1')).status).toBe(401);
    isOpen = true;
    expect(fateOf(await app.get('/gate/1'))).toBe('hit');
    await app.get('/member');
    expect((await app.get('/member', { 'x-member': 'no' })).status).toBe(401);
    expect(fateOf(await app.get('/member'))).toBe('hit');
    expect(runs).toBe(2);
  });

  describe('a response with fields that are excluded', () => {
    /** As class-transformer: what is marked is left out, of instances and by the option `type`. */
    const transformerPackage = {
      classToPlain: (value: object) => (value instanceof User ? { id: value.id } : { ...value }),
      plainToInstance: (type: typeof User, value: { id: number; password: string }) =>
        new type(value.id, value.password),
    };
    class User {
      constructor(
        readonly id: number,
        readonly password: string,
      ) {}
    }
    @Injectable()
    class Serializer extends ClassSerializerInterceptor {
      constructor(reflector: Reflector) {
        super(reflector, { transformerPackage: transformerPackage as never });
      }
    }

    @Controller('inside')
    @UseInterceptors(RedisCacheInterceptor, Serializer)
    class Inside {
      @Get() @HttpCache({ ttl: '1m' }) find() {
        return new User(++runs, 'secret');
      }
    }
    @Controller('plain')
    @UseInterceptors(RedisCacheInterceptor)
    class Plain {
      @Get() @HttpCache({ ttl: '1m' }) find() {
        return new User(++runs, 'secret');
      }
    }
    @Controller('outside')
    @UseInterceptors(Serializer, RedisCacheInterceptor)
    class Outside {
      @Get() @HttpCache({ ttl: '1m' }) find() {
        return new User(++runs, 'secret');
      }
      @Get('list') @HttpCache({ ttl: '1m' }) list() {
        return [new User(++runs, 'secret')];
      }
      @Get('typed') @SerializeOptions({ type: User }) @HttpCache({ ttl: '1m' }) typed() {
        return { id: ++runs, password: 'secret' };
      }
      @Get('plain') @HttpCache({ ttl: '1m' }) plain() {
        return { id: ++runs };
      }
    }

    it('is cached as the serializer inside has left it', async () => {
      const app = await start(adapter, [Inside]);
      for (let n = 0; n < 2; n++) expect((await app.get('/inside')).body).toBe('{"id":1}');
      expect(runs).toBe(1);
    });

    it('is not cached where the serializer stands outside, and no field gets out', async () => {
      const app = await start(adapter, [Outside]);
      expect((await app.get('/outside')).body).toBe('{"id":1}');
      expect((await app.get('/outside')).body).toBe('{"id":2}');
      for (let n = 3; n < 5; n++) expect((await app.get('/outside/list')).body).toBe(`[{"id":${n}}]`);
      expect(runs).toBe(4);
    });

    it('is serialised on each hit where a type of the serializer outside excludes', async () => {
      const app = await start(adapter, [Outside]);
      for (let n = 0; n < 2; n++) expect((await app.get('/outside/typed')).body).toBe('{"id":1}');
      expect(fateOf(await app.get('/outside/typed'))).toBe('hit');
      expect(runs).toBe(1);
    });

    it('is not cached where the serializer is global, and this interceptor is not', async () => {
      const app = await start(adapter, [Inside], {
        configure: (one) => void one.useGlobalInterceptors(new Serializer(one.get(Reflector))),
      });
      for (let n = 0; n < 2; n++) expect((await app.get('/inside')).body).toBe('{"id":1}');
    });

    it('is not cached where the serializer is global and REQUEST-scoped', async () => {
      const app = await start(adapter, [Inside, Plain], {
        providers: [{ provide: APP_INTERCEPTOR, scope: Scope.REQUEST, useClass: Serializer }],
      });
      for (let n = 1; n < 3; n++) expect((await app.get('/plain')).body).toBe(`{"id":${n}}`);
    });

    it('is cached as bytes where this interceptor is global, and the serializer is not', async () => {
      @Controller('one')
      @UseInterceptors(Serializer)
      class One {
        @Get() @HttpCache({ ttl: '1m' }) find() {
          return new User(++runs, 'secret');
        }
      }
      const app = await start(adapter, [One], {
        providers: [{ provide: APP_INTERCEPTOR, useClass: RedisCacheInterceptor }],
      });
      for (let n = 0; n < 2; n++) expect((await app.get('/one')).body).toBe('{"id":1}');
      expect((await app.get('/one')).headers['etag']).toMatch(/^"/);
    });
  });

  it('keeps hosts apart, ports included, but for the port at which this server is asked', async () => {
    @Controller('links')
    @UseInterceptors(RedisCacheInterceptor)
    class Links {
      @Get() @HttpCache({ ttl: '1m' }) find(@Req() request: { headers: Record<string, string> }) {
        return { self: `http://${request.headers['host']}/links`, runs: ++runs };
      }
    }
    const app = await start(adapter, [Links]);
    const { port } = new URL(app.url);
    const runsOf = async (host: string) =>
      (JSON.parse((await app.get('/links', { host })).body) as { runs: number }).runs;
    expect(await runsOf('shop.example:1337')).toBe(1);
    expect(await runsOf('shop.example')).toBe(2);
    expect(await runsOf(`shop.example:${port}`)).toBe(3);
    expect(await runsOf('SHOP.example')).toBe(2);
  });

  it('hands values to interceptors outside, which change bodies for each request', async () => {
    @Injectable()
    class Envelope implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        return next.handle().pipe(map((data: unknown) => ({ data })));
      }
    }
    @Controller()
    @UseInterceptors(Envelope, RedisCacheInterceptor)
    class One {
      @Get('one') @HttpCache({ ttl: '1m' }) find() {
        return { run: ++runs };
      }
    }
    const app = await start(adapter, [One]);
    for (let n = 0; n < 2; n++) expect((await app.get('/one')).body).toBe('{"data":{"run":1}}');
    expect(fateOf(await app.get('/one'))).toBe('hit');
  });

  it('never stores a response with Set-Cookie, and gives nobody the cookie of another', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('one') @HttpCache({ ttl: '1m', scope: 'public' }) async find(
        @Res({ passthrough: true }) response: ResponseLike,
      ) {
        const run = ++runs;
        await new Promise((resolve) => setTimeout(resolve, 50));
        response.header('Set-Cookie', `session=${run}`);
        return { run };
      }
    }
    const app = await start(adapter, [One]);
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.get('/one')));
    expect(new Set(answers.map(({ headers }) => headers['set-cookie'])).size).toBe(10);
    for (const { headers, body } of answers) expect(headers['set-cookie']).toBe(`session=${JSON.parse(body).run}`);
    expect(fateOf(await app.get('/one'))).toBe('fwd=uri-miss; detail=set-cookie');
  });

  it('never lets two routes share an entry', async () => {
    @Controller({ path: 'items', version: ['1', '2'] })
    @UseInterceptors(RedisCacheInterceptor)
    class Items {
      @Get(':a/:b') @HttpCache({ ttl: '1m' }) two(@Param() params: object, @Req() { url }: { url: string }) {
        return { params, url, run: ++runs };
      }
      @Get('x/y/z') @HttpCache({ ttl: '1m' }) three() {
        return { run: ++runs };
      }
      @Get(['p', 'q']) @HttpCache({ ttl: '1m' }) aliases(@Req() { url }: { url: string }) {
        return { url, run: ++runs };
      }
    }
    @Module({ controllers: [Items] })
    class ItemsModule {}
    const { VersioningType } = await import('@nestjs/common');
    const app = await start(adapter, [], {
      imports: [ItemsModule],
      configure: (one) => void one.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
    });
    const paths = [
      '/v1/items/a/b',
      '/v1/items/b/a',
      '/v2/items/a/b',
      '/v1/items/a%2Fb/c',
      '/v1/items/p',
      '/v1/items/q',
    ];
    for (const path of paths) await app.get(`/api${path}`);
    expect(runs).toBe(paths.length);
    for (const path of paths) expect(fateOf(await app.get(`/api${path}`))).toBe('hit');
  });

  it('keeps versions by header apart, where one handler serves several', async () => {
    @Controller({ path: 'items', version: ['1', '2'] })
    @UseInterceptors(RedisCacheInterceptor)
    class Items {
      @Get() @HttpCache({ ttl: '1m' }) find(@Req() { headers }: Known) {
        return { version: headers['x-version'], run: ++runs };
      }
    }
    const { VersioningType } = await import('@nestjs/common');
    const app = await start(adapter, [Items], {
      configure: (one) => void one.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' }),
    });
    for (const version of ['1', '2']) await app.get('/items', { 'x-version': version });
    expect(JSON.parse((await app.get('/items', { 'x-version': '2' })).body)).toEqual({ version: '2', run: 2 });
  });

  it('takes what is not among the named parameters of a query past the cache, and tracking for nothing', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class Pages {
      @Get('pages') @HttpCache({ ttl: '1m' }) find(@Query('page') page?: string, @Query('size') size?: string) {
        return { page, size, run: ++runs };
      }
      @Get('dropped') @HttpCache({ ttl: '1m', query: ['page'], unknownQuery: 'drop' }) dropped() {
        return { run: ++runs };
      }
    }
    const app = await start(adapter, [Pages]);
    await app.get('/pages?page=1&size=2');
    for (const path of ['?size=2&page=1', '?page=1&utm_source=x&size=2&fbclid=1', '?page=%31&size=2']) {
      expect([path, fateOf(await app.get(`/pages${path}`))]).toEqual([path, 'hit']);
    }
    for (const path of ['?page=2&size=2', '?page=1', '?page=1&page=2', '?size=2&page=']) {
      expect([path, fateOf(await app.get(`/pages${path}`))]).toEqual([path, 'fwd=uri-miss']);
    }
    for (const path of ['?x=1', '?page=1&size=2&x=1', '?constructor=1', '?__proto__=1']) {
      expect([path, fateOf(await app.get(`/pages${path}`))]).toEqual([path, 'fwd=bypass; detail=query']);
    }
    await app.get('/dropped?page=1&x=1');
    expect(fateOf(await app.get('/dropped?page=1&y=2'))).toBe('hit');
  });

  it('makes the fields that a handler takes by name a part of the key', async () => {
    @Controller()
    @UseInterceptors(RedisCacheInterceptor)
    class One {
      @Get('one') @HttpCache({ ttl: '1m', vary: ['Accept-Language'] }) find(
        @Headers('X-User') user: string,
        @Body() _body: unknown,
      ) {
        return { user, run: ++runs };
      }
    }
    const app = await start(adapter, [One]);
    const first = await app.get('/one', { 'x-user': 'ann', 'accept-language': 'de' });
    expect(first.headers['vary']?.toLowerCase()).toContain('accept-language, x-user');
    expect(JSON.parse((await app.get('/one', { 'x-user': 'bob', 'accept-language': 'de' })).body).user).toBe('bob');
    expect(fateOf(await app.get('/one', { 'x-user': 'ann', 'accept-language': 'en' }))).toBe('fwd=uri-miss');
    expect(fateOf(await app.get('/one', { 'x-user': 'ann', 'accept-language': 'de' }))).toBe('hit');
    expect(JSON.parse((await app.get('/one', { 'accept-language': 'de' })).body).run).toBe(4);
  });
});
