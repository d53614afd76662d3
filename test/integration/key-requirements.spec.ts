import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  type LoggerService,
  Module,
  type ModuleMetadata,
  Next,
  Req,
  Res,
  Scope,
} from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, REQUEST } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cacheable, CacheConfig, CacheEvict, CachePut, RedisCacheModule } from '../../lib/index.js';

const warnings: string[] = [];
const ignore = () => undefined;
const logger: LoggerService = {
  log: ignore,
  warn: (line: string) => void warnings.push(line),
  error: ignore,
  debug: ignore,
};
const open: TestingModule[] = [];

async function boot(metadata: ModuleMetadata): Promise<TestingModule> {
  const imports = [RedisCacheModule.forRoot({ service: 'user' }), ...(metadata.imports ?? [])];
  const app = await Test.createTestingModule({ ...metadata, imports })
    .setLogger(logger)
    .compile();
  open.push(app);
  return app.init();
}

beforeEach(() => {
  warnings.length = 0;
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close().catch(() => undefined)));
});

@Injectable({ scope: Scope.REQUEST })
class Tenant {
  constructor(@Inject(REQUEST) readonly request: unknown) {}
}

describe('a default key where results can depend on the instance', () => {
  class Orders {
    @Cacheable() async list(page: number) {
      return page;
    }
  }
  @Injectable()
  class BubblesUp extends Orders {
    constructor(readonly tenant: Tenant) {
      super();
    }
  }
  @Injectable()
  class BubblesFurther extends Orders {
    constructor(readonly orders: BubblesUp) {
      super();
    }
  }
  @Injectable()
  class ByProperty extends Orders {
    @Inject(Tenant) readonly tenant!: Tenant;
  }
  @Injectable({ scope: Scope.REQUEST })
  class PerRequest extends Orders {}
  @Injectable({ scope: Scope.REQUEST, durable: true })
  class Durable extends Orders {}
  @Injectable({ scope: Scope.TRANSIENT })
  class Transient extends Orders {}
  @Controller()
  class Handlers extends Orders {
    constructor(readonly tenant: Tenant) {
      super();
    }
  }
  @Controller({ scope: Scope.REQUEST })
  class ScopedHandlers extends Orders {}

  it.each<[string, ModuleMetadata, RegExp]>([
    ['REQUEST', { providers: [PerRequest] }, /PerRequest .*REQUEST-scoped/],
    ['durable', { providers: [Durable] }, /Durable .*REQUEST-scoped/],
    ['TRANSIENT', { providers: [Transient] }, /Transient .*TRANSIENT/],
    ['what injects the request', { providers: [Tenant, BubblesUp] }, /BubblesUp .*injects what is/],
    ['what injects that', { providers: [Tenant, BubblesUp, BubblesFurther] }, /has more than one instance/],
    ['what injects by a property', { providers: [Tenant, ByProperty] }, /ByProperty .*injects what is/],
    ['a controller that injects it', { providers: [Tenant], controllers: [Handlers] }, /Handlers .*injects what is/],
    ['a controller', { controllers: [ScopedHandlers] }, /ScopedHandlers .*REQUEST-scoped/],
    [
      'several of one factory',
      { providers: [{ provide: 'all', useFactory: () => [new Orders(), new Orders()] }] },
      /2 instances/,
    ],
    [
      'several values',
      { providers: ['a', 'b'].map((provide) => ({ provide, useValue: new Orders() })) },
      /2 instances/,
    ],
  ])('is refused at boot: %s', async (_, metadata, message) => {
    const booting = boot(metadata);
    await expect(booting).rejects.toMatchObject({ code: 'RC_KEY_REQUIRED' });
    await expect(booting).rejects.toThrow(message);
    await expect(booting).rejects.toThrow('Orders.list has no key');
  });

  it('is refused where modules give the class different things', async () => {
    @Injectable()
    class Named extends Orders {
      constructor(@Inject('name') readonly name: string) {
        super();
      }
    }
    const of = (name: string) => {
      @Module({ providers: [Named, { provide: 'name', useValue: name }] })
      class Feature {}
      return Feature;
    };
    await expect(boot({ imports: [of('a'), of('b')] })).rejects.toThrow('inject different things');
  });

  it('is allowed where two modules provide the class alike', async () => {
    @Injectable()
    class Alike extends Orders {}
    const of = () => {
      @Module({ providers: [Alike] })
      class Feature {}
      return Feature;
    };
    await boot({ imports: [of(), of()] });
  });

  it('is refused at the first call of what a factory makes for each request', async () => {
    const app = await boot({
      providers: [{ provide: 'made', scope: Scope.REQUEST, useFactory: () => new Orders() }],
    });
    const orders = await app.resolve<Orders>('made', ContextIdFactory.create());
    await expect(orders.list(1)).rejects.toMatchObject({ code: 'RC_KEY_REQUIRED' });
  });

  it('is refused at the first call of a lazy class', async () => {
    const app = await boot({});
    @Module({ providers: [PerRequest] })
    class LazyModule {}
    const lazy = await app.get(LazyModuleLoader, { strict: false }).load(() => LazyModule);
    const orders = await lazy.resolve(PerRequest, ContextIdFactory.create());
    await expect(orders.list(1)).rejects.toMatchObject({ code: 'RC_KEY_REQUIRED' });
  });

  it('is allowed where the method has a key, or says that instances share', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Keyed {
      @Cacheable({ key: '{page}' }) async list(page: number) {
        return page;
      }
      @Cacheable({ region: 'pure', shared: true }) async pure(page: number) {
        return page;
      }
    }
    await boot({ providers: [Keyed] });
  });
});

