import { RESPONSE_PASSTHROUGH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { DeclaredMethods } from '../application/declared-methods.js';
import type { OperationTarget } from '../application/operation-target.js';
import { refusalOfType } from '../keys/default-key.js';
import type { CacheOperation } from '../operations/cache-operation.js';
import type { CachedMethod } from '../operations/cached-method.js';
import type { AnyFunction } from '../operations/method-types.js';
import { classNameOf, isMangled } from '../shared/class-name.js';
import { CacheError, type CacheErrorCode } from '../shared/errors.js';

/** Handlers that get what answers the request, or goes on with it. */
const ANSWERING: readonly number[] = [RouteParamtypes.RESPONSE, RouteParamtypes.NEXT];

/**
 * What a decorated method may not be, since one caller would get another's value, or no answer at all. Each is refused
 * at boot; where the class was loaded lazily, or is made by a factory for each request, at its first call.
 */
export class KeyChecks {
  constructor(private readonly declared: DeclaredMethods) {}

  /** @throws CacheError RC_KEY_REQUIRED, RC_CLASS_NAME, RC_DECORATOR_TARGET */
  check(operation: CacheOperation, method: CachedMethod, runtimeClass: AnyFunction, target: OperationTarget): void {
    const hasDefaultKey = operation.kind === 'cacheable' && operation.key === null;
    if (target.isClassRegion || hasDefaultKey) this.checkClassName(method, runtimeClass, target.isClassRegion);
    if (operation.kind !== 'cacheable') return;
    checkHandler(method, runtimeClass);
    if (!hasDefaultKey) return;
    checkParameters(method, runtimeClass);
    if (operation.options.shared !== true) this.checkInstances(method, runtimeClass);
  }

  private checkInstances({ where }: CachedMethod, runtimeClass: AnyFunction): void {
    const why = this.declared.whyInstancesDiffer(runtimeClass);
    if (why === null) return;
    throw refusal(
      'RC_KEY_REQUIRED',
      `${where} has no key, and ${classNameOf(runtimeClass)} has more than one instance (${why}): default keys are made of the arguments alone, so that one tenant or user could get what ` +
        `the instance of another returned. Give it a key that names what the result depends on; where it depends on the arguments alone, say shared: true.`,
    );
  }

  /** The class's own name, and that of the class that declares the method, which is part of default keys. */
  private checkClassName({ where, prototype }: CachedMethod, runtimeClass: AnyFunction, isRegion: boolean): void {
    const classes = isRegion ? [runtimeClass] : [runtimeClass, prototype.constructor as AnyFunction];
    const mangled = classes.find((type) => isMangled(type));
    if (mangled === undefined) return;
    throw refusal(
      'RC_CLASS_NAME',
      `${where} is cached under the class name "${classNameOf(mangled)}", which looks like one that a minifier gave: the next build may give it to another class, which would then read these entries. ` +
        `${isRegion ? `Name the region: @CacheConfig({ region: '…' })` : 'Give the method a key'}, or keep class names (esbuild: keepNames, terser: keep_classnames).`,
    );
  }
}

/** A hit runs no handler: nobody would answer. */
function checkHandler({ where, name }: CachedMethod, runtimeClass: AnyFunction): void {
  const given = routeParametersOf(runtimeClass, name);
  if (!given.some((type) => ANSWERING.includes(type))) return;
  if (Reflect.getMetadata(RESPONSE_PASSTHROUGH_METADATA, runtimeClass, name) === true) return;
  throw refusal(
    'RC_DECORATOR_TARGET',
    `${where} takes the response by itself (@Res() or @Next()), so that a hit, which runs no handler, would never be answered. ` +
      `Return the value, or write @Res({ passthrough: true }); or cache a method of a service.`,
  );
}

function checkParameters({ where, prototype, name }: CachedMethod, runtimeClass: AnyFunction): void {
  const types = (Reflect.getMetadata('design:paramtypes', prototype, name) ?? []) as unknown[];
  types.forEach((type, index) => {
    const why = refusalOfType(type);
    if (why !== null) throw parameterRefusal(where, index, `${(type as AnyFunction).name}: ${why}`);
  });
  if (routeParametersOf(runtimeClass, name).includes(RouteParamtypes.REQUEST)) {
    throw parameterRefusal(where, null, '@Req(): it is another for each call');
  }
}

function parameterRefusal(where: string, index: number | null, why: string): CacheError {
  return refusal(
    'RC_KEY_REQUIRED',
    `${where} has no key, and ${index === null ? 'an argument' : `argument ${index}`} can never be part of a default one (${why}). ` +
      `Give it a key of what identifies the value, such as { key: (query) => [query.page, query.size] }.`,
  );
}

/** Kinds of `@Req()`, `@Res()` … on the parameters of a controller's handler. */
function routeParametersOf(runtimeClass: AnyFunction, name: string | symbol): number[] {
  const given = Reflect.getMetadata(ROUTE_ARGS_METADATA, runtimeClass, name) as object | undefined;
  return Object.keys(given ?? {}).map((key) => Number.parseInt(key, 10));
}

function refusal(code: CacheErrorCode, message: string): CacheError {
  return new CacheError(code, message);
}
