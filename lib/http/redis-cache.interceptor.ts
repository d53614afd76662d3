import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { CacheRegistry } from '../application/cache-registry.js';
import type { AnyFunction } from '../operations/method-types.js';
import { CacheError } from '../shared/errors.js';
import { Exchange } from './exchange.js';
import { type HandlerPlan, RoutePlans } from './route-plans.js';
import { Visit } from './visit.js';

/** By application: however many controllers and modules bind the interceptor. */
const applications = new WeakMap<CacheRegistry, RoutePlans>();

/** The handler for which a request came here before: the interceptor is bound twice. */
const SEEN_BY = Symbol('handler');

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * Answers requests from the cache where handlers have `@HttpCache`, and ends entries where handlers write. Bind it with
 * `@UseInterceptors(RedisCacheInterceptor)`, before other interceptors, or as `APP_INTERCEPTOR`; other handlers it
 * leaves alone.
 *
 * @publicApi
 */
@Injectable()
export class RedisCacheInterceptor implements NestInterceptor, OnModuleInit {
  private plans: RoutePlans | undefined;

  /** @internal Called by Nest. */
  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** @throws CacheError RC_INVALID_OPTION, RC_DECORATOR_TARGET, RC_MODULE_MISSING, RC_REGION_CONFLICT */
  onModuleInit(): void {
    this.plansOf().planAll();
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const plans = this.plansOf();
    const plan = plans.planOf(context.getClass(), context.getHandler() as AnyFunction);
    const type = context.getType<string>();
    if (type === 'http') return this.ofRequest(plan, context, next);
    if (type === 'rpc') return ofMessage(plan, context, next);
    if (plan.isDeclared) {
      plans.warn(
        type,
        `@HttpCache does nothing in a context of the type "${type}" (first: ${context.getClass().name}.${context.getHandler().name}). Cache a method that the handler calls, by @Cacheable.`,
      );
    }
    return next.handle();
  }

  private ofRequest(
    { route, answer, evictions }: HandlerPlan,
    context: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    if (route === null && evictions === null) return next.handle();
    // switchToHttp makes three functions, and a context of another shape
    const request = context.getArgByIndex<ConstructorParameters<typeof Exchange>[1] & { [SEEN_BY]?: unknown }>(0);
    const handler = context.getHandler();
    if (request[SEEN_BY] === handler) return next.handle();
    request[SEEN_BY] = handler;
    const exchange = new Exchange(this.adapterHost.httpAdapter, request, context.getArgByIndex(1));
    if (!SAFE.has(exchange.method)) return evictions?.after(exchange, context, next) ?? next.handle();
    return route?.handle(new Visit(exchange, context, next, answer)) ?? next.handle();
  }

  private plansOf(): RoutePlans {
    if (this.plans) return this.plans;
    const registry = registryOf(this.moduleRef);
    let plans = applications.get(registry);
    if (!plans) applications.set(registry, (plans = new RoutePlans(this.moduleRef, RedisCacheInterceptor)));
    return (this.plans = plans);
  }
}

/** @throws CacheError RC_MODULE_MISSING */
function registryOf(moduleRef: ModuleRef): CacheRegistry {
  try {
    return moduleRef.get(CacheRegistry, { strict: false });
  } catch (cause) {
    throw new CacheError(
      'RC_MODULE_MISSING',
      `RedisCacheInterceptor is bound, but its application has no cache. Import RedisCacheModule.forRoot({ service: '…' }) in the application's root module.`,
      { cause },
    );
  }
}

function ofMessage(
  { message, evictions }: HandlerPlan,
  context: ExecutionContext,
  next: CallHandler,
): Observable<unknown> | Promise<Observable<unknown>> {
  if (message !== null) return message.handle(context, next);
  return evictions?.afterMessage(context, next) ?? next.handle();
}
