import { Logger, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import type { ModuleRef } from '@nestjs/core';
import { CacheRegistry } from '../application/cache-registry.js';
import type { CacheEngine } from '../cache/cache-engine.js';
import { engineOf } from '../cache/redis-cache.js';
import type { AnyFunction } from '../operations/method-types.js';
import { classNameOf } from '../shared/class-name.js';
import { CacheError } from '../shared/errors.js';
import { DEFAULT_CACHE } from '../shared/tokens.js';
import { CachedRoute } from './cached-route.js';
import { GatewayRoute } from './gateway-route.js';
import { HTTP_CACHE, HTTP_CACHE_EVICT } from './http-cache.decorator.js';
import type { HttpCacheEvictOptions, HttpCacheOptions } from './http-cache-options.js';
import { NestApplication } from './nest-application.js';
import { ResponseCodec } from './response-codec.js';
import { answersItself, whyNotCacheable } from './route-checks.js';
import { routePlanOf } from './route-plan.js';
import { UriEvictions } from './uri-evictions.js';

/** What the interceptor does with the requests of one handler. */
export type HandlerPlan =
  | {
      readonly kind: 'cached';
      readonly route: CachedRoute | GatewayRoute;
      readonly evictions: UriEvictions;
      readonly answer: 'bytes' | 'value';
    }
  | { readonly kind: 'writes'; readonly evictions: UriEvictions }
  | { readonly kind: 'none' };

const NONE: HandlerPlan = { kind: 'none' };
const RESPONSES = new ResponseCodec();
const DEFAULT_REGION = 'http';

/** The plans of one application's handlers, by class and handler. */
export class RoutePlans {
  private readonly plans = new WeakMap<Type<unknown>, WeakMap<AnyFunction, HandlerPlan>>();
  private readonly application: NestApplication;
  private readonly logger = new Logger('RedisCacheInterceptor');
  private readonly warned = new Set<string>();
  private hasLooked = false;

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly interceptor: Type<unknown>,
  ) {
    this.application = new NestApplication(moduleRef);
  }

  /**
   * Plans all handlers at boot, so that a wrong declaration stops the boot and not a request.
   *
   * @throws CacheError RC_INVALID_OPTION, RC_DECORATOR_TARGET, RC_MODULE_MISSING, RC_REGION_CONFLICT
   */
  planAll(): void {
    if (this.hasLooked) return;
    this.hasLooked = true;
    for (const controller of this.application.controllers()) {
      for (const handler of handlersOf(controller)) this.planOf(controller, handler);
    }
  }

  planOf(runtimeClass: Type<unknown>, handler: AnyFunction): HandlerPlan {
    let ofClass = this.plans.get(runtimeClass);
    if (!ofClass) this.plans.set(runtimeClass, (ofClass = new WeakMap()));
    let plan = ofClass.get(handler);
    if (!plan) ofClass.set(handler, (plan = this.makePlan(runtimeClass, handler)));
    return plan;
  }

  readonly warn = (kind: string, message: string): void => {
    if (this.warned.has(kind)) return;
    this.warned.add(kind);
    this.logger.warn(message);
  };

  private makePlan(runtimeClass: Type<unknown>, handler: AnyFunction): HandlerPlan {
    const ofClass = Reflect.getMetadata(HTTP_CACHE, runtimeClass) as HttpCacheOptions | undefined;
    const own = Reflect.getMetadata(HTTP_CACHE, handler) as HttpCacheOptions | undefined;
    const evicts = Reflect.getMetadata(HTTP_CACHE_EVICT, handler) as HttpCacheEvictOptions | undefined;
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
    const reads = method === RequestMethod.GET || method === RequestMethod.HEAD || method === RequestMethod.ALL;
    const isCached = own !== undefined || (ofClass !== undefined && method !== undefined && reads);
    if (isCached) return this.cachedPlan({ ...ofClass, ...own }, runtimeClass, handler, own !== undefined, evicts);
    const writes = method !== undefined && !reads && method !== RequestMethod.OPTIONS;
    if (evicts === undefined && !(writes && hasCachedRoutes(runtimeClass))) return NONE;
    return {
      kind: 'writes',
      evictions: this.evictionsOf(evicts ?? { ...cacheOf(runtimeClass) }, runtimeClass, handler),
    };
  }

  private cachedPlan(
    options: HttpCacheOptions,
    runtimeClass: Type<unknown>,
    handler: AnyFunction,
    isOwn: boolean,
    evicts: HttpCacheEvictOptions | undefined,
  ): HandlerPlan {
    const where = `${classNameOf(runtimeClass)}.${handler.name}`;
    const why = whyNotCacheable(runtimeClass, handler);
    if (why !== null) {
      const message = `@HttpCache cannot stand on ${where}: ${why}.`;
      if (isOwn) throw new CacheError('RC_DECORATOR_TARGET', message);
      this.warn(where, `${message} Its class has @HttpCache: this handler runs for each request.`);
      return NONE;
    }
    const plan = routePlanOf(options, runtimeClass, handler);
    if (plan.scope === 'private' && plan.principal === null) {
      this.warn(
        `${where} principal`,
        `${where} is private and has no principal: every request passes the cache by. Give it one, such as { principal: (context) => context.switchToHttp().getRequest().user?.id }.`,
      );
    }
    const { engine } = this.find(options.cache, where);
    const region = engine.region(options.region ?? DEFAULT_REGION, RESPONSES);
    const { application } = this;
    const hasOuter = application.hasOuterInterceptors(this.interceptor, runtimeClass, handler);
    const answer = options.answer ?? (hasOuter ? 'value' : 'bytes');
    const { warn } = this;
    const route = options.respectHeaders
      ? new GatewayRoute(plan, region, warn)
      : new CachedRoute(plan, region, {
          versionOf: (exchange) => application.versionOf(exchange),
          warn,
          random: Math.random,
          pipes: application.pipesOf(runtimeClass, handler),
        });
    return {
      kind: 'cached',
      route,
      answer,
      evictions: this.evictionsOf(evicts ?? { cache: options.cache! }, runtimeClass, handler),
    };
  }

  private evictionsOf(options: HttpCacheEvictOptions, runtimeClass: Type<unknown>, handler: AnyFunction): UriEvictions {
    const where = `${classNameOf(runtimeClass)}.${handler.name}`;
    const takesResponse = answersItself(runtimeClass, handler);
    return new UriEvictions(where, this.find(options.cache, where).engine, options, { takesResponse, warn: this.warn });
  }

  private find(cache: string | undefined, where: string): { engine: CacheEngine } {
    const registry = this.moduleRef.get(CacheRegistry, { strict: false });
    return { engine: engineOf(registry.find(cache ?? DEFAULT_CACHE, where)) };
  }
}

function hasCachedRoutes(runtimeClass: Type<unknown>): boolean {
  return cacheOf(runtimeClass) !== null;
}

/** The cache of the class's cached routes; null: it has none. */
function cacheOf(runtimeClass: Type<unknown>): { cache?: string } | null {
  const all = [runtimeClass, ...handlersOf(runtimeClass)].map(
    (one) => Reflect.getMetadata(HTTP_CACHE, one) as HttpCacheOptions | undefined,
  );
  const stated = all.filter((one) => one !== undefined);
  if (stated.length === 0) return null;
  const cache = stated.find((one) => one.cache !== undefined)?.cache;
  return cache === undefined ? {} : { cache };
}

/** Methods of the class and of those it extends. */
function handlersOf(runtimeClass: Type<unknown>): AnyFunction[] {
  const handlers = new Map<string | symbol, AnyFunction>();
  for (
    let prototype = runtimeClass.prototype as object | null;
    prototype && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    for (const name of Reflect.ownKeys(prototype)) {
      const value = Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown;
      if (typeof value === 'function' && name !== 'constructor' && !handlers.has(name))
        handlers.set(name, value as AnyFunction);
    }
  }
  return [...handlers.values()];
}
