import 'reflect-metadata';
import { CacheError } from '../shared/errors.js';
import { getCallPlannerToken } from '../shared/tokens.js';
import type { CachedMethod, CallPlan, CallPlanner } from './cached-method.js';
import { HOST, type HostBinding, type Hosted } from './host-binding.js';
import type { AnyFunction } from './method-types.js';

const methods = new WeakMap<AnyFunction, CachedMethod>();

/** The method that this wrapper of ours stands for; undefined for other functions. */
export function wrappedMethodOf(wrapper: AnyFunction): CachedMethod | undefined {
  return methods.get(wrapper);
}

/** The function as the application wrote it, below all wrappers of ours. */
export function originalOf(method: AnyFunction): AnyFunction {
  let original = method;
  for (let wrapped; (wrapped = methods.get(original));) original = wrapped.original;
  return original;
}

/**
 * The one function that stands in the method's place, however many decorators the method has. It keeps name, length,
 * and everything that other decorators left on the original.
 *
 * A call on an instance that Nest did not make goes straight through.
 */
export function wrapMethod(method: CachedMethod): AnyFunction {
  const { original, slot } = method;
  const wrapper = function (this: Hosted | undefined, ...args: unknown[]): unknown {
    const host = this?.[HOST];
    if (host === undefined) return original.apply(this, args);
    const plan = host[slot];
    return plan === undefined ? firstCall(host, method, this, args) : plan(this, args);
  };
  for (const key of Reflect.getOwnMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), wrapper);
  }
  for (const key of Reflect.ownKeys(original)) {
    if (key !== 'prototype') Object.defineProperty(wrapper, key, Object.getOwnPropertyDescriptor(original, key)!);
  }
  methods.set(wrapper, method);
  return wrapper;
}

/** Finds how the application runs the method, and keeps that for the next calls. */
function firstCall(host: HostBinding, method: CachedMethod, instance: unknown, args: unknown[]): Promise<unknown> {
  let plan: CallPlan;
  try {
    plan = plannerOf(host, method).planOf(method, host.runtimeClass);
  } catch (error) {
    return Promise.reject(error);
  }
  host[method.slot] = plan;
  return plan(instance, args);
}

function plannerOf(host: HostBinding, method: CachedMethod): CallPlanner {
  try {
    return host.moduleRef.get<CallPlanner>(getCallPlannerToken(), { strict: false });
  } catch (cause) {
    throw new CacheError(
      'RC_MODULE_MISSING',
      `${method.where} was called, but its application has no cache. Import RedisCacheModule.forRoot({ service: '…' }) in the application's root module; ` +
        `in a test, RedisCacheTestingModule.forRoot() of nestjs-redis-cache/testing, or construct the class with new where no cache is wanted.`,
      { cause },
    );
  }
}
