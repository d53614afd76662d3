import { type HttpServer, RequestMethod, type Type } from '@nestjs/common';
import { PIPES_METADATA } from '@nestjs/common/constants.js';
import { type ApplicationConfig, type ContextId, ContextIdFactory, type DiscoveryService } from '@nestjs/core';
import { PipesConsumer } from '@nestjs/core/pipes/pipes-consumer.js';
import { PipesContextCreator } from '@nestjs/core/pipes/pipes-context-creator.js';
import { RouteParamsFactory } from '@nestjs/core/router/route-params-factory.js';
import { RouterExecutionContext } from '@nestjs/core/router/router-execution-context.js';
import type { AnyFunction } from '../operations/method-types.js';
import { methodNameOf, routeParametersOf } from './route-plan.js';

type Run = (request: object, response: object, next: AnyFunction) => Promise<void>;
type ControllerWrapper = ReturnType<DiscoveryService['getControllers']>[number];
type Container = ConstructorParameters<typeof PipesContextCreator>[0];

/**
 * Neither guards nor interceptors, and nobody who answers: Nest has run the ones, and does the other when the
 * interceptor returns.
 */
const NOTHING_ELSE = {
  create: () => [],
  intercept: (_interceptors: unknown, _args: unknown, _instance: unknown, _callback: unknown, next: AnyFunction) =>
    next() as unknown,
};
const NOBODY_ANSWERS = { status() {}, setHeader() {}, reply() {} } as unknown as HttpServer;

/**
 * Runs the pipes and parameter decorators of a handler, and not the handler.
 *
 * Nest runs them after all interceptors, so that an answer from the cache would pass by what they refuse.
 */
export class RoutePipes {
  private readonly router: RouterExecutionContext;
  private readonly callback: AnyFunction;
  private fixed: Run | undefined;

  private constructor(
    container: Container,
    config: ApplicationConfig,
    private readonly wrapper: ControllerWrapper,
    private readonly handler: AnyFunction,
  ) {
    this.router = new RouterExecutionContext(
      new RouteParamsFactory(config),
      new PipesContextCreator(container, config),
      new PipesConsumer(),
      NOTHING_ELSE as never,
      NOTHING_ELSE as never,
      NOTHING_ELSE as never,
      NOTHING_ELSE as never,
      NOBODY_ANSWERS,
    );
    // decorators of parameters read what others left on the handler
    const callback = () => undefined;
    for (const key of Reflect.getOwnMetadataKeys(handler)) {
      Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, handler), callback);
    }
    this.callback = callback;
  }

  /** Null: the handler has neither. */
  static of(
    container: Container,
    config: ApplicationConfig,
    wrapper: ControllerWrapper,
    handler: AnyFunction,
  ): RoutePipes | null {
    const runtimeClass = wrapper.metatype as Type<unknown>;
    const parameters = routeParametersOf(runtimeClass, methodNameOf(runtimeClass, handler));
    if (parameters.length === 0) return null;
    const isBound = [runtimeClass, handler].some((one) => Reflect.getMetadata(PIPES_METADATA, one) !== undefined);
    const isGlobal = config.getGlobalPipes().length + config.getGlobalRequestPipes().length > 0;
    const isOwn = parameters.some(({ type, hasPipes }) => hasPipes || Number.isNaN(type));
    return isBound || isGlobal || isOwn ? new RoutePipes(container, config, wrapper, handler) : null;
  }

  /** @throws what a pipe, or a decorator of a parameter, refuses the request with */
  async check(request: object, response: object): Promise<void> {
    const run = this.wrapper.isDependencyTreeStatic()
      ? (this.fixed ??= this.runOf())
      : this.runOf(ContextIdFactory.getByRequest(request));
    // Nest returns the response, and that of Fastify is a promise of its end
    const hidden = 'then' in response ? (Object.create(response, { then: { value: undefined } }) as object) : response;
    await run(request, hidden, () => undefined);
  }

  private runOf(contextId?: ContextId): Run {
    const { instance, host, id, metatype } = this.wrapper;
    const name = methodNameOf(metatype as Type<unknown>, this.handler);
    return this.router.create(
      instance as object,
      this.callback,
      name,
      host?.token ?? '',
      RequestMethod.GET,
      contextId,
      contextId === undefined ? undefined : id,
    ) as Run;
  }
}
