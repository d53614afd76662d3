import { Inject } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { CallPlan } from './cached-method.js';
import type { AnyFunction } from './method-types.js';

/**
 * How a decorated instance finds the cache of ITS application.
 *
 * Every decorated prototype gets a hidden accessor under HOST, and HOST is registered with `@Inject(ModuleRef)`. Every
 * module can resolve `ModuleRef`, so Nest hands each instance (singleton, REQUEST, TRANSIENT, durable, lazy, made by
 * `ModuleRef.create`) the container it lives in. No statics, no import order, no visibility rules: two applications in
 * one process are separate, and `new Service()` has no host.
 */
export const HOST: unique symbol = Symbol('nestjs-redis-cache:host');

/**
 * What instances of one class in one container share. Plans lie in it by {@link CachedMethod.slot}, so that a call
 * finds its own in one look-up.
 */
export interface HostBinding {
  readonly moduleRef: ModuleRef;
  readonly runtimeClass: AnyFunction;
  [slot: symbol]: CallPlan | undefined;
}

/** An instance that may have been given a host. */
export interface Hosted {
  [HOST]?: HostBinding;
}

/** Instances that cannot take a property: frozen, sealed. */
const hostsOfSealed = new WeakMap<object, HostBinding>();
const bindings = new WeakMap<ModuleRef, WeakMap<object, HostBinding>>();

/** Makes instances of the prototype's class, and of its heirs, receive their host. */
export function acceptHost(prototype: object): void {
  if (HOST in prototype) return;
  Object.defineProperty(prototype, HOST, {
    configurable: true,
    get(this: object): HostBinding | undefined {
      return hostsOfSealed.get(this);
    },
    set(this: object, moduleRef: ModuleRef) {
      bindHost(this, moduleRef);
    },
  });
  Inject(ModuleRef)(prototype, HOST);
}

/** Gives an instance its host, in the place of any it had. */
export function bindHost(instance: object, moduleRef: ModuleRef): void {
  const value = bindingOf(moduleRef, instance.constructor as AnyFunction);
  // an own, hidden property also reaches the object behind a Proxy; an entry of a WeakMap does not
  if (!Reflect.defineProperty(instance, HOST, { value, configurable: true, writable: false }))
    hostsOfSealed.set(instance, value);
}

function bindingOf(moduleRef: ModuleRef, runtimeClass: AnyFunction): HostBinding {
  let byClass = bindings.get(moduleRef);
  if (!byClass) bindings.set(moduleRef, (byClass = new WeakMap()));
  let binding = byClass.get(runtimeClass);
  if (!binding) byClass.set(runtimeClass, (binding = { moduleRef, runtimeClass }));
  return binding;
}
