import { classNameOf as nameOfClass } from '../shared/class-name.js';
import 'reflect-metadata';
import { CacheError } from '../shared/errors.js';
import type { AnyFunction } from './method-types.js';

/**
 * Checks that a decorator stands on a method that can be cached.
 *
 * @throws CacheError RC_DECORATOR_TARGET for classes, static methods, getters, properties, generators, methods that
 * declare another result than a promise, and decorators applied by the standard (TC39) protocol, which Nest does not
 * use
 */
export function checkTarget(
  decorator: string,
  target: unknown,
  name: unknown,
  descriptor: PropertyDescriptor | undefined,
): { method: AnyFunction; where: string } {
  if (typeof name === 'object' && name !== null && 'kind' in name) {
    throw new CacheError(
      'RC_DECORATOR_TARGET',
      `@${decorator} was applied as a standard decorator, but Nest and this module use TypeScript's experimentalDecorators. Set "experimentalDecorators": true in tsconfig.json.`,
    );
  }
  if (name === undefined) {
    throw new CacheError(
      'RC_DECORATOR_TARGET',
      `@${decorator} cannot be used on the class ${ownerNameOf(target)}: methods are cached. Put it on each of them; @CacheConfig sets what they share.`,
    );
  }
  const where = `${ownerNameOf(target)}.${nameText(name as string | symbol)}`;
  const fail = (what: string) =>
    new CacheError('RC_DECORATOR_TARGET', `@${decorator} cannot be used on ${where}: ${what}`);
  if (typeof target === 'function') {
    throw fail('it is static, and only instances belong to an application. Make it an instance method of a provider.');
  }
  if (descriptor === undefined)
    throw fail('it is a property, or an abstract method. Put it on a method that has a body and returns a promise.');
  if (descriptor.get || descriptor.set) throw fail('it is an accessor. Make it a method that returns a promise.');
  const method = descriptor.value as unknown;
  if (typeof method !== 'function') throw fail('it is not a method. Make it a method that returns a promise.');
  if (/Generator/.test(Object.prototype.toString.call(method))) {
    throw fail('it is a generator, whose result cannot be cached. Return a promise of the whole result.');
  }
  const returnType = Reflect.getMetadata('design:returntype', target as object, name as string | symbol) as unknown;
  if (!mayBePromise(returnType)) {
    throw fail(
      `it returns ${(returnType as AnyFunction).name}, not a promise. Make it async, since a cache answers later.`,
    );
  }
  return { method: method as AnyFunction, where };
}

/**
 * Refuses a decorator without parentheses, which is called with what it stands on instead of options.
 *
 * @param given all arguments of the call
 * @throws CacheError RC_DECORATOR_TARGET
 */
export function refuseBare(decorator: string, given: readonly unknown[]): void {
  const [target, name] = given;
  if (typeof target !== 'function' && given.length < 2) return;
  const isMethod = typeof name === 'string' || typeof name === 'symbol';
  const where = isMethod ? `${ownerNameOf(target)}.${nameText(name)}` : ownerNameOf(target);
  throw new CacheError(
    'RC_DECORATOR_TARGET',
    `@${decorator} is used without parentheses on ${where}. Write @${decorator}(${ARGUMENTS[decorator] ?? '{ … }'}).`,
  );
}

const ARGUMENTS: Readonly<Record<string, string>> = {
  Cacheable: '',
  InvalidateOn: `'UserUpdated', (event) => ({ … })`,
};

/** What TypeScript emits for promises, and for types that it does not name: `Object`, or nothing. */
function mayBePromise(returnType: unknown): boolean {
  if (typeof returnType !== 'function' || returnType === Object || returnType === Promise) return true;
  return typeof (returnType.prototype as { then?: unknown } | undefined)?.then === 'function';
}

export function nameText(name: string | symbol): string {
  return typeof name === 'symbol' ? `[${String(name)}]` : name;
}

/** The name of the class that a decorator stands in, or on. */
export function ownerNameOf(target: unknown): string {
  const owner = typeof target === 'function' ? target : (target as object).constructor;
  return nameOfClass(owner) || '(a class without a name)';
}
