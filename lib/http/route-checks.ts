import type { Type } from '@nestjs/common';
import {
  REDIRECT_METADATA,
  RENDER_METADATA,
  RESPONSE_PASSTHROUGH_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { AnyFunction } from '../operations/method-types.js';
import { methodNameOf, routeParametersOf } from './route-plan.js';

/** Why the responses of a handler cannot be cached, and what to do; null: they can. */
export function whyNotCacheable(runtimeClass: Type<unknown>, handler: AnyFunction): string | null {
  const has = (key: string) => Reflect.getMetadata(key, handler) !== undefined;
  if (has(SSE_METADATA)) return 'it sends events (@Sse()). Take @HttpCache off';
  if (has(RENDER_METADATA))
    return 'it renders a view (@Render()), after all interceptors. Cache what the view is made of';
  if (has(REDIRECT_METADATA)) return 'it redirects (@Redirect()). Take @HttpCache off';
  if (answersItself(runtimeClass, handler)) {
    return 'it takes the response by itself (@Res() or @Next()), so that nobody else sees what it sends. Return the value, or write @Res({ passthrough: true })';
  }
  return null;
}

export function answersItself(runtimeClass: Type<unknown>, handler: AnyFunction): boolean {
  const name = methodNameOf(runtimeClass, handler);
  if (Reflect.getMetadata(RESPONSE_PASSTHROUGH_METADATA, runtimeClass, name) === true) return false;
  const answering: readonly number[] = [RouteParamtypes.RESPONSE, RouteParamtypes.NEXT];
  return routeParametersOf(runtimeClass, name).some(({ type }) => answering.includes(type));
}