describe('a class name that a minifier gave', () => {
  const decorated = <T extends new () => object>(type: T, method: string, decorator: unknown, config?: object): T => {
    const descriptor = Object.getOwnPropertyDescriptor(type.prototype, method)!;
    (decorator as (...args: unknown[]) => void)(type.prototype, method, descriptor);
    Object.defineProperty(type.prototype, method, descriptor);
    Injectable()(type);
    if (config) CacheConfig(config)(type);
    return type;
  };
  // as esbuild and terser write classes
  const minified = (name: string) => new Function(`return class ${name}{async f(e){return e}}`)() as new () => object;

  it.each(['t', 'lf', '$a', 'P', 'Kx'])('is refused as a region: %s', async (name) => {
    const type = decorated(minified(name), 'f', Cacheable({ key: '{0}' }));
    await expect(boot({ providers: [type] })).rejects.toMatchObject({ code: 'RC_CLASS_NAME' });
  });

  it('is refused as a region of evictions, and in default keys', async () => {
    const evicts = decorated(minified('t'), 'f', CacheEvict({ key: '{0}' }));
    await expect(boot({ providers: [evicts] })).rejects.toMatchObject({ code: 'RC_CLASS_NAME' });
    const byDefault = decorated(minified('t'), 'f', Cacheable(), { region: 'users' });
    await expect(boot({ providers: [byDefault] })).rejects.toMatchObject({ code: 'RC_CLASS_NAME' });
  });

  it('is allowed where region and key are named', async () => {
    await boot({ providers: [decorated(minified('t'), 'f', Cacheable({ key: '{0}' }), { region: 'users' })] });
  });

  it('is not a short name of the application', async () => {
    @Injectable()
    class Db {
      @Cacheable() async find(id: number) {
        return id;
      }
    }
    await boot({ providers: [Db] });
  });
});

describe('two classes of one name', () => {
  const repoOf = (key: string) => {
    @Injectable()
    @CacheConfig({ region: 'rows' })
    class Repo {
      @Cacheable({ key }) async byId(id: number) {
        return id;
      }
    }
    return Repo;
  };

  it('in one region are refused where their keys may be equal', async () => {
    await expect(boot({ providers: [repoOf('{id}'), repoOf('{id}')] })).rejects.toMatchObject({
      code: 'RC_KEY_COLLISION',
    });
  });

  it('are allowed where their keys differ', async () => {
    await boot({ providers: [repoOf('users:{id}'), repoOf('orders:{id}')] });
    expect(warnings).toEqual([]);
  });
});

