import 'reflect-metadata';
import type { CachedMethod } from './cached-method.js';
import type { CacheConfigOptions } from './operation-options.js';

const METHODS = Symbol('nestjs-redis-cache:methods');
const CONFIG = Symbol('nestjs-redis-cache:config');

/** The decorated methods that this prototype's class itself declares, in order. */
export function declaredMethodsOf(prototype: object): readonly CachedMethod[] {
  return (Reflect.getOwnMetadata(METHODS, prototype) as CachedMethod[] | undefined) ?? [];
}

export function recordMethod(method: CachedMethod): void {
  Reflect.defineMetadata(METHODS, [...declaredMethodsOf(method.prototype), method], method.prototype);
}

/** All decorated methods that an instance of the class can run, those it reaches by `super` among them. */
export function methodsOf(runtimePrototype: object): readonly CachedMethod[] {
  const methods: CachedMethod[] = [];
  for (
    let prototype: object | null = runtimePrototype;
    prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    methods.push(...declaredMethodsOf(prototype));
  }
  return methods;
}

/** The nearest `@CacheConfig`: of the class itself, else of the class it extends. */
export function configOf(runtimeClass: object): Readonly<CacheConfigOptions> {
  return (Reflect.getMetadata(CONFIG, runtimeClass) as CacheConfigOptions | undefined) ?? {};
}

/** The options and the class that state them; null where no class does. */
export function statedConfigOf(
  runtimeClass: object,
): { options: Readonly<CacheConfigOptions>; statedBy: object } | null {
  for (let stating: object | null = runtimeClass; stating; stating = Object.getPrototypeOf(stating) as object | null) {
    const options = ownConfigOf(stating);
    if (options) return { options, statedBy: stating };
  }
  return null;
}

/** What the class itself states; null where it states nothing. */
export function ownConfigOf(target: object): Readonly<CacheConfigOptions> | null {
  return (Reflect.getOwnMetadata(CONFIG, target) as CacheConfigOptions | undefined) ?? null;
}

export function recordConfig(target: object, options: Readonly<CacheConfigOptions>): void {
  Reflect.defineMetadata(CONFIG, options, target);
}
