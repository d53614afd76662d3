import type { ExecutionContext, Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { KeyValue } from '../keys/key-segment.js';
import { toMilliseconds } from '../options/duration.js';
import type { AnyFunction } from '../operations/method-types.js';
import { classNameOf } from '../shared/class-name.js';
import type { HttpCacheOptions, Identity } from './http-cache-options.js';

/** The options of one route, complete. */
export interface RoutePlan {
  /** `UsersController.findOne`, for keys and messages. */
  readonly where: string;
  readonly options: Readonly<HttpCacheOptions>;
  readonly scope: 'public' | 'private' | undefined;
  readonly query: ReadonlySet<string>;
  readonly unknownQuery: 'bypass' | 'drop';
  /** Lower-case. */
  readonly vary: readonly string[];
  /** Lower-case; null: all. */
  readonly headers: ReadonlySet<string> | null;
  readonly hasEtag: boolean;
  readonly clientMs: number;
  readonly sharedMs: number | null;
  /** Left out: not stored. */
  readonly negativeMs: number | null;
  readonly principal: ((context: ExecutionContext) => Identity) | null;
  readonly tenant: ((context: ExecutionContext) => Identity) | null;
  readonly key: ((context: ExecutionContext) => KeyValue) | null;
  readonly takesResponse: boolean;
}

/** One parameter of a handler, by its decorator. */
export interface RouteParameter {
  readonly type: number;
  /** `id` of `@Param('id')`; undefined: all of them. */
  readonly name: string | undefined;
  readonly hasPipes: boolean;
}

/** The name under which the class has the handler: that of the function may be one that another's decorator gave. */
export function methodNameOf(runtimeClass: Type<unknown>, handler: AnyFunction): string {
  for (
    let prototype = runtimeClass.prototype as object | null;
    prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    const name = Object.getOwnPropertyNames(prototype).find(
      (one) => Object.getOwnPropertyDescriptor(prototype, one)!.value === handler,
    );
    if (name !== undefined) return name;
  }
  return handler.name;
}

export function routeParametersOf(runtimeClass: Type<unknown>, name: string): readonly RouteParameter[] {
  type Given = Record<string, { data?: unknown; pipes?: readonly unknown[] }>;
  const given = (Reflect.getMetadata(ROUTE_ARGS_METADATA, runtimeClass, name) ?? {}) as Given;
  return Object.entries(given).map(([key, { data, pipes = [] }]) => ({
    // of a decorator of the application NaN
    type: Number(key.split(':')[0]),
    name: typeof data === 'string' ? data : undefined,
    hasPipes: pipes.length > 0,
  }));
}

/** @throws CacheError RC_INVALID_OPTION */
export function routePlanOf(options: HttpCacheOptions, runtimeClass: Type<unknown>, handler: AnyFunction): RoutePlan {
  const name = methodNameOf(runtimeClass, handler);
  const where = `${classNameOf(runtimeClass)}.${name}`;
  const parameters = routeParametersOf(runtimeClass, name);
  const named = (type: RouteParamtypes) =>
    parameters.flatMap((one) => (one.type === Number(type) && one.name !== undefined ? [one.name] : []));
  const ms = (option: 'clientTtl' | 'sharedTtl' | 'negativeTtl') =>
    options[option] === undefined ? null : toMilliseconds(`${where}: ${option}`, options[option]);
  const vary = [...(options.vary ?? []), ...named(RouteParamtypes.HEADERS)].map((name) => name.toLowerCase());
  return {
    where,
    options,
    scope: options.scope ?? (options.principal ? 'private' : undefined),
    query: new Set(options.query ?? named(RouteParamtypes.QUERY)),
    unknownQuery: options.unknownQuery ?? 'bypass',
    vary: [...new Set(vary)].sort(),
    headers: options.headers ? new Set(options.headers.map((name) => name.toLowerCase())) : null,
    hasEtag: options.etag ?? true,
    clientMs: ms('clientTtl') ?? 0,
    sharedMs: ms('sharedTtl'),
    negativeMs: ms('negativeTtl'),
    principal: options.principal ?? null,
    tenant: options.tenant ?? null,
    key: options.key ?? null,
    takesResponse: parameters.some(({ type }) => type === Number(RouteParamtypes.RESPONSE)),
  };
}