describe('a handler that answers by itself', () => {
  const handler = (...parameters: ParameterDecorator[]) => {
    @Controller()
    class Pages {
      @Get()
      @Cacheable({ key: () => 'page' })
      async page(..._args: unknown[]) {
        return 'page';
      }
    }
    parameters.forEach((decorate, index) => decorate(Pages.prototype, 'page', index));
    return { controllers: [Pages] };
  };

  it.each<[string, ParameterDecorator[]]>([
    ['@Res()', [Res()]],
    ['@Next()', [Next()]],
    ['@Req() and @Res()', [Req(), Res()]],
  ])('is refused: %s', async (_, parameters) => {
    await expect(boot(handler(...parameters))).rejects.toMatchObject({ code: 'RC_DECORATOR_TARGET' });
  });

  it('is allowed with passthrough', async () => {
    await boot(handler(Res({ passthrough: true })));
  });
});

describe('an argument that can never make a key', () => {
  class PageDto {
    page = 1;
    get skip() {
      return this.page * 10;
    }
  }
  class PlainDto {
    page = 1;
  }
  class WithSecret {
    #secret = 1;
    readonly has = () => this.#secret;
  }

  it.each<[string, unknown]>([
    ['a DTO with a getter', PageDto],
    ['#private fields', WithSecret],
    ['an AbortSignal', AbortSignal],
    ['a Request', Request],
    ['a function', Function],
    ['a symbol', Symbol],
  ])('is refused at boot: %s', async (_, type) => {
    @Injectable()
    class Rows {
      @Cacheable() async list(query: unknown) {
        return query;
      }
    }
    Reflect.defineMetadata('design:paramtypes', [Object, type], Rows.prototype, 'list');
    const booting = boot({ providers: [Rows] });
    await expect(booting).rejects.toMatchObject({ code: 'RC_KEY_REQUIRED' });
    await expect(booting).rejects.toThrow('Rows.list has no key, and argument 1 can never be part of a default one');
  });

  it('is the request of a handler', async () => {
    @Controller()
    class Handlers {
      @Get()
      @Cacheable()
      async list(@Req() _request: unknown) {
        return 1;
      }
    }
    await expect(boot({ controllers: [Handlers] })).rejects.toMatchObject({ code: 'RC_KEY_REQUIRED' });
  });

  it('is none of what makes one', async () => {
    @Injectable()
    class Rows {
      @Cacheable() async a(_1: PlainDto, _2: Date, _3: string, _4: number[], _5: Map<string, number>) {}
      @Cacheable() async b(_1: Uint8Array, _2: Buffer, _3: bigint, _4: URL, _5: object, _6: boolean | null) {}
      @Cacheable({ key: (query: PageDto) => query.page }) async c(_query: PageDto) {}
    }
    await boot({ providers: [Rows] });
  });
});

