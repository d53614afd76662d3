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
import { CachedMessage, messageKindOf } from './cached-message.js';
import { CachedRoute } from './cached-route.js';
import type { Exchange } from './exchange.js';
import { GatewayRoute } from './gateway-route.js';
import { HTTP_CACHE, HTTP_CACHE_EVICT } from './http-cache.decorator.js';
import type { HttpCacheEvictOptions, HttpCacheOptions } from './http-cache-options.js';
import { NestApplication } from './nest-application.js';
import { ResponseCodec } from './response-codec.js';
import { answersItself, whyNotCacheable } from './route-checks.js';
import { methodNameOf, type RoutePlan, routePlanOf } from './route-plan.js';
import { UriEvictions } from './uri-evictions.js';

/** What the interceptor does with what comes to one handler; null: nothing. */
export interface HandlerPlan {
  readonly route: CachedRoute | GatewayRoute | null;
  readonly answer: 'bytes' | 'value';
  readonly message: CachedMessage | null;
  /** After requests that may have written. */
  readonly evictions: UriEvictions | null;
  /** It says that it is to be cached, in whatever kind of context. */
  readonly isDeclared: boolean;
}

const NONE: HandlerPlan = { route: null, answer: 'bytes', message: null, evictions: null, isDeclared: false };
const RESPONSES = new ResponseCodec();
const HTTP_REGION = 'http';
const MESSAGE_REGION = 'rpc';

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
    const options = { ...ofClass, ...own };
    const isRoute = method !== undefined && (own !== undefined || (ofClass !== undefined && reads));
    const isMessage = own !== undefined && this.isMessage(runtimeClass, handler);
    const route = isRoute ? this.routeOf(options, runtimeClass, handler, own !== undefined) : null;
    // of a class with cached routes whatever may have written
    const ends = evicts ?? (method !== undefined && method !== RequestMethod.GET ? cacheOf(runtimeClass) : null);
    return {
      ...NONE,
      ...route,
      message: isMessage ? this.messageOf(options, runtimeClass, handler) : null,
      evictions: ends === null ? null : this.evictionsOf(ends, runtimeClass, handler),
      isDeclared: own !== undefined,
    };
  }

  private routeOf(
    options: HttpCacheOptions,
    runtimeClass: Type<unknown>,
    handler: AnyFunction,
    isOwn: boolean,
  ): Pick<HandlerPlan, 'route' | 'answer'> | null {
    const where = `${classNameOf(runtimeClass)}.${methodNameOf(runtimeClass, handler)}`;
    const why = whyNotCacheable(runtimeClass, handler);
    if (why !== null) {
      const message = `@HttpCache cannot be used on ${where}: ${why}.`;
      if (isOwn) throw new CacheError('RC_DECORATOR_TARGET', message);
      this.warn(where, `${message} Its class has @HttpCache: this handler runs for each request.`);
      return null;
    }
    const plan = routePlanOf(options, runtimeClass, handler);
    this.warnOfPlan(plan);
    const { engine } = this.find(options.cache, where);
    const region = engine.region(options.region ?? HTTP_REGION, RESPONSES);
    const { application } = this;
    const hasOuter = application.hasOuterInterceptors(this.interceptor, runtimeClass, handler);
    const { warn } = this;
    const parts = {
      versionOf: (exchange: Exchange) => application.versionOf(exchange),
      hidesPaths: engine.hidesIdentifiers,
      warn,
      random: Math.random,
      pipes: application.pipesOf(runtimeClass, handler),
    };
    const route = options.respectHeaders ? new GatewayRoute(plan, region, parts) : new CachedRoute(plan, region, parts);
    return { route, answer: options.answer ?? (hasOuter ? 'value' : 'bytes') };
  }

  private isMessage(runtimeClass: Type<unknown>, handler: AnyFunction): boolean {
    const kind = messageKindOf(handler);
    if (kind !== 'event') return kind === 'message';
    const where = `${classNameOf(runtimeClass)}.${methodNameOf(runtimeClass, handler)}`;
    throw new CacheError(
      'RC_DECORATOR_TARGET',
      `@HttpCache cannot be used on ${where}: it handles events (@EventPattern()), and answers nobody. Take @HttpCache off.`,
    );
  }

  private messageOf(options: HttpCacheOptions, runtimeClass: Type<unknown>, handler: AnyFunction): CachedMessage {
    const plan = routePlanOf(options, runtimeClass, handler);
    this.warnOfPlan(plan);
    const region = this.find(options.cache, plan.where).engine.region(options.region ?? MESSAGE_REGION);
    return new CachedMessage(plan, region, { runtimeClass, handler, warn: this.warn });
  }

  private warnOfPlan({ where, scope, principal }: RoutePlan): void {
    if (scope !== 'private' || principal !== null) return;
    this.warn(
      `${where} principal`,
      `${where} is private and has no principal: every request bypasses the cache. Give it one, such as { principal: (context) => context.switchToHttp().getRequest().user?.id }.`,
    );
  }

  private evictionsOf(options: HttpCacheEvictOptions, runtimeClass: Type<unknown>, handler: AnyFunction): UriEvictions {
    const where = `${classNameOf(runtimeClass)}.${methodNameOf(runtimeClass, handler)}`;
    const takesResponse = answersItself(runtimeClass, handler);
    return new UriEvictions(where, this.find(options.cache, where).engine, options, { takesResponse, warn: this.warn });
  }

  private find(cache: string | undefined, where: string): { engine: CacheEngine } {
    const registry = this.moduleRef.get(CacheRegistry, { strict: false });
    return { engine: engineOf(registry.find(cache ?? DEFAULT_CACHE, where)) };
  }
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
