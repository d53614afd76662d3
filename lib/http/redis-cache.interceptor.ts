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
import { Exchange } from './exchange.js';
import { RoutePlans } from './route-plans.js';

/** By application: however many controllers and modules bind the interceptor. */
const applications = new WeakMap<CacheRegistry, RoutePlans>();

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * Answers requests from the cache where handlers have `@HttpCache`, and ends entries where handlers write. Bind it with
 * `@UseInterceptors(RedisCacheInterceptor)`, before other interceptors, or as `APP_INTERCEPTOR`; other handlers it leaves alone.
 *
 * @publicApi
 */
@Injectable()
export class RedisCacheInterceptor implements NestInterceptor, OnModuleInit {
  private plans: RoutePlans | undefined;
  /** A request that came here before: it is bound twice. */
  private static readonly seen = new WeakMap<object, AnyFunction>();

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** @throws CacheError RC_INVALID_OPTION, RC_DECORATOR_TARGET, RC_MODULE_MISSING, RC_REGION_CONFLICT */
  onModuleInit(): void {
    this.plansOf().planAll();
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    if (context.getType<string>() !== 'http') return next.handle();
    const plan = this.plansOf().planOf(context.getClass(), context.getHandler() as AnyFunction);
    if (plan.kind === 'none') return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<ConstructorParameters<typeof Exchange>[1]>();
    const { seen } = RedisCacheInterceptor;
    if (seen.get(request) === context.getHandler()) return next.handle();
    seen.set(request, context.getHandler() as AnyFunction);
    const exchange = new Exchange(this.adapterHost.httpAdapter, request, http.getResponse());
    if (!SAFE.has(exchange.method)) return plan.evictions.after(exchange, context, next);
    if (plan.kind === 'writes') return next.handle();
    return plan.route.handle({ exchange, context, next, answer: plan.answer });
  }

  private plansOf(): RoutePlans {
    if (this.plans) return this.plans;
    const registry = this.moduleRef.get(CacheRegistry, { strict: false });
    let plans = applications.get(registry);
    if (!plans) applications.set(registry, (plans = new RoutePlans(this.moduleRef, RedisCacheInterceptor)));
    return (this.plans = plans);
  }
}