describe('an eviction that matches nothing', () => {
  it('by a key where only default keys are', async () => {
    @Injectable()
    class Users {
      @Cacheable() async findOne(id: number) {
        return id;
      }
      @CacheEvict({ key: (id: number) => id }) async update(id: number) {
        return id;
      }
    }
    await boot({ providers: [Users] });
    expect(warnings).toEqual([
      expect.stringMatching(/^@CacheEvict on Users\.update evicts by a key, and Users\.findOne has none/),
    ]);
  });

  it('by a key of another form, with the one that was meant', async () => {
    @Injectable()
    @CacheConfig({ region: 'profile' })
    class Users {
      @Cacheable({ key: 'user:{id}' }) async findOne(id: number) {
        return id;
      }
      @CacheEvict({ key: 'users:{id}' }) async update(id: number) {
        return id;
      }
      @CacheEvict({ key: 'user:{0}' }) async remove(id: number) {
        return id;
      }
      @CachePut({ key: (id: number) => ['user', id] }) async put(id: number) {
        return id;
      }
    }
    await boot({ providers: [Users] });
    expect(warnings).toEqual([expect.stringMatching(/Users\.update .*'users:\{id\}'.*Did you mean 'user:\{id\}'\?$/)]);
  });

  it('in a region into which nothing is cached, with the one that was meant', async () => {
    @Injectable()
    class Reader {
      @Cacheable({ region: 'profile', key: '{id}' }) async findOne(id: number) {
        return id;
      }
    }
    @Injectable()
    class Writer {
      @CacheEvict({ region: 'profiles', key: '{id}' }) async misspelt(id: number) {
        return id;
      }
      @CacheEvict({ key: '{id}' }) async forgotten(id: number) {
        return id;
      }
      @CacheEvict({ region: 'profile', key: '{id}' }) async right(id: number) {
        return id;
      }
      @CacheEvict({ region: 'by-hand', key: '{id}' }) async byHand(id: number) {
        return id;
      }
    }
    await boot({ providers: [Writer, Reader] });
    expect(warnings).toEqual([
      expect.stringMatching(/Writer\.misspelt .*region "profiles".*Did you mean region "profile"\?$/),
      expect.stringMatching(/Writer\.forgotten .*region "Writer".*such as region: "profile"\.$/),
    ]);
  });

  it('by a tag that is misspelt', async () => {
    @Injectable()
    class Users {
      @Cacheable({ key: '{id}', tags: ['user-pages'] }) async findOne(id: number) {
        return id;
      }
      @CacheEvict({ tags: ['user-page'] }) async wrong() {}
      @CacheEvict({ tags: ['user-pages', 'unrelated'] }) async right() {}
    }
    await boot({ providers: [Users] });
    expect(warnings).toEqual([expect.stringMatching(/Users\.wrong .*Did you mean "user-pages"\?$/)]);
  });
});

describe('options of a region that no decorator names', () => {
  @Injectable()
  class Users {
    @Cacheable({ region: 'profile', key: '{id}' }) async findOne(id: number) {
      return id;
    }
  }
  const bootWith = async (...regions: string[]) => {
    const all = Object.fromEntries(regions.map((name) => [name, { ttl: '1h' as const }]));
    const imports = [RedisCacheModule.forRoot({ service: 'user', regions: all })];
    const app = await Test.createTestingModule({ imports, providers: [Users] })
      .setLogger(logger)
      .compile();
    open.push(app);
    await app.init();
  };

  it('are told where one nearly the same has none', async () => {
    await bootWith('profiles');
    expect(warnings).toEqual([expect.stringMatching(/^Options are given for regions\.profiles, .*regions\.profile\?/)]);
  });

  it('are not told once that has its own, nor where no name is near', async () => {
    await bootWith('profiles', 'profile', 'by-hand');
    expect(warnings).toEqual([]);
  });
});

describe('methods that read one region by keys of their own', () => {
  it('are warned of in pairs that may meet, and no longer once the line was followed', async () => {
    @Injectable()
    @CacheConfig({ region: 'profile' })
    class Before {
      @Cacheable({ key: 'id:{0}' }) async byId(id: number) {
        return id;
      }
      @Cacheable({ key: '{0}' }) async byEmail(email: string) {
        return email;
      }
      @Cacheable({ key: '{0}' }) async byName(name: string) {
        return name;
      }
    }
    await boot({ providers: [Before] });
    expect(warnings).toEqual([expect.stringContaining('Before.byEmail and Before.byName both make keys')]);
    warnings.length = 0;
    @Injectable()
    @CacheConfig({ region: 'profile' })
    class After {
      @Cacheable({ key: (id: number) => id }) async byId(id: number) {
        return id;
      }
      @Cacheable({ key: (email: string) => ['by-email', email] }) async byEmail(email: string) {
        return email;
      }
      @Cacheable({ key: 'roles:{0}' }) async rolesOf(id: number) {
        return id;
      }
    }
    await boot({ providers: [After] });
    expect(warnings).toEqual([]);
  });
});
